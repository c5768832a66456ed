#include "allocators/workload/workload_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "allocators/workload/builtins.h"
#include "allocators/workload/live_set.h"
#include "allocators/workload/pacer.h"
#include "allocators/workload/size_sampler.h"
#include "allocators/workload/xoshiro256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Phase MakePhase(std::uint64_t operations, std::uint32_t live_blocks, SizeDistribution size = FixedSize{8}) {
  return {.name = "p", .operations = operations, .live_blocks = live_blocks, .size = std::move(size)};
}

WorkloadSpec Spec(std::vector<Phase> phases, std::uint64_t seed = 1) { return {"test", seed, std::move(phases)}; }

Trace Make(const WorkloadSpec& spec) {
  auto trace = Generate(spec);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return *std::move(trace);
}

std::string Error(const WorkloadSpec& spec) {
  const auto trace = Generate(spec);
  return trace.ok() ? "no error" : std::string(trace.status().message());
}

std::uint32_t Draw(const SizeDistribution& size, Xoshiro256& random) { return SizeSampler(size).Draw(random); }

// Blocks live after each operation, checking that only live ones are freed and only free handles taken.
std::vector<std::size_t> LiveBlocks(const Trace& trace) {
  std::set<std::uint32_t> heap, pages;
  std::vector<std::size_t> live;
  for (const Operation& op : trace.operations) {
    std::set<std::uint32_t>& blocks = op.kind >= OpKind::kAllocatePages ? pages : heap;
    if (op.kind == OpKind::kFree || op.kind == OpKind::kFreePages) {
      EXPECT_EQ(blocks.erase(op.block), 1u);
    } else if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) {
      EXPECT_EQ(op.block, op.extra);
      EXPECT_TRUE(blocks.contains(op.block));
    } else {
      EXPECT_TRUE(blocks.insert(op.block).second);
    }
    live.push_back(blocks.size());
  }
  return live;
}

std::vector<std::uint32_t> FreedSizes(FreeOrder order, std::uint32_t blocks, std::uint32_t left) {
  Phase fill = MakePhase(blocks, blocks), drain = MakePhase(blocks - left, left);
  drain.free_order = order;
  std::vector<std::uint32_t> freed;
  for (const Operation& op : Make(Spec({fill, drain})).operations) {
    if (op.kind == OpKind::kFree) freed.push_back(op.block);  // handles are taken in order: 0, 1, 2, ...
  }
  return freed;
}

TEST(GenerateTest, LiveBlocksFollowTheLine) {
  const std::vector<std::size_t> live =
      LiveBlocks(Make(Spec({MakePhase(1000, 500), MakePhase(2000, 500), MakePhase(400, 100)})));
  ASSERT_EQ(live.size(), 3400u);
  for (std::size_t i = 0; i < live.size(); ++i) {
    const double step = static_cast<double>(i + 1);
    const double target = i < 1000 ? step / 2 : i < 3000 ? 500 : 500 - (step - 3000);
    EXPECT_NEAR(static_cast<double>(live[i]), target, 2) << "operation " << i;
  }
}

