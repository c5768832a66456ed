// Workloads whose blocks have lifetimes.
#include "allocators/workload/generator.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "allocators/workload/workload_spec_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Phase Living(std::uint64_t operations, SizeDistribution lifetime) {
  Phase phase = MakePhase(operations, 0);
  phase.lifetime = std::move(lifetime);
  return phase;
}

// Half of all operations allocate, so half a lifetime's operations are as many blocks.
TEST(LifetimeTest, HowManyLiveFollowsFromIt) {
  const std::vector<std::size_t> live = LiveBlocks(Make(Spec({Living(40'000, ExponentialSize{1000, 100'000})})));
  ASSERT_EQ(live.size(), 40'000u);
  double sum = 0;
  for (std::size_t i = 20'000; i < live.size(); ++i) sum += static_cast<double>(live[i]);
  EXPECT_NEAR(sum / 20'000, 500, 40);
}

TEST(LifetimeTest, BlocksDieWhenTheirTimeHasComeInWhateverPhase) {
  const Trace trace = Make(Spec({Living(3, FixedSize{10}), MakePhase(20, 20)}));
  std::vector<std::size_t> freed;
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    if (trace.operations[i].kind == OpKind::kFree) freed.push_back(i);
  }
  EXPECT_THAT(freed, ElementsAre(10, 11, 12));  // born by the operations 0, 1 and 2
}

TEST(LifetimeTest, AProcessTakesItsBlocksAlong) {
  Phase phase = Living(10'000, FixedSize{100'000});
  phase.processes = 1;
  phase.process_lifetime = FixedSize{100};
  const std::vector<std::size_t> live = LiveBlocks(Make(Spec({phase})));
  EXPECT_EQ(*std::max_element(live.begin(), live.end()), 100u);
  EXPECT_EQ(std::count(live.begin(), live.end(), 0u), 50) << "100 allocations, 100 frees";
}

