// How an instance came to be as it is: a few figures at moments of its whole life, evenly spread over the time in which it was
// used. When there are kPointsMax of them, every other one goes, and the next come half as often.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_SERVER_ENTITIES_INSTANCE_HISTORY_H_
#define ALLOCLAB_SERVER_ENTITIES_INSTANCE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

// Of the heap, or of the pages if there is no heap.
struct HistoryPoint {
  absl::Time time;
  std::uint64_t operations = 0;
  std::uint64_t live_bytes = 0;          // as asked for
  std::uint64_t arena_bytes = 0;         // of the heap up to its break, or all pages
  std::uint64_t free_bytes = 0;          // 0 if the chain is broken
  std::uint64_t largest_free_bytes = 0;  // likewise
};
HistoryPoint PointOf(const Snapshot& snapshot);

class InstanceHistory {
 public:
  static constexpr std::size_t kPointsMax = 128;
  static constexpr absl::Duration kEvery = absl::Milliseconds(500);  // at first

  // Keeps it if something was done since, and it is late enough after the last one that was kept.
  void Offer(const Snapshot& snapshot);
  const std::vector<HistoryPoint>& points() const { return points_; }  // oldest first
  // Those, and how it was when the last operations were first seen to be done.
  std::vector<HistoryPoint> All() const;

 private:
  std::vector<HistoryPoint> points_;
  std::optional<HistoryPoint> newest_;
  absl::Duration every_ = kEvery;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_INSTANCE_HISTORY_H_
