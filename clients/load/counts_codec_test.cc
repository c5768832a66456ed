#include "clients/load/counts_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "clients/load/clock_comparison.h"

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;

// By way of bytes.
absl::StatusOr<LoadCounts> SentAndRead(const LoadCounts& counts) {
  v1::LoadCounts message;
  EXPECT_TRUE(message.ParseFromString(CountsToProto(counts).SerializeAsString()));
  return CountsFromProto(message);
}

void ExpectSame(const LoadCounts& one, const LoadCounts& other) {
  EXPECT_EQ(one.answered, other.answered);
  EXPECT_EQ(one.lost, other.lost);
  EXPECT_EQ(one.dropped, other.dropped);
  EXPECT_EQ(one.scheduled, other.scheduled);
  EXPECT_EQ(one.passes, other.passes);
  EXPECT_EQ(one.between_passes, other.between_passes);
  EXPECT_EQ(one.response, other.response);
  EXPECT_EQ(one.service, other.service);
  EXPECT_EQ(one.server, other.server);
  EXPECT_EQ(one.lag, other.lag);
  EXPECT_EQ(one.own_lag, other.own_lag);
}

// One batch of whatever comes, from nanoseconds to hours, on a meter.
void Happen(std::mt19937_64& dice, Meter& meter) {
  const auto some_time = [&] { return Nanos(static_cast<Nanos::rep>(dice() >> (18 + dice() % 46))); };
  std::vector<Operation> batch(1 + dice() % 5);
  std::vector<Outcome> outcomes(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].kind = static_cast<OpKind>(dice() % kOpKinds);
    outcomes[i] = static_cast<Outcome>(dice() % 8);
  }
  meter.PassBegun(Part::kMeasured);
  meter.Paused(Part::kMeasured, some_time());
  meter.Sent(Part::kMeasured, batch.size(), some_time(), dice() % 2 == 0, 0.5);
  if (dice() % 10 == 0) meter.Dropped(DropReason::kOverrun, {.warm_up = 0, .measured = dice() % 9}, batch.size());
  if (dice() % 10 == 0) return meter.Lost(Part::kMeasured, batch, LossReason::kDeadline);
  meter.Answered(Part::kMeasured, batch,
                 {.outcomes = outcomes, .response = some_time(), .service = some_time(), .server = some_time()});
}

TEST(CountsCodec, WhatGeneratorsCountedAddsUpToWhatOneWouldHaveCounted) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 dice(seed);
  for (int round = 0; round < 20; ++round) {
    Meter one;
    std::vector<Meter> several(1 + dice() % 7);
    const int batches = static_cast<int>(dice() % 2000);
    for (int i = 0; i < batches; ++i) {
      std::mt19937_64 again = dice;
      Happen(dice, one);
      Happen(again, several[dice() % several.size()]);
    }
    LoadCounts sum;
    for (const Meter& meter : several) {
      const absl::StatusOr<LoadCounts> counts = SentAndRead(meter.Read(Part::kMeasured));
      ASSERT_TRUE(counts.ok()) << counts.status();
      sum += *counts;
    }
    ExpectSame(sum, one.Read(Part::kMeasured));
  }
}

TEST(CountsCodec, WhatIsLeftOfALaterStateCanBeSentToo) {
  std::mt19937_64 dice(7);
  Meter meter;
  for (int i = 0; i < 100; ++i) Happen(dice, meter);
  const LoadCounts before = meter.Read(Part::kMeasured);
  LoadCounts nothing = before;
  nothing -= before;
  ASSERT_TRUE(SentAndRead(nothing).ok());
  for (int i = 0; i < 100; ++i) Happen(dice, meter);
  LoadCounts since = meter.Read(Part::kMeasured);
  EXPECT_TRUE(IsLater(since, before));
  EXPECT_FALSE(IsLater(before, since));
  since -= before;
  const absl::StatusOr<LoadCounts> read = SentAndRead(since);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, since);
}

TEST(CountsCodec, RefusesWhatNobodyCanHaveCounted) {
  LoadCounts counts;
  for (int i = 1; i <= 3; ++i) counts.response.Record(Nanos(1000 * i));
  const v1::LoadCounts good = CountsToProto(counts);
  ASSERT_TRUE(CountsFromProto(good).ok());
  ASSERT_TRUE(CountsFromProto(v1::LoadCounts()).ok());
  struct Lie {
    const char* says;
    std::function<void(v1::LoadCounts&)> tell;
  };
  const Lie lies[] = {
      {"answered: 1 counts, expected", [](auto& m) { m.clear_answered(), m.add_answered(1); }},
      {"answered: expected at most", [](auto& m) { m.set_answered(0, kCountMax), m.set_answered(1, 1); }},
      {"lost: 2 counts", [](auto& m) { m.clear_lost(), m.add_lost(1), m.add_lost(1); }},
      {"dropped: 4 counts, expected 3", [](auto& m) { m.add_dropped(1); }},
      {"scheduled: 18446744073709551615", [](auto& m) { m.set_scheduled(~0ull); }},
      {"between_passes_ns: ", [](auto& m) { m.set_between_passes_ns(kCountMax + 1); }},
      {"response: expected a count for each bucket", [](auto& m) { m.mutable_response()->add_counts(1); }},
      {"response: bucket 4865: ", [](auto& m) { m.mutable_response()->set_buckets(2, LogHistogram::kBuckets); }},
      {"response: bucket 4294967295: ", [](auto& m) { m.mutable_response()->set_buckets(2, 0xFFFFFFFF); }},
      {"ascending", [](auto& m) { m.mutable_response()->set_buckets(1, m.response().buckets(0)); }},
      {"that hold anything", [](auto& m) { m.mutable_response()->set_counts(1, 0); }},
      {"response: expected at most", [](auto& m) { m.mutable_response()->set_counts(1, ~0ull); }},
      {"smallest or largest", [](auto& m) { m.mutable_response()->set_min_ns(1); }},
      {"smallest or largest", [](auto& m) { m.mutable_response()->set_max_ns(5000); }},
      {"its sum", [](auto& m) { m.mutable_response()->set_sum_ns(1); }},
      {"its sum", [](auto& m) { m.mutable_response()->set_sum_ns(~0ull); }},
      {"own_lag: its sum", [](auto& m) { m.mutable_own_lag()->set_sum_ns(1); }},
  };
  for (const Lie& lie : lies) {
    v1::LoadCounts message = good;
    lie.tell(message);
    const absl::Status status = CountsFromProto(message).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << lie.says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(lie.says));
  }
}

TEST(ClockComparison, TheQuickestAnswerCounts) {
  ClockComparison clock;
  clock.Add(Nanos(1000), Nanos(501'900), Nanos(3000));    // theirs is 499,900 ahead, give or take 1000
  clock.Add(Nanos(5000), Nanos(505'010), Nanos(5020));    // 500,000, give or take 10
  clock.Add(Nanos(9000), Nanos(700'000), Nanos(90'000));  // it took long
  EXPECT_EQ(clock.error(), Nanos(10));
  EXPECT_EQ(clock.ToTheirs(Nanos(7)), Nanos(500'007));
  EXPECT_EQ(clock.ToOurs(clock.ToTheirs(Nanos(12'345))), Nanos(12'345));
}

}  // namespace
}  // namespace alloclab::load