TEST(GenerateTest, FreeOrders) {
  EXPECT_THAT(FreedSizes(FreeOrder::kLifo, 5, 0), ElementsAre(4, 3, 2, 1, 0));
  EXPECT_THAT(FreedSizes(FreeOrder::kFifo, 5, 0), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(FreedSizes(FreeOrder::kEveryOther, 8, 4), ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(FreedSizes(FreeOrder::kEveryOther, 7, 0), ElementsAre(1, 3, 5, 0, 4, 2, 6));
  std::set<std::uint32_t> all;
  for (const std::uint32_t block : FreedSizes(FreeOrder::kRandom, 100, 0)) all.insert(block);
  EXPECT_EQ(all.size(), 100u);
}

TEST(LiveSetTest, KeepsAgesAcrossOrders) {
  Xoshiro256 random(1);
  LiveSet live;
  live.Begin(FreeOrder::kRandom);
  std::multiset<std::uint32_t> model;
  std::uint32_t next = 0;
  for (int round = 0; round < 400; ++round) {
    const auto order = static_cast<FreeOrder>(round % 4);
    live.Begin(order);
    for (int step = 0; step < 30; ++step) {
      if (live.size() == 0 || random.Below(5) < 3) {
        live.Add(next);
        model.insert(next++);
      } else {
        EXPECT_EQ(model.count(live.Pick(random)), 1u);
        const std::uint32_t taken = live.Take(random);
        EXPECT_TRUE(order != FreeOrder::kFifo || taken == *model.begin());
        EXPECT_TRUE(order != FreeOrder::kLifo || taken == *model.rbegin());
        EXPECT_EQ(model.erase(taken), 1u);
      }
      ASSERT_EQ(live.size(), model.size());
    }
  }
}

TEST(GenerateTest, TheMixIsKept) {
  Phase churn = MakePhase(60'000, 1000);
  churn.malloc_weight = 6;
  churn.calloc_weight = 3;
  churn.realloc_weight = 1;
  std::map<OpKind, int> count;
  for (const Operation& op : Make(Spec({MakePhase(1000, 1000), churn})).operations) ++count[op.kind];
  EXPECT_NEAR(count[OpKind::kCalloc] / static_cast<double>(count[OpKind::kMalloc] - 1000), 0.5, 0.05);
  EXPECT_NEAR(count[OpKind::kRealloc] / static_cast<double>(count[OpKind::kCalloc]), 1.0 / 3, 0.05);
}

TEST(GenerateTest, PagesHaveHandlesOfTheirOwn) {
  Phase pages = MakePhase(10, 10, FixedSize{3});
  pages.pages = true;
  const Trace trace = Make(Spec({MakePhase(20, 20), pages}));
  EXPECT_EQ(trace.heap_handles, 20u);
  EXPECT_EQ(trace.page_handles, 10u);
  EXPECT_EQ(trace.operations[20], (Operation{OpKind::kAllocatePages, 0, 3 * 4096, 0}));
}

TEST(GenerateTest, TheSeedDecidesEverything) {
  const auto phases = std::vector{MakePhase(100, 50, UniformSize{1, 1000}), MakePhase(1000, 50, ExponentialSize{64, 4096})};
  const Trace trace = Make(Spec(phases, 7));
  EXPECT_TRUE(trace.operations == Make(Spec(phases, 7)).operations);
  EXPECT_FALSE(trace.operations == Make(Spec(phases, 8)).operations);
}

TEST(GenerateTest, ErrorsNameTheField) {
  const auto with = [](auto change) {
    Phase phase = MakePhase(10, 5);
    change(phase);
    return Error(Spec({MakePhase(5, 5), phase}));
  };
  EXPECT_EQ(Error(Spec({})), "phases: none; expected at least one");
  EXPECT_EQ(Error(Spec(std::vector<Phase>(1001, MakePhase(1, 0)))), "phases: 1001; expected at most 1000");
  EXPECT_EQ(Error(Spec({MakePhase(60'000'000, 0)})), "phases: more than 50000000 operations");
  EXPECT_EQ(Error(Spec({MakePhase(~0ull, 0), MakePhase(~0ull, 0)})), "phases: more than 50000000 operations");
  EXPECT_EQ(with([](Phase& p) { p.operations = 0; }), "phases[1]: operations: 0; expected at least 1");
  EXPECT_EQ(with([](Phase& p) { p.live_blocks = 20'000'000; }), "phases[1]: live_blocks: 20000000; expected at most 16000000");
  EXPECT_EQ(with([](Phase& p) { p.live_blocks = 100; }),
            "phases[1]: operations: 10 are too few to go from 5 live blocks to 100; expected at least 95");
  EXPECT_EQ(with([](Phase& p) { p.malloc_weight = 0; }),
            "phases[1]: mix: nothing allocates; expected malloc or calloc above 0");
  EXPECT_EQ(with([](Phase& p) { p.calloc_weight = 2'000'000; }), "phases[1]: mix.calloc: 2000000; expected at most 1000000");
  EXPECT_EQ(with([](Phase& p) {
              p.pages = true;
              p.realloc_weight = 1;
            }),
            "phases[1]: mix: pages have no calloc and no realloc; expected malloc alone");
  EXPECT_EQ(with([](Phase& p) { p.size = UniformSize{9, 4}; }), "phases[1].size.uniform: min 9 is above max 4");
  EXPECT_EQ(with([](Phase& p) { p.size = ExponentialSize{0, 4}; }), "phases[1].size.exponential: mean 0; expected at least 1");
  EXPECT_EQ(with([](Phase& p) { p.size = ExponentialSize{4, 0}; }), "phases[1].size.exponential: max 0; expected at least 1");
  EXPECT_EQ(with([](Phase& p) { p.size = WeightedSizes{}; }),
            "phases[1].size.weighted: no choices; expected at least one size with its weight");
  EXPECT_EQ(with([](Phase& p) {
              p.size = WeightedSizes{{{8, 0}}};
            }),
            "phases[1].size.weighted: all weights are 0; expected one above 0");
  EXPECT_EQ(with([](Phase& p) {
              p.size = WeightedSizes{{{8, ~0u}, {9, 1}}};
            }),
            "phases[1].size.weighted: the weights add up to more than 4294967295");
  EXPECT_EQ(with([](Phase& p) {
              p.size = WeightedSizes{std::vector(5000, std::pair{8u, 1u})};
            }),
            "phases[1].size.weighted: 5000 choices; expected at most 4096");
  const auto pages = [&with](SizeDistribution size) {
    return with([&size](Phase& p) {
      p.pages = true;
      p.size = size;
    });
  };
  EXPECT_EQ(pages(FixedSize{0}), "phases[1].size.fixed: 0; expected 1 to 524287");
  EXPECT_EQ(pages(UniformSize{0, 3}), "phases[1].size.uniform: min 0; expected 1 to 524287");
  EXPECT_EQ(pages(UniformSize{1, 1u << 20}), "phases[1].size.uniform: max 1048576; expected 1 to 524287");
  EXPECT_EQ(pages(ExponentialSize{1, 1u << 20}), "phases[1].size.exponential: max 1048576; expected 1 to 524287");
  EXPECT_EQ(pages(WeightedSizes{{{1, 1}, {0, 1}}}), "phases[1].size.weighted: choices[1] 0; expected 1 to 524287");
}

TEST(SizeTest, NegativeLogIsTheLogarithm) {
  Xoshiro256 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t x = i < 1000 ? static_cast<std::uint32_t>(i + 1) : random.Below(~0u) + 1;
    const double expected = -std::log(x / 4294967296.0) * 65536;
    ASSERT_NEAR(NegativeLog(x), expected, 3) << x;
  }
}

TEST(SizeTest, DrawsFollowTheirDistribution) {
  Xoshiro256 random(5);
  const auto mean = [&random](const SizeDistribution& size) {
    double sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += SizeSampler(size).Draw(random);
    return sum / 100'000;
  };
  EXPECT_EQ(mean(FixedSize{77}), 77);
  EXPECT_NEAR(mean(UniformSize{10, 20}), 15, 0.1);
  EXPECT_NEAR(mean(ExponentialSize{1000, 1'000'000}), 1000, 15);
  EXPECT_NEAR(mean(WeightedSizes{{{10, 3}, {50, 1}}}), 20, 0.3);
  // e^(sigma^2 / 2) times the median; shape / (shape - 1) times the smallest, less what lies beyond the cut.
  EXPECT_NEAR(mean(LognormalSize{1000, 50, 1'000'000}), 1000 * std::exp(0.125), 15);
  EXPECT_NEAR(mean(ParetoSize{100, 300, 1'000'000}), 150, 2);
  EXPECT_NEAR(mean(ZipfSizes{{10, 20, 40}, 100}), (10 + 20 / 2.0 + 40 / 3.0) / (1 + 1 / 2.0 + 1 / 3.0), 0.3);
  EXPECT_NEAR(mean(HistogramSizes{{{0, 10, 1}, {100, 200, 3}}}), (5 + 3 * 150) / 4.0, 1);
  std::set<std::uint32_t> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(Draw(UniformSize{0, 4}, random));
  EXPECT_THAT(drawn, ElementsAre(0, 1, 2, 3, 4));
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t size = Draw(ExponentialSize{10, 20}, random);
    EXPECT_TRUE(size >= 1 && size <= 20) << size;
  }
  EXPECT_GT(Draw(UniformSize{1, ~0u}, random), 0u);
}

TEST(SizeTest, MediansAndTailsAreWhereTheyShouldBe) {
  Xoshiro256 random(6);
  int below = 0, beyond = 0, least = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t size = Draw(LognormalSize{500, 100, 100'000}, random);
    below += size <= 500;
    beyond += size > 500 * std::exp(2);  // two sigma
    least += Draw(ParetoSize{16, 116, 65'536}, random) < 32;
  }
  EXPECT_NEAR(below, 50'000, 700);
  EXPECT_NEAR(beyond, 2'275, 250);  // 2.1 % in a sum of twelve
  EXPECT_NEAR(least, 100'000 * (1 - std::pow(0.5, 1.16)), 700);
  EXPECT_EQ(LargestSize(ZipfSizes{{3, 9, 4}, 100}), 9u);
  EXPECT_EQ(LargestSize(HistogramSizes{{{0, 10, 1}, {100, 200, 0}}}), 200u);
}

TEST(SizeTest, TimesExpIsExact) {
  Xoshiro256 random(7);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t value = random.Below(1 << 16) + 1;
    const std::int64_t x = std::int64_t{random.Below(20 << 16)} - (10 << 16);
    const double expected = value * std::exp(static_cast<double>(x) / 65536);
    EXPECT_NEAR(TimesExp(value, x, ~0u), expected, 1 + expected / 10'000) << value << " e^" << x;
  }
  EXPECT_EQ(TimesExp(7, std::int64_t{100} << 16, 1000), 1000u);
  EXPECT_EQ(TimesExp(7, -(std::int64_t{100} << 16), 1000), 0u);
  EXPECT_EQ(TimesExp(0, std::int64_t{100} << 16, 1000), 0u);
  EXPECT_EQ(TimesExp(~0u, 65536, ~0u), ~0u);
}

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

// Any specification that is let pass makes as many operations as it says, frees what is live alone, and holds as much as it says.
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

TEST(SizeDeathTest, WhatIsRequiredIsChecked) {
  Xoshiro256 random(1);
  EXPECT_DEATH(random.Below(0), "check failed: n >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(NegativeLog(0), "check failed: x >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(UniformSize{9, 4}, random), "check failed: min <= max \\(9 against 4\\)");
  EXPECT_DEATH(Draw(ExponentialSize{9, 0}, random), "check failed: size.max >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(WeightedSizes{{}}, random), "check failed: n >= 1u \\(0 against 1\\)");
  EXPECT_DEATH(Draw(WeightedSizes{{{1, ~0u}, {2, 1}}}, random), "\\(4294967296 against 4294967295\\)");
  EXPECT_DEATH(Pacer(0), "check failed: max >= 1u \\(0 against 1\\)");
}

TEST(Xoshiro256Test, GivesThePublishedSequence) {
  // The reference implementation's first numbers for a state filled by SplitMix64 from 0.
  Xoshiro256 random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4ull);
  EXPECT_EQ(random.Next(), 0xbf6e1f784956452aull);
  EXPECT_EQ(random.Next(), 0x1a5f849d4933e6e0ull);
}

struct Pinned {
  std::uint64_t operations;
  std::string digest;
};

// What the built-ins generate must never drift: results are compared over years.
TEST(BuiltinTest, OperationsArePinned) {
  const std::map<std::string, Pinned> pinned = {
      {"steady-state", {500'000, "2610d6d1a5adaa7633156eca87995c07a8c051ab546de93630ac38896b69d527"}},
      {"ramp-and-drain", {400'000, "b0e4c329ef6b85c8d8284cb5787b5467a15c24c8bf54fce9e45664a82317a194"}},
      {"larson", {410'000, "649044eea0d76492cd8c3268d372142b938cb5307a145e88c25642db6f08fd28"}},
      {"checkerboard", {260'000, "cc8ee8b1175b90c82652173668e949a7aa1cb00576b99a35a919e202cffc4e71"}},
      {"fork-exec-exit", {256'000, "6caab5d90bf2f62c1c48e8cb016a8a19a11221ea0d7303c3fb8b144dc6b5ff82"}},
      {"sawtooth", {336'000, "f0c512384082f37a8759602c4069bd5900bd9b105c4be9c9350bddb6e096b66e"}},
      {"plateau-and-peak", {355'000, "faa37cb6f262fef953e7ff630b2ed33e951425b6071ae7d7307071d7535960e0"}},
      {"producer-consumer", {324'000, "f53933715aae7bbb1f3765fff4bb4e610b907e20c8482423b3f799f558749112"}},
      {"comb", {130'240, "9798464e6337da1d2922ee317611da9634eafa1f3fba6fd860ac3be75cda7675"}},
      {"process-mix", {300'000, "6b7a752028e500fef6d66f1690e4514cea50c80e2749ddf4ef0342a351f48309"}},
      {"rtos-loop", {200'040, "c5e8e78946def624746291ac80ec96826848d9cd44fb056da7ae8f254883193a"}},
      {"compiler", {300'000, "9ef2e5e982751889f3d318c2f18b260e783b7f2320626e75fdeaf696c8a6b7df"}},
      {"web-requests", {300'000, "4ea0e4110fe4b9cfdb6ca5642951dcebd5d45f5e141e88321ffe40e1ffd015ba"}},
      {"game-tick", {303'000, "0265133ac0e42446f0b38201b4c26ea6726bce9166ed74570e5f78eacde8fdb4"}},
      {"robson", {196'160, "4901d21d029640840de9c8ce1310e32c85078257b3adbf7166bc6187f6e43381"}},
      {"sqlite", {53'354, "85f6ab74e171202244f1b6fa5535ff8208b955c3db264aac31f2a457be303e8c"}},
      {"cc1", {53'521, "34fca89d9794f7fefe2facb8b5a0aeadb717c6ce572536b3032b2043d7842319"}},
      {"git", {2'953, "9e6cb807d6d7fe15e3d2371dbac0001aca0d48cba2c95023d0eb43df428024ea"}},
      {"openssl", {35'945, "03483ed664579ac3fa233d0410bab4453f87ddef1844dd2da49b5357fe52ccb2"}},
      {"perl", {60'000, "6329bd107f4b6a62744bba8d7072f05c3e0069b2906f38ca3dea816d75b89fde"}},
      {"python", {100'000, "653aac5e45b36df34369286f8b887360a3b7821e6a045bc427e53f95bda320ce"}},
      {"web-server", {120'000, "a82e7062942e790598b00d9a417007dfaf9252a24aad1f223f0b91669e6185fd"}},
  };
  ASSERT_EQ(BuiltinWorkloads().size(), pinned.size());
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    ASSERT_TRUE(pinned.contains(builtin.name)) << builtin.name;
    const Trace trace = MakeBuiltin(builtin.name, 0, 0).value();
    EXPECT_EQ(trace.operations.size(), pinned.at(builtin.name).operations) << builtin.name;
    EXPECT_EQ(TraceDigest(trace.operations), pinned.at(builtin.name).digest) << builtin.name;
    EXPECT_NE(builtin.description, "");
    EXPECT_THAT(builtin.description, ::testing::Not(HasSubstr("\n")));
    LiveBlocks(trace);
  }
}

TEST(BuiltinTest, ScalesToAnyLength) {
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    for (const std::uint64_t operations : {1ull, 7ull, 777ull, 1000ull, 53'355ull, 200'000ull, 3'000'000ull}) {
      const auto trace = MakeBuiltin(builtin.name, 0, operations);
      ASSERT_TRUE(trace.ok()) << builtin.name << " " << trace.status();
      EXPECT_EQ(trace->operations.size(), operations) << builtin.name;
    }
  }
}

TEST(BuiltinTest, ARepeatedRecordingUsesFreshHandles) {
  const Trace once = MakeBuiltin("sqlite", 0, 0).value();
  const Trace twice = MakeBuiltin("sqlite", 99, 2 * once.operations.size()).value();
  ASSERT_EQ(twice.operations.size(), 2 * once.operations.size());
  EXPECT_EQ(twice.heap_handles, 2 * once.heap_handles);
  for (std::size_t i = 0; i < once.operations.size(); ++i) {
    EXPECT_EQ(twice.operations[i], once.operations[i]);
    EXPECT_EQ(twice.operations[once.operations.size() + i].block, once.operations[i].block + once.heap_handles);
  }
  EXPECT_EQ(MakeBuiltin("sqlite", 0, 100)->operations.size(), 100u);
}

TEST(BuiltinTest, SeedsAndErrors) {
  EXPECT_NE(TraceDigest(MakeBuiltin("larson", 2, 0)->operations), TraceDigest(MakeBuiltin("larson", 3, 0)->operations));
  EXPECT_EQ(MakeBuiltin("larsen", 0, 0).status().message(), "unknown built-in workload \"larsen\"; did you mean \"larson\"?");
  EXPECT_EQ(MakeBuiltin("x", 0, 0).status().message(),
            "unknown built-in workload \"x\"; expected one of steady-state, ramp-and-drain, larson, checkerboard, "
            "fork-exec-exit, sawtooth, plateau-and-peak, producer-consumer, comb, process-mix, rtos-loop, compiler, "
            "web-requests, game-tick, robson, sqlite, cc1, git, openssl, perl, python, web-server");
  EXPECT_EQ(MakeBuiltin("x", 0, 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MakeBuiltin("larson", 0, 50'000'001).status().message(),
            "operations: 50000001 are too many; expected at most 50000000");
}

}  // namespace
}  // namespace alloclab
