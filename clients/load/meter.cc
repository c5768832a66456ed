#include "clients/load/meter.h"

namespace alloclab::load {
namespace {

// counts[i...] += or -= other[i...], through any depth of arrays.
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
  response += other.response;
  service += other.service;
  lag += other.lag;
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
  lag -= earlier.lag;
  return *this;
}

LoadSnapshot Meter::Read() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

void Meter::SetTarget(double per_second) {
  absl::MutexLock lock(&mutex_);
  state_.gauges.target_per_second = per_second;
}

void Meter::PassBegun() {
  absl::MutexLock lock(&mutex_);
  ++state_.counts.passes;
  state_.gauges.position_ratio = 0;
}

void Meter::Paused(Nanos pause) {
  absl::MutexLock lock(&mutex_);
  state_.counts.between_passes += pause;
}

void Meter::Sent(std::uint64_t operations, Nanos lag, double position_ratio) {
  absl::MutexLock lock(&mutex_);
  state_.counts.scheduled += operations;
  state_.counts.batch_operations.Record(operations);
  state_.counts.lag.Record(lag);
  state_.gauges.inflight_operations += operations;
  state_.gauges.lag = lag;
  state_.gauges.position_ratio = position_ratio;
}

void Meter::Waiting(Nanos lag) {
  absl::MutexLock lock(&mutex_);
  state_.gauges.lag = lag;
}

void Meter::Dropped(DropReason reason, std::uint64_t operations) {
  absl::MutexLock lock(&mutex_);
  state_.counts.scheduled += operations;
  state_.counts.dropped[static_cast<std::size_t>(reason)] += operations;
}

void Meter::Answered(std::span<const Operation> batch, std::span<const Outcome> outcomes, Nanos response, Nanos service) {
  std::array<std::array<std::uint64_t, kOutcomeSlots>, kOpKinds> answered{};
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Outcome outcome = outcomes.empty() ? Outcome::kOk : outcomes[i];
    ++answered[static_cast<std::size_t>(batch[i].kind)][static_cast<std::size_t>(outcome)];
  }
  absl::MutexLock lock(&mutex_);
  Zip(state_.counts.answered, answered, [](std::uint64_t& count, std::uint64_t more) { count += more; });
  state_.counts.response.Record(response);
  state_.counts.service.Record(service);
  state_.gauges.inflight_operations -= batch.size();
}

void Meter::Lost(std::span<const Operation> batch, LossReason reason) {
  absl::MutexLock lock(&mutex_);
  for (const Operation& op : batch) ++state_.counts.lost[static_cast<std::size_t>(op.kind)][static_cast<std::size_t>(reason)];
  state_.gauges.inflight_operations -= batch.size();
}

}  // namespace alloclab::load
