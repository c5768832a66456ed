#include "clients/load/meter.h"

#include <algorithm>

namespace alloclab::load {
namespace {

// Calls `combine` for each number of `counts` and its counterpart in `other`, through arrays of arrays.
template <typename Element, std::size_t kSize, typename Combine>
void Zip(std::array<Element, kSize>& counts, const std::array<Element, kSize>& other, Combine combine) {
  for (std::size_t i = 0; i < kSize; ++i) {
    if constexpr (std::is_integral_v<Element>) {
      combine(counts[i], other[i]);
    } else {
      Zip(counts[i], other[i], combine);
    }
  }
}

template <std::size_t kRows, std::size_t kColumns>
std::uint64_t Total(const std::array<std::array<std::uint64_t, kColumns>, kRows>& counts, std::size_t first_column = 0) {
  std::uint64_t total = 0;
  for (const auto& row : counts) {
    for (std::size_t column = first_column; column < kColumns; ++column) total += row[column];
  }
  return total;
}

}  // namespace

std::string_view DropReasonName(DropReason reason) {
  switch (reason) {
    case DropReason::kOverrun:
      return "overrun";
    case DropReason::kInflightLimit:
      return "inflight_limit";
    case DropReason::kAborted:
      break;
  }
  return "aborted";
}

std::string_view LossReasonName(LossReason reason) { return reason == LossReason::kRpcError ? "rpc_error" : "deadline"; }

std::uint64_t LoadCounts::Answered() const { return Total(answered); }
std::uint64_t LoadCounts::Lost() const { return Total(lost); }
std::uint64_t LoadCounts::Failed() const {
  static_assert(Succeeded(Outcome::kZeroSize) && !Succeeded(Outcome::kOutOfMemory));
  return Total(answered, static_cast<std::size_t>(Outcome::kOutOfMemory));
}

LoadCounts& LoadCounts::operator+=(const LoadCounts& other) {
  const auto add = [](std::uint64_t& count, std::uint64_t more) { count += more; };
  Zip(answered, other.answered, add);
  Zip(lost, other.lost, add);
  Zip(dropped, other.dropped, add);
  scheduled += other.scheduled;
  passes += other.passes;
  between_passes += other.between_passes;
  batch_operations.Add(other.batch_operations);
  response += other.response;
  service += other.service;
  server += other.server;
  lag += other.lag;
  own_lag += other.own_lag;
  return *this;
}

LoadCounts& LoadCounts::operator-=(const LoadCounts& earlier) {
  const auto subtract = [](std::uint64_t& count, std::uint64_t less) { count -= less; };
  Zip(answered, earlier.answered, subtract);
  Zip(lost, earlier.lost, subtract);
  Zip(dropped, earlier.dropped, subtract);
  scheduled -= earlier.scheduled;
  passes -= earlier.passes;
  between_passes -= earlier.between_passes;
  response -= earlier.response;
  service -= earlier.service;
  server -= earlier.server;
  lag -= earlier.lag;
  own_lag -= earlier.own_lag;
  return *this;
}

LoadSnapshot& LoadSnapshot::operator+=(const LoadSnapshot& other) {
  counts += other.counts;
  gauges.inflight_operations += other.gauges.inflight_operations;
  gauges.target_per_second += other.gauges.target_per_second;
  gauges.lag = std::max(gauges.lag, other.gauges.lag);
  return *this;
}

LoadSnapshot Meter::Read() const {
  const MutexLock lock(mutex_);
  LoadSnapshot sum{.counts = counts_.front(), .gauges = gauges_};
  sum.counts += counts_.back();
  return sum;
}

LoadCounts Meter::Read(Part part) const {
  const MutexLock lock(mutex_);
  return counts_[static_cast<std::size_t>(part)];
}

void Meter::SetTarget(double per_second) {
  const MutexLock lock(mutex_);
  gauges_.target_per_second = per_second;
}

void Meter::PassBegun(Part part) {
  const MutexLock lock(mutex_);
  ++CountsOf(part).passes;
  gauges_.position_ratio = 0;
}

void Meter::Paused(Part part, Nanos pause) {
  const MutexLock lock(mutex_);
  CountsOf(part).between_passes += pause;
}

void Meter::Sent(Part part, std::uint64_t operations, Nanos lag, bool found_room, double position_ratio) {
  const MutexLock lock(mutex_);
  LoadCounts& counts = CountsOf(part);
  counts.scheduled += operations;
  counts.batch_operations.Record(operations);
  counts.lag.Record(lag);
  if (found_room) counts.own_lag.Record(lag);
  gauges_.inflight_operations += operations;
  gauges_.lag = lag;
  gauges_.position_ratio = position_ratio;
}

void Meter::Waiting(Nanos lag) {
  const MutexLock lock(mutex_);
  gauges_.lag = lag;
}

void Meter::Dropped(DropReason reason, const Missed& missed, std::uint64_t batch) {
  const MutexLock lock(mutex_);
  for (const auto& [part, arrivals] : {std::pair{Part::kWarmUp, missed.warm_up}, {Part::kMeasured, missed.measured}}) {
    CountsOf(part).scheduled += arrivals * batch;
    CountsOf(part).dropped[static_cast<std::size_t>(reason)] += arrivals * batch;
  }
}

void Meter::Answered(Part part, std::span<const Operation> batch, const Answer& answer) {
  std::array<std::array<std::uint64_t, kOutcomeSlots>, kOpKinds> answered{};
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Outcome outcome = answer.outcomes.empty() ? Outcome::kOk : answer.outcomes[i];
    ++answered[static_cast<std::size_t>(batch[i].kind)][static_cast<std::size_t>(outcome)];
  }
  const MutexLock lock(mutex_);
  LoadCounts& counts = CountsOf(part);
  Zip(counts.answered, answered, [](std::uint64_t& count, std::uint64_t more) { count += more; });
  counts.response.Record(answer.response);
  counts.service.Record(answer.service);
  counts.server.Record(answer.server);
  gauges_.inflight_operations -= batch.size();
}

void Meter::Lost(Part part, std::span<const Operation> batch, LossReason reason) {
  const MutexLock lock(mutex_);
  LoadCounts& counts = CountsOf(part);
  for (const Operation& op : batch) ++counts.lost[static_cast<std::size_t>(op.kind)][static_cast<std::size_t>(reason)];
  gauges_.inflight_operations -= batch.size();
}

}  // namespace alloclab::load
