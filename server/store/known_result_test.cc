// What every store knows of results (testing/store_contract.h).
#include "server/store/known_result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/converters/run_converter.h"
#include "server/store/run_codec.h"
#include "server/testing/store_contract.h"
#include "server/testing/store_samples.h"

namespace alloclab::server {
namespace {

TEST_P(StoreContract, TheFirstResultOfARequestIsKnownAsLongAsItsRunIsThere) {
  const std::string key = *KeyOf(SampleRun(1).request);
  EXPECT_FALSE((*store_->FindKnownResult(key)).has_value());
  std::vector<std::uint64_t> ids;
  for (const std::uint64_t number : {1, 2}) {  // two ends of one request
    server::Run run = EndedSample(number, *store_->InsertRun(SampleRun(1), "", ""), 100);
    run.request = SampleRun(1).request;
    run.request.label = "another label";
    ids.push_back(run.id);
    ASSERT_TRUE(store_->FinishRun(run).ok());
    Reopen();
    const auto known = store_->FindKnownResult(key);
    ASSERT_TRUE(known.ok() && known->has_value()) << known.status();
    EXPECT_EQ((*known)->run, ids[0]);
    EXPECT_EQ((*known)->digest == KnownResultOf(run)->digest, number == 1);
  }
  EXPECT_FALSE((*store_->FindKnownResult(*KeyOf(SampleRun(2).request))).has_value());
  ASSERT_TRUE(store_->DeleteRun(ids[1]).ok());
  EXPECT_TRUE((*store_->FindKnownResult(key)).has_value());
  ASSERT_EQ(*store_->RetireRuns({.runs_max = 0}), 1u);
  EXPECT_FALSE((*store_->FindKnownResult(key)).has_value());
}

TEST_P(StoreContract, WhatDidNotSucceedOrIsAnothersIsNoKnownResult) {
  for (const std::uint64_t number : {1, 2, 3}) {
    server::Run run = EndedSample(number, *store_->InsertRun(SampleRun(number), "", ""), 100);
    if (number == 1) run.state = RunState::kCancelled;
    v1::RunResult result = *run.result;
    if (number == 2) result.mutable_measured()->set_of_run(1);
    run.result = std::make_shared<const v1::RunResult>(result);
    ASSERT_TRUE(store_->FinishRun(run).ok());
    EXPECT_EQ((*store_->FindKnownResult(*KeyOf(run.request))).has_value(), number == 3) << number;
  }
}

// Programs whose names look alike are others all the same.
TEST(KeyOf, IsOfAllDigitsOfAProgram) {
  RunRequest one = SampleRun(1).request, other = one;
  one.config.heap_allocator = "guest:mm@" + std::string(64, 'a');
  other.config.heap_allocator = "guest:mm@" + std::string(63, 'a') + "b";
  EXPECT_NE(KeyOf(one), KeyOf(other));
  EXPECT_EQ(KeyOf(one), KeyOf(DecodeRequest(EncodeRequest(one)).value())) << "a run that is stored keeps them";
  server::Run shown = SampleRun(1);
  shown.request = one;
  EXPECT_EQ(ToProto(shown).config().heap_allocator(), "guest:mm@" + std::string(12, 'a'));
}

}  // namespace
}  // namespace alloclab::server
