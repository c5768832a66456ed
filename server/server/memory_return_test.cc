#include "server/server/memory_return.h"

#include <gtest/gtest.h>

#include "server/limits.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const absl::Duration kQuiet = kQuietProcessorShare * kMemoryReturnInterval, kBusy = kQuiet + absl::Milliseconds(1);

class ReturnRuleTest : public testing::Test {
 protected:
  // A look after a second in which so much processor time was used.
  bool Look(absl::Duration used) {
    processor_time_ += used;
    return rule_.IsDue(released_, processor_time_, [this] {
      ++asked_;
      return free_;
    });
  }

  ReturnRule rule_;
  std::uint64_t released_ = 0, free_ = 0;
  int asked_ = 0;
  absl::Duration processor_time_;
};

TEST_F(ReturnRuleTest, MuchThatWasReleasedGoesBackHoweverBusyTheProcessIs) {
  EXPECT_FALSE(Look(kBusy));
  released_ = kMemoryReturnBytes - 1;
  EXPECT_FALSE(Look(kBusy));
  ++released_;
  EXPECT_TRUE(Look(kBusy));
  rule_.Returned(released_, free_);
  EXPECT_FALSE(Look(kBusy)) << "once";
  EXPECT_EQ(asked_, 0) << "the C library is left alone";
}

TEST_F(ReturnRuleTest, WhatBecameFreeGoesBackWhenTheProcessIsQuiet) {
  free_ = 20 * kMiB;
  EXPECT_TRUE(Look(kQuiet));
  rule_.Returned(released_, free_);
  EXPECT_FALSE(Look(kQuiet)) << "it was given back";
  free_ = 18 * kMiB;
  EXPECT_FALSE(Look(kQuiet)) << "some is used again";
  free_ += kQuietReturnBytes - 1;
  EXPECT_FALSE(Look(kQuiet));
  ++free_;
  EXPECT_FALSE(Look(kBusy));
  EXPECT_TRUE(Look(kQuiet));
}

}  // namespace
}  // namespace alloclab::server
