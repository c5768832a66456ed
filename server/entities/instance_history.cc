#include "server/entities/instance_history.h"

namespace alloclab::server {

HistoryPoint PointOf(const Snapshot& snapshot) {
  HistoryPoint point{.time = snapshot.time, .operations = snapshot.operations};
  if (snapshot.heap) {
    point.live_bytes = snapshot.counters.live_requested_bytes;
    point.arena_bytes = snapshot.heap->size_bytes();
    if (!snapshot.heap->broken) {
      point.free_bytes = snapshot.heap->free_bytes;
      point.largest_free_bytes = snapshot.heap->largest_free_bytes;
    }
    return point;
  }
  point.live_bytes = snapshot.counters.page_live_bytes;
  point.arena_bytes = snapshot.pages.arena.bytes;
  if (!snapshot.pages.broken) {
    point.free_bytes = snapshot.pages.free_bytes;
    point.largest_free_bytes = snapshot.pages.largest_free_bytes;
  }
  return point;
}

void InstanceHistory::Offer(const Snapshot& snapshot) {
  if (newest_ && newest_->operations == snapshot.operations) return;
  newest_ = PointOf(snapshot);
  if (!points_.empty() && snapshot.time - points_.back().time < every_) return;
  if (points_.size() == kPointsMax) {
    for (std::size_t i = 1; 2 * i < kPointsMax; ++i) points_[i] = points_[2 * i];
    points_.resize(kPointsMax / 2);
    every_ *= 2;
    if (snapshot.time - points_.back().time < every_) return;
  }
  points_.push_back(*newest_);
}

std::vector<HistoryPoint> InstanceHistory::All() const {
  std::vector<HistoryPoint> all = points_;
  if (newest_ && newest_->operations != all.back().operations) all.push_back(*newest_);
  return all;
}

}  // namespace alloclab::server
