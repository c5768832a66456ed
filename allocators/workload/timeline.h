// Goes to any moment of a run, forth and back.
//
// A run is the same every time, so any moment of it is made by replaying from an image of an earlier one. Images share what did
// not change between them, and are kept where replaying takes longest, as many as a bound of memory allows: how long it takes
// to a moment depends on how fast the host is, but never what it looks like.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TIMELINE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TIMELINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/driver.h"
#include "allocators/workload/search_path.h"
#include "allocators/workload/trace.h"

namespace alloclab {

class Timeline {
 public:
  static constexpr std::uint64_t kImageBytesMax = 256 << 20;
  static constexpr absl::Duration kImageEvery = absl::Milliseconds(8);  // of replaying, between two images, if memory allows

  // `driver`, which outlives the timeline, is at the beginning of the run, and is moved by the timeline alone from now on.
  // `image_bytes_max`: host memory of all images together; the one of the beginning is always there. Errors of
  // Driver::ReserveHandles.
  static absl::StatusOr<std::unique_ptr<Timeline>> Create(std::shared_ptr<const Trace> trace, Driver& driver,
                                                          std::uint64_t image_bytes_max = kImageBytesMax);

  // Goes to the moment after so many operations. OUT_OF_RANGE behind the last one; CANCELLED when interrupted: then at some
  // moment on the way there.
  absl::Status Seek(std::uint64_t operations, const Interrupt& interrupt = {});
  // The same in pieces, for owners who have more to do: Start, and then Advance until it returns false. Start gives the errors
  // of Seek. `results` is empty or as long as NextPiece.
  absl::Status Start(std::uint64_t operations);
  bool Advance(std::uint64_t operations, std::span<OpResult> results = {});
  // What Advance would apply.
  std::span<const Operation> NextPiece(std::uint64_t operations) const;
  // The next operation. REQUIRES: position() < length().
  OpResult Step();

  // The way of the next operation, which is not done. REQUIRES: as Step.
  std::optional<SearchPath> FollowNext(std::span<const Block> blocks);

  std::uint64_t position() const { return driver_.operations(); }
  std::uint64_t length() const { return trace_->operations.size(); }
  const Trace& trace() const { return *trace_; }
  const Driver& driver() const { return driver_; }

  std::uint64_t images() const { return images_.size(); }
  // Host memory of the images; what the machine holds itself is not in it.
  std::uint64_t image_bytes() const { return image_bytes_; }

 private:
  struct Image {
    std::shared_ptr<const DriverImage> image;
    std::uint64_t position = 0;
    absl::Duration gap;  // about what replaying from the image before it takes
  };
  using Images = std::vector<Image>;  // by position

  Timeline(std::shared_ptr<const Trace> trace, Driver& driver, std::uint64_t image_bytes_max)
      : trace_(std::move(trace)), driver_(driver), image_bytes_max_(image_bytes_max) {}

  // The last image at or before a position.
  Images::iterator Before(std::uint64_t position);
  // An image of this moment, which took so long to reach from the image before it.
  void Keep(absl::Duration gap);
  // Leaves off the image without which the shortest gap comes to be; not the one of the beginning, nor the last one before the
  // moment. False: there is no other.
  bool Drop();
  void CountBytes();

  const std::shared_ptr<const Trace> trace_;
  Driver& driver_;
  const std::uint64_t image_bytes_max_;
  Images images_;
  std::uint64_t image_bytes_ = 0;
  absl::Duration replayed_;  // since the last image
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TIMELINE_H_
