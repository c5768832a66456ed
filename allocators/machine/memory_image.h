// The contents of a machine's RAM at one moment, immutable, made and read by PhysicalMemory (TakeSnapshot, Restore). Frames
// that did not change from one image to the next are held once for both, and so are whole pieces of 2 MiB.
//
// Thread safety: an image may be used by many threads at once.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_MEMORY_IMAGE_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_MEMORY_IMAGE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "allocators/machine/address.h"

namespace alloclab {

class MemoryImage : public std::enable_shared_from_this<MemoryImage> {
 public:
  std::uint64_t size_bytes() const { return std::uint64_t{frame_count_} << kPageShift; }

  // Host bytes of the parts of this image that are not in `counted`, and puts them in: called for several images with one set,
  // it counts what they share once.
  std::uint64_t HostBytes(absl::flat_hash_set<const void*>& counted) const;

 private:
  friend class PhysicalMemory;

  static constexpr std::uint32_t kLeafShift = 9;
  static constexpr std::uint32_t kLeafFrames = 1u << kLeafShift;
  static constexpr std::uint32_t kFillWord = 0x01010101;  // times a byte: that byte four times

  using FrameWords = std::array<std::uint32_t, kPageWords>;

  struct Frame {
    std::shared_ptr<const FrameWords> words;  // null: the head, then only fill bytes
    std::array<std::uint32_t, 2> head{};
    std::uint8_t fill = 0;
    bool pinned = false;

    static Frame Filled(std::uint8_t fill) { return {nullptr, {kFillWord * fill, kFillWord * fill}, fill, false}; }
    friend bool operator==(const Frame&, const Frame&) = default;
  };
  struct Leaf {  // the frames of 2 MiB
    std::array<Frame, kLeafFrames> frames;
  };

  // All zero.
  explicit MemoryImage(std::uint32_t frame_count)
      : frame_count_(frame_count), leaves_((frame_count + kLeafFrames - 1) >> kLeafShift), fills_(leaves_.size(), 0) {}
  MemoryImage(const MemoryImage&) = default;

  Frame FrameAt(std::uint32_t leaf, std::uint32_t slot) const {
    return leaves_[leaf] != nullptr ? leaves_[leaf]->frames[slot] : Frame::Filled(fills_[leaf]);
  }

  std::uint32_t frame_count_;
  std::vector<std::shared_ptr<const Leaf>> leaves_;  // null: every byte is the fill
  std::vector<std::uint8_t> fills_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_MEMORY_IMAGE_H_
