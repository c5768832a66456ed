#include "server/converters/run_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/limits.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Lines(const v1::Exact& a, const v1::Exact& b) {
  std::vector<std::string> lines;
  for (const v1::FieldDifference& difference : CompareExact(a, b)) {
    lines.push_back(difference.field() + ": " + difference.a() + " | " + difference.b());
  }
  return lines;
}

TEST(CompareExact, EqualResultsHaveNoDifference) {
  v1::Exact exact;
  exact.set_operations(5);
  exact.add_checkpoints()->set_after_operation(5);
  EXPECT_THAT(Lines(exact, exact), IsEmpty());
}

TEST(CompareExact, NamesEveryFieldThatDiffersByItsPath) {
  v1::Exact a, b;
  a.set_operations(5);
  b.set_operations(6);
  a.set_trace_sha256("aa");
  b.set_trace_sha256("bb");
  a.mutable_heap()->set_free_bytes(16);
  b.mutable_heap()->set_free_bytes(32);
  EXPECT_THAT(Lines(a, b), ElementsAre("heap.free_bytes: 16 | 32", "operations: 5 | 6", "trace_sha256: \"aa\" | \"bb\""));
}

TEST(CompareExact, WhatIsMissingHasItsDefaultValue) {
  v1::Exact a, b;
  a.mutable_config()->set_unguarded(true);
  b.set_trace_format("cmu-rep");
  b.set_seed(7);
  EXPECT_THAT(Lines(a, b), ElementsAre("config.unguarded: true | false", "seed: 0 | 7", "trace_format: \"\" | \"cmu-rep\""));
}

TEST(CompareExact, ElementsOfMapsAndListsHaveTheirKeyOrNumber) {
  v1::Exact a, b;
  (*a.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  (*b.mutable_config()->mutable_parameters())["heap.engine"] = "indexed";
  a.add_checkpoints();
  b.add_checkpoints();
  a.add_checkpoints()->set_blocks(3);
  b.add_checkpoints()->set_blocks(4);
  EXPECT_THAT(Lines(a, b),
              ElementsAre("checkpoints[1].blocks: 3 | 4", "config.parameters[heap.engine]: \"literal\" | \"indexed\""));
}

TEST(CompareExact, WhatOneAllocatorDoesNotDeclareHasNoValue) {
  v1::Exact a, b;
  a.mutable_counters()->add_heap()->set_name("wraps");
  v1::Figure& rover = *a.mutable_heap()->add_figures();
  rover.set_name("rover_offset_bytes");
  rover.set_value(4);
  for (v1::Exact* exact : {&a, &b}) {
    v1::Counter& merges = *exact->mutable_counters()->add_heap();
    merges.set_name("merges");
    merges.add_labels()->set_name("with");
    merges.mutable_labels(0)->set_value("below");
    merges.set_value(exact == &a ? 0 : 7);
  }
  EXPECT_THAT(Lines(a, b), ElementsAre("counters.heap[merges with below].value: 0 | 7", "counters.heap[wraps].value: 0 | ",
                                       "heap.figures[rover_offset_bytes].value: 4 | "));
}

TEST(CompareExact, OfACurveTheColumnsThatDiffer) {
  v1::Exact a, b;
  for (v1::Exact* exact : {&a, &b}) {
    for (const std::uint64_t operation : {100, 200}) exact->mutable_curve()->add_operation(operation);
    for (const std::uint64_t bytes : {7, 8}) exact->mutable_curve()->add_live_bytes(bytes);
  }
  EXPECT_THAT(Lines(a, b), IsEmpty());
  b.mutable_curve()->set_live_bytes(1, 9);
  EXPECT_THAT(
      Lines(a, b),
      ElementsAre(testing::MatchesRegex("curve.live_bytes: 2 points, digest [0-9a-f]{12} . 2 points, digest [0-9a-f]{12}")));
}

TEST(CompareExact, ListsTheFirstOfVeryMany) {
  v1::Exact a, b;
  for (std::size_t i = 0; i <= kDifferencesMax; ++i) a.add_checkpoints()->set_after_operation(i + 1);
  EXPECT_EQ(CompareExact(a, b).size(), kDifferencesMax);
}

}  // namespace
}  // namespace alloclab::server