TEST(LifetimeTest, ABurstAllocatesWhateverIsDue) {
  Phase phase = Living(10'000, FixedSize{1});
  phase.burst_every = 1000;
  phase.burst_blocks = 50;
  const std::vector<std::size_t> live = LiveBlocks(Make(Spec({phase})));
  EXPECT_GE(live[1000 - 1 + 49], 50u);
  EXPECT_LE(live[999 - 1], 2u);
}

TEST(LifetimeTest, PagesAndHeapTakeTurnsByWeight) {
  Phase phase = Living(30'000, UniformSize{1, 200});
  phase.malloc_weight = 8;
  phase.realloc_weight = 1;
  phase.pages_weight = 1;
  phase.page_size = FixedSize{3};
  const Trace trace = Make(Spec({phase}));
  std::map<OpKind, int> count;
  for (const Operation& op : trace.operations) ++count[op.kind];
  EXPECT_NEAR(static_cast<double>(count[OpKind::kMalloc]) / count[OpKind::kAllocatePages], 8, 1);
  EXPECT_NEAR(static_cast<double>(count[OpKind::kMalloc]) / count[OpKind::kRealloc], 8, 1.5);
  EXPECT_GT(trace.page_handles, 0u);
  LiveBlocks(trace);
}

TEST(LifetimeTest, GroupsKeepSizesAndLivesTogether) {
  Phase phase = MakePhase(20'000, 0);
  phase.groups = {{3, FixedSize{16}, FixedSize{10}}, {1, FixedSize{4000}, FixedSize{1000}}};
  const Trace trace = Make(Spec({phase}));
  std::map<std::uint32_t, std::pair<std::size_t, std::uint32_t>> live;  // by handle: born, bytes
  int small = 0, large = 0;
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    const Operation& op = trace.operations[i];
    if (op.kind == OpKind::kMalloc) {
      live[op.block] = {i, op.size};
      ++(op.size == 16 ? small : large);
    } else {
      const auto [born, bytes] = live.at(op.block);
      ASSERT_NEAR(static_cast<double>(i - born), bytes == 16 ? 10 : 1000, 40);
    }
  }
  EXPECT_NEAR(static_cast<double>(small) / large, 3, 0.3);
  const auto error = [&phase](const std::function<void(Phase&)>& change) {
    Phase changed = phase;
    change(changed);
    return Error(Spec({changed}));
  };
  EXPECT_THAT(error([](Phase& p) { p.lifetime = FixedSize{1}; }), HasSubstr("lifetime: excludes `groups`"));
  EXPECT_THAT(error([](Phase& p) { p.pages_weight = 1; }),
              HasSubstr("lifetime: not set; beside `groups` it is that of mix.pages"));
  EXPECT_THAT(error([](Phase& p) { p.groups[0].weight = p.groups[1].weight = 0; }), HasSubstr("groups: all weights are 0"));
  EXPECT_THAT(error([](Phase& p) {
                p.groups[1].size = UniformSize{2, 1};
              }),
              HasSubstr("phases[0].groups[1].size.uniform: min 2"));
  EXPECT_THAT(error([](Phase& p) { p.groups.resize(65); }), HasSubstr("groups: 65; expected at most 64"));
}

// Any specification that is let pass makes as many operations as it says, frees what is live, and holds as much as it says.
TEST(LifetimeTest, RandomSpecificationsKeepTheirWord) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Xoshiro256 random(seed);
  const auto any = [&random]() -> SizeDistribution {
    const std::uint32_t most = random.Below(3000) + 1;
    switch (random.Below(6)) {
      case 0:
        return FixedSize{most};
      case 1:
        return UniformSize{1, most};
      case 2:
        return LognormalSize{most / 2 + 1, random.Below(200), most};
      case 3:
        return ParetoSize{1, 10 + random.Below(300), most};
      case 4:
        return ZipfSizes{{most, 1, 7}, random.Below(300)};
      default:
        return HistogramSizes{{{1, most, 3}, {1, 1, 1}}};
    }
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<Phase> phases;
    for (std::uint32_t i = random.Below(4) + 1; i != 0; --i) {
      Phase phase = MakePhase(random.Below(3000) + 1000, random.Below(300), any());
      if (random.Below(3) != 0) {
        phase.live_blocks = 0;
        phase.lifetime = any();
        if (random.Below(2) != 0) phase.processes = random.Below(20) + 1, phase.process_lifetime = any();
        if (random.Below(2) != 0) phase.burst_every = 200, phase.burst_blocks = random.Below(100) + 1;
        phase.pages_weight = random.Below(3);
      }
      phase.realloc_weight = random.Below(3);
      phases.push_back(std::move(phase));
    }
    const WorkloadSpec spec = Spec(phases, random.Next());
    std::uint64_t operations = 0;
    for (const Phase& phase : phases) operations += phase.operations;
    ASSERT_EQ(ValidateSpec(spec), absl::OkStatus());
    const std::vector<std::size_t> live = LiveBlocks(Make(spec));
    ASSERT_EQ(live.size(), operations);
    ASSERT_LE(*std::max_element(live.begin(), live.end()), LiveBlocksMax(spec) + 1);
  }
}

TEST(LifetimeTest, WhatDoesNotGoWithItIsRefused) {
  const auto error = [](const std::function<void(Phase&)>& change, bool with_lifetime = true) {
    Phase phase = MakePhase(100, 0);
    if (with_lifetime) phase.lifetime = FixedSize{10};
    change(phase);
    return Error(Spec({phase}));
  };
  EXPECT_THAT(error([](Phase& p) { p.live_blocks = 3; }), HasSubstr("phases[0]: live_blocks: excludes `lifetime`"));
  EXPECT_THAT(error([](Phase& p) { p.free_order = FreeOrder::kLifo; }), HasSubstr("free_order: excludes `lifetime`"));
  EXPECT_THAT(error([](Phase& p) { p.processes = 2; }, false), HasSubstr("processes: blocks of this phase have no lifetime"));
  EXPECT_THAT(error([](Phase& p) { p.pages_weight = 2; }, false),
              HasSubstr("mix.pages: blocks of this phase have no lifetime"));
  EXPECT_THAT(error([](Phase& p) { p.burst_every = 2; }, false), HasSubstr("burst: blocks of this phase have no lifetime"));
  EXPECT_THAT(error([](Phase& p) { p.burst_every = 2; }), HasSubstr("burst: expected both"));
  EXPECT_THAT(error([](Phase& p) { p.burst_every = 10, p.burst_blocks = 6; }), HasSubstr("burst.blocks: 6 every 10"));
  EXPECT_THAT(error([](Phase& p) { p.processes = 10'001; }), HasSubstr("processes.count: 10001; expected at most 10000"));
  EXPECT_THAT(error([](Phase& p) { p.processes = 1, p.process_lifetime = FixedSize{0}; }),
              HasSubstr("phases[0].processes.lifetime.fixed: 0; expected 1 to 50000000"));
  EXPECT_THAT(error([](Phase& p) { p.pages_weight = 1, p.page_size = FixedSize{0}; }), HasSubstr("page_size.fixed: 0"));
  EXPECT_THAT(error([](Phase& p) { p.lifetime = FixedSize{50'000'001}; }), HasSubstr("lifetime.fixed: 50000001"));
  EXPECT_THAT(error([](Phase& p) { p.size = LognormalSize{0, 1, 1}; }), HasSubstr("size.lognormal: median 0"));
  EXPECT_THAT(error([](Phase& p) { p.size = LognormalSize{1, 401, 1}; }), HasSubstr("sigma_percent 401; expected at most 400"));
  EXPECT_THAT(error([](Phase& p) { p.size = ParetoSize{1, 9, 1}; }), HasSubstr("shape_percent 9; expected 10 to 1000"));
  EXPECT_THAT(error([](Phase& p) { p.size = ParetoSize{5, 100, 1}; }), HasSubstr("pareto: min 5 is above max 1"));
  EXPECT_THAT(error([](Phase& p) { p.size = ZipfSizes{{}, 100}; }), HasSubstr("zipf: no sizes"));
  EXPECT_THAT(error([](Phase& p) { p.size = HistogramSizes{{{3, 2, 1}}}; }), HasSubstr("bins[0] min 3 is above max 2"));
  EXPECT_THAT(error([](Phase& p) { p.size = HistogramSizes{{{1, 2, 0}}}; }), HasSubstr("histogram: all weights are 0"));
}

TEST(TouchTest, APartIsRoundedUpAndNeverMoreThanTheBlock) {
  EXPECT_EQ((Touch{}.BytesOf(1000)), 0u);
  EXPECT_EQ((Touch{Touch::Part::kPercent, 1}.BytesOf(1)), 1u);
  EXPECT_EQ((Touch{Touch::Part::kPercent, 33}.BytesOf(1000)), 330u);
  EXPECT_EQ((Touch{Touch::Part::kPercent, 100}.BytesOf(UINT32_MAX)), UINT32_MAX);
  EXPECT_EQ((Touch{Touch::Part::kFirstBytes, 64}.BytesOf(1000)), 64u);
  EXPECT_EQ((Touch{Touch::Part::kFirstBytes, 64}.BytesOf(10)), 10u);
}

TEST(TouchTest, PhasesSayFromWhichOperationOn) {
  const Touch all{Touch::Part::kPercent, 100}, head{Touch::Part::kFirstBytes, 16};
  std::vector<Phase> phases(5, MakePhase(10, 5));
  phases[1].touch = phases[2].touch = all;
  phases[3].touch = head;
  const Trace trace = Make(Spec(phases)), without = Make(Spec(std::vector<Phase>(5, MakePhase(10, 5))));
  EXPECT_THAT(trace.touches, ElementsAre(TouchFrom{10, all}, TouchFrom{30, head}, TouchFrom{40, Touch{}}));
  EXPECT_EQ(trace.operations, without.operations);
  EXPECT_EQ(WorkloadDigest(without), TraceDigest(without.operations));
  EXPECT_NE(WorkloadDigest(trace), WorkloadDigest(without));
}

}  // namespace
}  // namespace alloclab
