#include "allocators/workload/timeline.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/common/monotonic_time.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kPieceOperations = 256;  // between two looks at the clock

}  // namespace

absl::StatusOr<std::unique_ptr<Timeline>> Timeline::Create(std::shared_ptr<const Trace> trace, Driver& driver,
                                                           std::uint64_t image_bytes_max) {
  ALLOCLAB_CHECK_EQ(driver.operations(), 0u);
  if (absl::Status status = driver.ReserveHandles(trace->heap_handles, trace->page_handles); !status.ok()) return status;
  driver.TouchAs(trace->touches);
  auto timeline = std::unique_ptr<Timeline>(new Timeline(std::move(trace), driver, image_bytes_max));
  timeline->Keep(absl::ZeroDuration());
  return timeline;
}

Timeline::Images::iterator Timeline::Before(std::uint64_t position) {
  const auto after = std::upper_bound(images_.begin(), images_.end(), position,
                                      [](std::uint64_t value, const Image& image) { return value < image.position; });
  return std::prev(after);  // the beginning is always there
}

absl::Status Timeline::Start(std::uint64_t operations) {
  if (operations > length()) {
    return absl::OutOfRangeError(
        absl::StrFormat("operation %d is beyond the end; expected at most the run's %d operations", operations, length()));
  }
  if (const Image& image = *Before(operations); operations < position() || image.position > position()) {
    driver_.Restore(*image.image);
    replayed_ = absl::ZeroDuration();
  }
  return absl::OkStatus();
}

std::span<const Operation> Timeline::NextPiece(std::uint64_t operations) const {
  return std::span(trace_->operations).subspan(position(), std::min(kPieceOperations, operations - position()));
}

bool Timeline::Advance(std::uint64_t operations, std::span<OpResult> results) {
  if (position() == operations) return false;
  const MonotonicTime began = MonotonicTime::Now();
  driver_.Apply(NextPiece(operations), results);
  replayed_ += MonotonicTime::Now() - began;
  if (replayed_ >= kImageEvery) {
    Keep(replayed_);
    replayed_ = absl::ZeroDuration();
  }
  return position() < operations;
}

absl::Status Timeline::Seek(std::uint64_t operations, const Interrupt& interrupt) {
  absl::Status status = Start(operations);
  while (status.ok() && Advance(operations)) {
    if (Interrupted(interrupt)) status = absl::CancelledError("the replay to a moment of the run was interrupted");
  }
  return status;
}

OpResult Timeline::Step() {
  ALLOCLAB_CHECK_LT(position(), length());
  OpResult result;
  driver_.Apply(NextPiece(position() + 1), std::span(&result, 1));
  return result;
}

std::optional<SearchPath> Timeline::FollowNext(std::span<const Block> blocks) {
  ALLOCLAB_CHECK_LT(position(), length());
  return FollowSearch(driver_, NextPiece(position() + 1).front(), blocks);
}

void Timeline::Keep(absl::Duration gap) {
  const auto at = images_.empty() ? images_.end() : std::next(Before(position()));
  if (at != images_.begin() && std::prev(at)->position == position()) return;
  if (at != images_.end()) at->gap = std::max(at->gap - gap, absl::ZeroDuration());
  images_.insert(at, {driver_.Save(), position(), gap});
  CountBytes();
  while (image_bytes_ > image_bytes_max_ && Drop()) CountBytes();
}

bool Timeline::Drop() {
  auto least = images_.end();
  absl::Duration least_gap = absl::InfiniteDuration();
  const auto kept = Before(position());
  for (auto at = std::next(images_.begin()); at != images_.end(); ++at) {
    const auto next = std::next(at);
    const absl::Duration gap = at->gap + (next != images_.end() ? next->gap : absl::ZeroDuration());
    if (at == kept || gap >= least_gap) continue;
    least = at;
    least_gap = gap;
  }
  if (least == images_.end()) return false;
  if (const auto next = std::next(least); next != images_.end()) next->gap = least_gap;
  images_.erase(least);
  return true;
}

void Timeline::CountBytes() {
  absl::flat_hash_set<const void*> counted;
  image_bytes_ = 0;
  for (const Image& image : images_) image_bytes_ += image.image->HostBytes(counted);
}

}  // namespace alloclab
