// The RAM of one simulated machine: 1 MiB to 4 GiB in 4 KiB frames, host memory only for frames that were written.
//
// A frame that was never written, or was filled as a whole, is kept as its fill byte plus its first two words (which is where a
// free page run keeps its header): it costs 16 bytes of table, and a fill of any length costs a few table entries per 2 MiB.
// Every read sees exactly the bytes that eager memory would hold.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "allocators/machine/address.h"

namespace alloclab {

class PhysicalMemory {
 public:
  static constexpr std::uint64_t kBytesMin = 1ull << 20;
  static constexpr std::uint64_t kBytesMax = 1ull << 32;
  static constexpr std::uint64_t kBytesDefault = 512ull << 20;

  using FrameWords = std::array<std::uint32_t, kPageWords>;

  // INVALID_ARGUMENT unless kBytesMin <= bytes <= kBytesMax and bytes is a multiple of the page size.
  static absl::Status ValidateSize(std::uint64_t bytes);

  // All zero. REQUIRES: ValidateSize(bytes).ok().
  explicit PhysicalMemory(std::uint64_t bytes);
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  std::uint64_t size_bytes() const { return std::uint64_t{frame_count_} << kPageShift; }
  std::uint32_t frame_count() const { return frame_count_; }
  bool Contains(PhysAddr first, std::uint64_t bytes) const {
    return first.raw() + bytes <= size_bytes();
  }

  // Little-endian access at any alignment. Nothing, or false and no change, when any byte lies outside RAM.
  std::optional<std::uint32_t> LoadU32(PhysAddr address) const;
  [[nodiscard]] bool StoreU32(PhysAddr address, std::uint32_t value);
  [[nodiscard]] bool Read(PhysAddr address, std::span<std::uint8_t> out) const;
  [[nodiscard]] bool Write(PhysAddr address, std::span<const std::uint8_t> bytes);

  // Sets every byte of `count` frames from `first`. Lazy: gives the host memory of unpinned frames back.
  [[nodiscard]] bool FillFrames(PageFrame first, std::uint32_t count, std::uint8_t value);

  // The words of a frame in host memory, made real if they were not, and pinned: they stay at this place for the life of
  // the memory, so a translation cache may keep the pointer. Null when the frame is outside RAM.
  FrameWords* Pin(PageFrame frame);
  // Whether any of these frames is pinned, i.e. in use by the machine itself.
  bool AnyPinned(PageFrame first, std::uint32_t count) const;

  // Host bytes held for frames and tables; for the memory limits of the lab.
  std::uint64_t host_bytes() const;

 private:
  struct Slot;  // one frame
  struct Leaf;  // the slots of 2 MiB

  const std::uint32_t frame_count_;
  std::vector<std::unique_ptr<Leaf>> leaves_;
  std::vector<std::uint8_t> leaf_fill_;  // what every byte of a null leaf reads as
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_PHYSICAL_MEMORY_H_
