// What a trace's reader finds odd and lets pass: counted, and told in one sentence however often it was there, so that a trace
// has at most one note of a kind.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ODDITY_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ODDITY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"

namespace alloclab {

// The size that a trace's larger ones become, and the note that says so. A guarded heap's outcome is size_overflow, as for a
// calloc of so much.
inline constexpr std::uint32_t kLargestSize = 0xFFFFFFFF;
inline constexpr std::string_view kTooLargeNote =
    "a size that 32 bits cannot hold becomes 4294967295, which a guarded heap refuses as size_overflow";

class Oddity {
 public:
  // `what` is a sentence without its full stop: "a free of null is dropped".
  explicit constexpr Oddity(std::string_view what) : what_(what) {}

  // One more, at that line or byte.
  void Add(std::uint64_t place) {
    if (count_++ == 0) first_ = place;
  }

  std::uint64_t count() const { return count_; }

  // Adds "line 7: a free of null is dropped (2 times)", if there was any, and no number if there was one. The place is that of
  // the first; `unit` is what it counts.
  void Tell(std::string_view unit, std::vector<std::string>& notes) const {
    if (count_ == 0) return;
    notes.push_back(absl::StrFormat("%s %d: %s", unit, first_, what_));
    if (count_ > 1) absl::StrAppendFormat(&notes.back(), " (%d times)", count_);
  }

 private:
  std::string_view what_;
  std::uint64_t count_ = 0, first_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ODDITY_H_
