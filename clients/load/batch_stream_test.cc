// The stream against servers that answer, dawdle and misbehave.
#include "clients/load/batch_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include "clients/load/echo_heap.h"

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::vector<Operation> Mallocs(std::uint32_t count) {
  std::vector<Operation> operations;
  for (std::uint32_t i = 0; i < count; ++i) operations.push_back({.kind = OpKind::kMalloc, .block = i, .size = 8});
  return operations;
}

// One stream over `operations` and what its meter showed.
struct Replayed {
  absl::Status status;
  LoadCounts counts, measured;
  std::uint64_t inflight = 0;
};

struct Conditions {
  StreamLimits limits{.batch = 10, .window = 4, .reply_timeout = std::chrono::seconds(20)};
  std::unique_ptr<Pacer> pacer = std::make_unique<ClosedLoop>();
  std::uint64_t budget = std::numeric_limits<std::uint64_t>::max();
  Period period;
};

Replayed Replay(const EchoHeap& server, const std::vector<Operation>& operations, Conditions conditions,
                const StopFlags& stop) {
  const client::Connection connection({.server = server.address(), .timeout = std::chrono::seconds(20), .wait = {}});
  Cursor cursor(operations, {});
  Meter meter;
  BatchStream stream(connection, "h", conditions.limits, cursor, *conditions.pacer, conditions.budget, conditions.period,
                     meter);
  Replayed replayed{.status = stream.Run(stop), .counts = {}, .measured = {}, .inflight = 0};
  const LoadSnapshot snapshot = meter.Read();
  replayed.measured = meter.Read(Part::kMeasured);
  replayed.counts = snapshot.counts;
  replayed.inflight = snapshot.gauges.inflight_operations;
  return replayed;
}

Replayed Replay(const EchoHeap& server, const std::vector<Operation>& operations, Conditions conditions = {}) {
  return Replay(server, operations, std::move(conditions), StopFlags());
}

