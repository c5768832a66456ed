#include "clients/load/batch_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace alloclab::load {
namespace {

// Between two looks at the stop flags.
constexpr Nanos kLookInterval = std::chrono::milliseconds(50);
// A stream has no natural end; each reply has a limit of its own.
constexpr std::chrono::hours kStreamDeadline{24 * 365};

}  // namespace

BatchStream::BatchStream(const client::Connection& connection, std::string instance, StreamLimits limits, Cursor& cursor,
                         Pacer& pacer, std::uint64_t& budget, const Period& period, Meter& meter)
    : connection_(connection),
      instance_(std::move(instance)),
      limits_(limits),
      period_(period),
      pacer_(pacer),
      meter_(meter),
      context_(connection.MakeContext(kStreamDeadline)),
      stub_(connection.channel()),
      cursor_(cursor),
      budget_(budget) {}

absl::Status BatchStream::Run(const StopFlags& stop) {
  stub_.async()->Stream(context_.get(), this);
  AddHold();  // of this thread, which writes as well; see Release
  StartRead(&reply_);
  StartCall();
  const MutexLock lock(mutex_);
  while (!ended_) {
    const Nanos now = Now();
    Look(now, stop);
    next_look_ = NextLook(now);
    changed_.WaitUntil(mutex_, MonotonicTime::Now() + absl::FromChrono(std::max(next_look_ - now, Nanos(0))));
  }
  return Conclude();
}

// Does what becomes due by the passing of time alone, without a write or a read that ends: sends the next batch, stops, and
// gives up on a reply that is overdue.
void BatchStream::Look(Nanos now, const StopFlags& stop) {
  if (stop.drain) last_sent_ = true;
  if (stop.abort) GiveUp(absl::CancelledError("aborted"));
  if (now - (in_flight_.empty() ? closed_at_ : in_flight_.front().sent) > limits_.reply_timeout) {
    GiveUp(absl::DeadlineExceededError(
        fmt::format("the server at {} did not answer a batch within {}; a longer --timeout may help",
                    connection_.options().server, absl::FormatDuration(absl::FromChrono(limits_.reply_timeout)))));
  }
  Pump(now);
}

Nanos BatchStream::NextLook(Nanos now) {
  Nanos next = now + kLookInterval;
  if (last_sent_) return next;
  if (period_.end > now) next = std::min(next, period_.end);
  // A batch that is due already goes out when a write or a read ends.
  const Nanos intended = pacer_.Intended(now);
  return intended > now ? std::min(next, intended) : next;
}

void BatchStream::Pump(Nanos now) {
  if (released_) return;
  last_sent_ = last_sent_ || cursor_.at_end() || budget_ == 0 || now >= period_.end;
  if (last_sent_) {
    if (writing_ || !in_flight_.empty()) return;
    closed_at_ = now;
    StartWritesDone();
    return Release();
  }
  const Nanos intended = pacer_.Intended(now);
  if (intended > now) return;
  if (!writing_ && in_flight_.size() < limits_.window) return Send(now, intended);
  held_back_ = true;
  meter_.Waiting(now - intended);
}

void BatchStream::Send(Nanos now, Nanos intended) {
  const std::span<const Operation> operations = cursor_.Next(std::min<std::uint64_t>(limits_.batch, budget_), batch_);
  budget_ -= operations.size();
  batch_.set_instance(sent_batches_ == 0 ? instance_ : "");
  batch_.set_sequence(++sent_batches_);
  batch_.set_quiet(true);
  in_flight_.push_back({.operations = operations, .intended = intended, .sent = now});
  writing_ = true;
  StartWrite(&batch_);
  meter_.Sent(period_.PartAt(intended), operations.size(), now - intended, !held_back_, cursor_.position_ratio());
  const Missed missed = pacer_.Sent(now);
  if (missed != Missed()) meter_.Dropped(held_back_ ? DropReason::kInflightLimit : DropReason::kOverrun, missed, limits_.batch);
  held_back_ = false;
}

void BatchStream::OnWriteDone(bool ok) {
  const MutexLock lock(mutex_);
  writing_ = false;
  if (ok) Pump(Now());
}

void BatchStream::OnReadDone(bool ok) {
  const Nanos now = Now();
  const MutexLock lock(mutex_);
  if (!ok) return Release();  // the server ended the stream; OnDone says why
  if (absl::Status status = Settle(now); !status.ok()) return GiveUp(std::move(status));
  StartRead(&reply_);
  Pump(now);
  // The next batch may be due earlier than what the waiting thread knew.
  if (!last_sent_ && pacer_.Intended(now) < next_look_) changed_.NotifyOne();
}

void BatchStream::OnDone(const grpc::Status& status) {
  const MutexLock lock(mutex_);
  ended_ = status;
  changed_.NotifyOne();
}

// The reply belongs to the oldest batch in flight.
absl::Status BatchStream::Settle(Nanos now) {
  const std::uint64_t expected = answered_batches_ + 1;
  if (!reply_.stopped().empty()) {
    return absl::ResourceExhaustedError(fmt::format("the server stopped within batch {}: {}", expected, reply_.stopped()));
  }
  if (in_flight_.empty() || reply_.sequence() != expected || reply_.operations() != in_flight_.front().operations.size()) {
    return absl::InternalError(fmt::format("the server answered batch {} with {} operations when batch {} was due",
                                           reply_.sequence(), reply_.operations(), expected));
  }
  const InFlight& batch = in_flight_.front();
  const std::string& numbers = reply_.outcomes();
  if (!numbers.empty() && numbers.size() != batch.operations.size()) {
    return absl::InternalError(
        fmt::format("the server told {} outcomes of {} operations", numbers.size(), batch.operations.size()));
  }
  outcomes_.clear();
  for (const char number : numbers) {
    const std::optional<Outcome> outcome = OutcomeFromNumber(static_cast<unsigned char>(number));
    if (!outcome)
      return absl::InternalError(fmt::format("the server told an unknown outcome {}", static_cast<unsigned char>(number)));
    outcomes_.push_back(*outcome);
  }
  meter_.Answered(period_.PartAt(batch.intended), batch.operations,
                  {.outcomes = outcomes_,
                   .response = now - batch.intended,
                   .service = now - batch.sent,
                   .server = Nanos(static_cast<Nanos::rep>(reply_.service_ns()))});
  ++answered_batches_;
  in_flight_.pop_front();
  return absl::OkStatus();
}

void BatchStream::GiveUp(absl::Status why) {
  if (!verdict_.ok()) return;
  verdict_ = std::move(why);
  context_->TryCancel();
  Release();
}

void BatchStream::Release() {
  if (std::exchange(released_, true)) return;
  RemoveHold();
}

absl::Status BatchStream::Conclude() {
  absl::Status status = !verdict_.ok() ? verdict_ : ended_->ok() ? absl::OkStatus() : connection_.Explain(*ended_);
  if (status.ok() && !in_flight_.empty())
    status = absl::InternalError("the server ended the stream without answering every batch");
  const LossReason reason = absl::IsDeadlineExceeded(status) ? LossReason::kDeadline : LossReason::kRpcError;
  for (const InFlight& batch : in_flight_) meter_.Lost(period_.PartAt(batch.intended), batch.operations, reason);
  return status;
}

}  // namespace alloclab::load
