#include "server/handlers/write_watch.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>

namespace alloclab::server {
namespace {

TEST(WriteWatch, EndsACallWhoseWriteLastsTooLongAndNoOther) {
  WriteWatch watch(absl::Hours(1));  // the clock is the test's
  const MonotonicTime start = MonotonicTime::Now();
  int slow_ended = 0, quick_ended = 0, idle_ended = 0;
  auto slow = std::make_unique<WriteWatch::Call>(watch, [&] { ++slow_ended; });
  WriteWatch::Call quick(watch, [&] { ++quick_ended; }), idle(watch, [&] { ++idle_ended; });
  slow->Began(start);
  quick.Began(start);
  EXPECT_EQ(watch.Look(start + absl::Hours(1)), 0u) << "the limit itself is allowed";
  quick.Ended();
  EXPECT_EQ(watch.Look(start + absl::Hours(1) + absl::Seconds(1)), 1u);
  EXPECT_EQ(slow_ended, 1);
  EXPECT_EQ(watch.Look(start + absl::Hours(2)), 0u) << "once is enough";
  slow.reset();
  quick.Began(start + absl::Hours(3));
  EXPECT_EQ(watch.Look(start + absl::Hours(3)), 0u) << "each write has its own time";
  EXPECT_EQ(watch.Look(start + absl::Hours(5)), 1u);
  EXPECT_EQ(slow_ended + quick_ended, 2);
  EXPECT_EQ(idle_ended, 0);
}

TEST(WriteWatch, ACallMayEndAsItIsGivenUp) {
  WriteWatch watch(absl::Hours(1));
  const MonotonicTime start = MonotonicTime::Now();
  std::unique_ptr<WriteWatch::Call> call;
  call = std::make_unique<WriteWatch::Call>(watch, [&] { call.reset(); });
  call->Began(start);
  EXPECT_EQ(watch.Look(start + absl::Hours(2)), 1u);
  EXPECT_EQ(call, nullptr);
}

TEST(WriteWatch, LooksByItself) {
  WriteWatch watch(absl::Milliseconds(16));
  std::latch ended(1);
  WriteWatch::Call call(watch, [&] { ended.count_down(); });
  call.Began();
  ended.wait();
}

}  // namespace
}  // namespace alloclab::server