// At 1000 batches a second.
std::unique_ptr<Pacer> ThousandPerSecond(bool catch_up) {
  return std::make_unique<OpenLoop>(std::make_unique<ConstantArrivals>(1'000, Nanos(0)), Now(), Period(), catch_up);
}

TEST(BatchStream, SendsEveryOperationOnceAndInOrder) {
  std::vector<std::uint32_t> blocks;
  std::vector<std::string> instances;
  const EchoHeap server([&](const v1::Batch& batch, v1::BatchReply&) {
    blocks.insert(blocks.end(), batch.blocks().begin(), batch.blocks().end());
    instances.push_back(batch.instance());
    return EchoAction::kAnswer;
  });
  const Replayed replayed = Replay(server, Mallocs(1'234));
  ASSERT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 1'234u);
  EXPECT_EQ(replayed.counts.service.buckets().count(), 124u);
  EXPECT_EQ(replayed.inflight, 0u);
  ASSERT_EQ(blocks.size(), 1'234u);
  for (std::uint32_t i = 0; i < blocks.size(); ++i) ASSERT_EQ(blocks[i], i);
  ASSERT_EQ(instances.size(), 124u);
  EXPECT_EQ(instances.front(), "h");
  EXPECT_EQ(instances[1], "");
}

TEST(BatchStream, KeepsTheWindow) {
  std::atomic<std::uint64_t> received{0};
  const EchoHeap server([&](const v1::Batch&, v1::BatchReply&) {
    ++received;
    return EchoAction::kStaySilent;
  });
  Conditions conditions;
  conditions.limits.window = 3;
  conditions.limits.reply_timeout = milliseconds(300);
  const Replayed replayed = Replay(server, Mallocs(1'000), std::move(conditions));
  EXPECT_EQ(received, 3u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(replayed.status)) << replayed.status;
  EXPECT_EQ(replayed.counts.lost[0][static_cast<std::size_t>(LossReason::kDeadline)], 30u);
  EXPECT_EQ(replayed.inflight, 0u);
}

TEST(BatchStream, StopsAtTheBudget) {
  const EchoHeap server;
  Conditions conditions;
  conditions.budget = 777;
  const Replayed replayed = Replay(server, Mallocs(1'000), std::move(conditions));
  EXPECT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 777u);
}

TEST(BatchStream, CountsOutcomes) {
  const EchoHeap server([](const v1::Batch& batch, v1::BatchReply& reply) {
    reply.set_outcomes(std::string(batch.kinds().size(), static_cast<char>(Outcome::kOutOfMemory)));
    (*reply.mutable_outcomes())[0] = static_cast<char>(Outcome::kZeroSize);
    return EchoAction::kAnswer;
  });
  const Replayed replayed = Replay(server, Mallocs(100));
  EXPECT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 100u);
  EXPECT_EQ(replayed.counts.Failed(), 90u);
  EXPECT_EQ(replayed.counts.answered[0][static_cast<std::size_t>(Outcome::kZeroSize)], 10u);
}

TEST(BatchStream, TellsTheServersOwnErrorAndWhatWasLost) {
  const EchoHeap server([](const v1::Batch& batch, v1::BatchReply&) {
    return batch.sequence() < 5 ? EchoAction::kAnswer : EchoAction::kEndStream;
  });
  const Replayed replayed = Replay(server, Mallocs(1'000));
  EXPECT_TRUE(absl::IsNotFound(replayed.status)) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 40u);
  EXPECT_GE(replayed.counts.Lost(), 10u);
  EXPECT_LE(replayed.counts.Lost(), 40u);
  EXPECT_EQ(replayed.inflight, 0u);
}

TEST(BatchStream, NoticesAWrongSequence) {
  const EchoHeap server([](const v1::Batch&, v1::BatchReply& reply) {
    reply.set_sequence(99);
    return EchoAction::kAnswer;
  });
  const Replayed replayed = Replay(server, Mallocs(100));
  EXPECT_TRUE(absl::IsInternal(replayed.status));
  EXPECT_THAT(std::string(replayed.status.message()), HasSubstr("answered batch 99"));
  EXPECT_EQ(replayed.counts.Answered(), 0u);
}

TEST(BatchStream, NoticesTooFewOutcomesAndUnknownOnes) {
  for (const std::string& outcomes : {std::string(3, '\0'), std::string(10, '\x7f')}) {
    const EchoHeap server([&](const v1::Batch&, v1::BatchReply& reply) {
      reply.set_outcomes(outcomes);
      return EchoAction::kAnswer;
    });
    const Replayed replayed = Replay(server, Mallocs(10));
    EXPECT_TRUE(absl::IsInternal(replayed.status)) << replayed.status;
    EXPECT_THAT(std::string(replayed.status.message()), HasSubstr("outcome"));
  }
}

TEST(BatchStream, SaysThatThereIsNoServer) {
  std::string address;
  {
    const EchoHeap gone;
    address = gone.address();
  }
  const client::Connection connection({.server = address, .timeout = std::chrono::seconds(20), .wait = {}});
  const std::vector<Operation> operations = Mallocs(10);
  Cursor cursor(operations, {});
  Meter meter;
  ClosedLoop pacer;
  std::uint64_t budget = 100;
  BatchStream stream(connection, "h", {}, cursor, pacer, budget, Period(), meter);
  const absl::Status status = stream.Run(StopFlags());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  // The refusal may arrive before the first batch goes out: nothing is lost then.
  const LoadCounts counts = meter.Read().counts;
  EXPECT_EQ(counts.Lost(), counts.batch_operations.count() == 0 ? 0u : 10u);
}

TEST(BatchStream, DrainsWhenToldTo) {
  StopFlags stop;
  const EchoHeap server([&](const v1::Batch& batch, v1::BatchReply&) {
    if (batch.sequence() == 20) stop.drain = true;
    return EchoAction::kAnswer;
  });
  Conditions conditions;
  conditions.pacer = ThousandPerSecond(false);
  const Replayed replayed = Replay(server, Mallocs(1'000'000), std::move(conditions), stop);
  EXPECT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_GE(replayed.counts.Answered(), 200u);
  EXPECT_LT(replayed.counts.Answered(), 1'000'000u);
  EXPECT_EQ(replayed.counts.Lost(), 0u);
}

TEST(BatchStream, AbortsWhenToldTo) {
  StopFlags stop;
  const EchoHeap server([&](const v1::Batch&, v1::BatchReply&) {
    stop.abort = true;
    return EchoAction::kStaySilent;
  });
  const Replayed replayed = Replay(server, Mallocs(1'000), {}, stop);
  EXPECT_TRUE(absl::IsCancelled(replayed.status)) << replayed.status;
}

TEST(BatchStream, EndsInTime) {
  const EchoHeap server;
  Conditions conditions;
  conditions.period.end = Now() + milliseconds(100);
  conditions.pacer = ThousandPerSecond(false);
  const Replayed replayed = Replay(server, Mallocs(1'000'000), std::move(conditions));
  EXPECT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_LE(replayed.counts.scheduled, 1'000u);  // due in 100 ms
}

// The 20 batches of the warm-up are due at once and cannot be answered before it is over; the 5 after it are measured.
TEST(BatchStream, LeavesTheBacklogOfTheWarmUpToTheWarmUp) {
  class Backlog final : public Pacer {
   public:
    explicit Backlog(Nanos measured_from) : measured_from_(measured_from) {}
    Nanos Intended(Nanos) override { return sent_ < 20 ? measured_from_ - Nanos(1) : measured_from_; }
    Missed Sent(Nanos) override {
      ++sent_;
      return sent_ == 20 ? Missed{.warm_up = 3, .measured = 2} : Missed{};
    }
    Missed End(Nanos) override { return {}; }
    void Pause(Nanos) override {}

   private:
    const Nanos measured_from_;
    int sent_ = 0;
  };
  const EchoHeap server([](const v1::Batch&, v1::BatchReply& reply) {
    reply.set_service_ns(7'000);
    return EchoAction::kAnswer;
  });
  Conditions conditions;
  conditions.period.from = Now();  // nothing is sent before
  conditions.pacer = std::make_unique<Backlog>(conditions.period.from);
  const Replayed replayed = Replay(server, Mallocs(250), std::move(conditions));
  ASSERT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 250u);
  EXPECT_EQ(replayed.measured.Answered(), 50u);
  EXPECT_EQ(replayed.measured.scheduled, 50u + 2 * 10);
  EXPECT_EQ(replayed.counts.scheduled, 250u + 5 * 10);
  for (const LatencyHistogram* histogram : {&replayed.measured.response, &replayed.measured.service, &replayed.measured.lag}) {
    EXPECT_EQ(histogram->buckets().count(), 5u);
  }
  EXPECT_EQ(replayed.measured.server.Quantile(1), Nanos(7'000));
}

// A server that needs 5 ms a batch cannot take 1000 batches a second: with a window of 1 all but about every fifth are dropped,
// none silently.
TEST(BatchStream, DropsWhatASlowServerCannotTake) {
  const EchoHeap server([](const v1::Batch&, v1::BatchReply&) {
    std::this_thread::sleep_for(milliseconds(5));
    return EchoAction::kAnswer;
  });
  Conditions conditions;
  conditions.limits.window = 1;
  conditions.pacer = ThousandPerSecond(false);
  const Replayed replayed = Replay(server, Mallocs(400), std::move(conditions));
  ASSERT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.Answered(), 400u);
  const std::uint64_t dropped = replayed.counts.dropped[static_cast<std::size_t>(DropReason::kInflightLimit)];
  EXPECT_GE(dropped, 3 * 390u);
  EXPECT_EQ(replayed.counts.scheduled, 400 + dropped + replayed.counts.dropped[static_cast<std::size_t>(DropReason::kOverrun)]);
}

// With catch-up nothing is dropped, and the wait of the late ones is in the response time, not in the service time.
TEST(BatchStream, CountsTheWaitOfLateBatches) {
  const EchoHeap server([](const v1::Batch&, v1::BatchReply&) {
    std::this_thread::sleep_for(milliseconds(5));
    return EchoAction::kAnswer;
  });
  Conditions conditions;
  conditions.limits.window = 1;
  conditions.pacer = ThousandPerSecond(true);
  const Replayed replayed = Replay(server, Mallocs(400), std::move(conditions));
  ASSERT_TRUE(replayed.status.ok()) << replayed.status;
  EXPECT_EQ(replayed.counts.scheduled, 400u);
  // The last of 40 batches is due after 39 ms and cannot be answered before 200 ms.
  EXPECT_GE(replayed.counts.response.Quantile(1), milliseconds(160));
  EXPECT_GE(replayed.counts.lag.Quantile(1), milliseconds(155));
  EXPECT_GE(replayed.counts.service.Quantile(0), milliseconds(5));
  EXPECT_LT(replayed.counts.service.Quantile(0.5), replayed.counts.response.Quantile(0.5));
}

}  // namespace
}  // namespace alloclab::load
