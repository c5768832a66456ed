// When batches are due. Arrivals give the intended times; a pacer says when the next batch may go and which arrivals were
// missed.
//
//   closed loop   the next batch is due as soon as the window has room
//   open loop     batches are due at their arrivals' times, whatever the server does. One arrival waits for room in the window;
//                 arrivals that pass while it waits are missed (dropped) or, with catch-up, wait behind it.
//
// A missed arrival never skips operations of the workload: the next batch carries them.
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_CLIENTS_LOAD_SCHEDULE_H_
#define ALLOCLAB_CLIENTS_LOAD_SCHEDULE_H_

#include <cstdint>
#include <memory>
#include <random>

#include "allocators/common/check.h"
#include "clients/load/clock.h"

namespace alloclab::load {

// Which part of a load a batch belongs to: that in which it was due, whenever it was sent and answered.
enum class Part { kWarmUp, kMeasured };
inline constexpr int kParts = 2;

// The measured part of a load, by the clock: batches due before it are its warm-up, and nothing is sent after it.
struct Period {
  Nanos from = Nanos::min();
  Nanos end = Nanos::max();

  Part PartAt(Nanos due) const { return due < from ? Part::kWarmUp : Part::kMeasured; }
};

// An endless series of times, counted from the start of the load, that never decreases.
class Arrivals {
 public:
  virtual ~Arrivals() = default;
  virtual Nanos Next() = 0;
};

// The i-th (from 0) at offset + i / per_second, without drift. REQUIRES per_second > 0.
class ConstantArrivals final : public Arrivals {
 public:
  ConstantArrivals(double per_second, Nanos offset) : gap_ns_(1e9 / per_second), offset_(offset) {
    ALLOCLAB_CHECK_GT(per_second, 0);
  }
  Nanos Next() override { return offset_ + Nanos(static_cast<Nanos::rep>(gap_ns_ * static_cast<double>(next_++))); }

 private:
  double gap_ns_;
  Nanos offset_;
  std::uint64_t next_ = 0;
};

// A Poisson process: independent exponential gaps. REQUIRES per_second > 0.
class PoissonArrivals final : public Arrivals {
 public:
  PoissonArrivals(double per_second, std::uint64_t seed) : mean_gap_ns_(1e9 / per_second), random_(seed) {
    ALLOCLAB_CHECK_GT(per_second, 0);
  }
  Nanos Next() override;

 private:
  double mean_gap_ns_;
  double at_ns_ = 0;
  std::mt19937_64 random_;
};

// Arrivals that no batch was sent for, by the part of the load in which they were due.
struct Missed {
  std::uint64_t warm_up = 0, measured = 0;
  friend bool operator==(const Missed&, const Missed&) = default;
};

class Pacer {
 public:
  virtual ~Pacer() = default;
  // The intended start of the next batch: in the past when it waits, in the future when it is not due yet.
  virtual Nanos Intended(Nanos now) = 0;
  // The next batch was sent now. Returns the arrivals that were missed meanwhile.
  virtual Missed Sent(Nanos now) = 0;
  // The load ends now. Returns the arrivals that were due before and not sent.
  virtual Missed End(Nanos now) = 0;
  // No batch could be sent for this long, and none was due: moves everything later.
  virtual void Pause(Nanos length) = 0;
};

class ClosedLoop final : public Pacer {
 public:
  Nanos Intended(Nanos now) override { return now; }
  Missed Sent(Nanos) override { return {}; }
  Missed End(Nanos) override { return {}; }
  void Pause(Nanos) override {}
};

class OpenLoop final : public Pacer {
 public:
  // Arrivals count from `start`.
  OpenLoop(std::unique_ptr<Arrivals> arrivals, Nanos start, const Period& period, bool catch_up)
      : arrivals_(std::move(arrivals)),
        start_(start),
        period_(period),
        catch_up_(catch_up),
        next_(arrivals_->Next()),
        after_(arrivals_->Next()) {}

  Nanos Intended(Nanos) override { return start_ + next_; }
  Missed Sent(Nanos now) override;
  Missed End(Nanos now) override;
  void Pause(Nanos length) override { start_ += length; }

 private:
  void Advance();
  void Miss(Missed& missed);

  std::unique_ptr<Arrivals> arrivals_;
  Nanos start_;
  const Period period_;
  bool catch_up_;
  Nanos next_, after_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_SCHEDULE_H_
