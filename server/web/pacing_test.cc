// The web page's sense of time: durations by a clock that nobody sets.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "server/http/answer_cache.h"
#include "server/testing/eventually.h"
#include "server/testing/test_lab.h"
#include "server/web/machine_view.h"

namespace alloclab::server {
namespace {

TEST(AnswerCache, ForgetsAfterItsLifeByTheClockItIsGiven) {
  MonotonicTime now = MonotonicTime::Now();
  AnswerCache<std::string> cache([&] { return now; });
  cache.Put("map", "an answer");
  now = now + AnswerCache<std::string>::kLife;
  EXPECT_EQ(cache.Find("map"), "an answer");
  now = now + absl::Nanoseconds(1);
  EXPECT_EQ(cache.Find("map"), std::nullopt);
}

TEST(AnswerCache, HoldsABoundedNumber) {
  MonotonicTime now = MonotonicTime::Now();
  AnswerCache<std::string> cache([&] { return now; });
  for (std::size_t i = 0; i <= AnswerCache<std::string>::kAnswersMax; ++i) cache.Put(std::to_string(i), "an answer");
  EXPECT_EQ(cache.Find(std::to_string(AnswerCache<std::string>::kAnswersMax - 1)), "an answer");
  EXPECT_EQ(cache.Find(std::to_string(AnswerCache<std::string>::kAnswersMax)), std::nullopt);
  now = now + (AnswerCache<std::string>::kLife + absl::Nanoseconds(1));
  cache.Put("later", "an answer");
  EXPECT_EQ(cache.Find("later"), "an answer");
}

// By a clock that goes on by 5 ms whenever it is read, a look takes 5 ms, and before the next one there are 20 ms of rest, less
// what went by in between.
TEST(MachineView, RestsFourTimesAsLongAsItLooked) {
  TestLab lab;
  const auto instance = *lab.instances.Create({"looked-at", SmallMachine(), "", ""});
  const LookAt look_at = [&](const Look& look, MonotonicTime deadline) { return instance->LookAt(look, deadline); };
  constexpr absl::Duration kStep = absl::Milliseconds(5);
  MonotonicTime now = MonotonicTime::Now();
  std::vector<absl::Duration> rests;
  MachineView view([&] { return now = now + kStep; },
                   [&](absl::Duration time) {
                     rests.push_back(time);
                     now = now + time;
                   });
  ASSERT_TRUE(view.Map(look_at, {}).ok());
  ASSERT_TRUE(view.Map(look_at, {}).ok());
  ASSERT_FALSE(rests.empty());
  for (const absl::Duration rest : rests) {
    EXPECT_LE(rest, 4 * kStep);
    EXPECT_GE(rest, 2 * kStep);
  }
}

// A machine that nobody comes to holds up no look at another one.
TEST(MachineView, ABusyMachineKeepsNobodyFromAnother) {
  TestLab lab;
  const auto instance = *lab.instances.Create({"looked-at", SmallMachine(), "", ""});
  MachineView view;
  std::latch waits(1), over(1);
  std::thread patient([&] {
    const LookAt busy = [&](const Look&, MonotonicTime) {
      waits.count_down();
      over.wait();
      return absl::DeadlineExceededError("busy");
    };
    EXPECT_TRUE(absl::IsDeadlineExceeded(view.Map(busy, {}).status()));
  });
  waits.wait();
  const LookAt look_at = [&](const Look& look, MonotonicTime deadline) { return instance->LookAt(look, deadline); };
  std::atomic<bool> seen{false};
  std::thread other([&] {
    EXPECT_TRUE(view.Map(look_at, {}).ok());
    seen = true;
  });
  EXPECT_TRUE(Eventually([&] { return seen.load(); }));
  over.count_down();
  patient.join();
  other.join();
}

}  // namespace
}  // namespace alloclab::server
