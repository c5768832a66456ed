#include "allocators/workload/workload_spec.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "allocators/workload/builtins.h"
#include "allocators/workload/live_set.h"
#include "allocators/workload/workload_spec_testing.h"
#include "allocators/workload/xoshiro256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  Phase touching = MakePhase(10, 5);
  touching.touch = {Touch::Part::kPercent, 101};
  EXPECT_EQ(Error(Spec({touching})), "phases[0].touch.percent: 101; expected 1 to 100; without `touch` nothing is written");
  touching.touch.amount = 0;
  EXPECT_THAT(Error(Spec({touching})), HasSubstr("phases[0].touch.percent: 0; expected 1 to 100"));
  touching.touch.part = Touch::Part::kFirstBytes;
  EXPECT_THAT(Error(Spec({touching})), HasSubstr("phases[0].touch.first_bytes: 0; expected at least 1"));
  touching.touch.amount = 1;
  EXPECT_EQ(Error(Spec({touching})), "no error");
  touching.pages = true;
  EXPECT_THAT(Error(Spec({touching})), HasSubstr("phases[0].touch: excludes `pages`"));
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
      {"compiler", {300'000, "a42477f3102068d414f287b12b304314e12498a4a0889caadbdb14d84dfdd4cc"}},
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
      {"nginx", {17'368, "0e5ad866e7958fb4554129073d7013a49ec70f560911cbe19f7dac3ae906049b"}},
      {"redis", {120'000, "6ae3a555bdc37648044d60dff24f893e5202ef4fbcd86fd09769d4c4bee2047e"}},
      {"jq", {95'701, "119d581172ff6861dd036f097cd06bc4df777f22939252f1c69c30a435ddc9ea"}},
      {"cmake-configure", {120'000, "e8a0647bfb39445c13faad79a19b14b1b23acaa4cdb275d7b6c25ebc8e7d43d0"}},
      {"imagemagick", {7'799, "0523b4a4368f283dfdef5ee860768dad0c994667d4936d865a421ded61a20d67"}},
      {"kernel-slabs", {113'033, "092d4766a440142bc4ee67cd19ecbf49e1cc791c4727e95bf3dd9014897a935b"}},
      {"kernel-pages", {30'556, "e430d1ab37f8b920beb2b8d27b3333329dbeb9e3502cf9268c5d007e9ef5c370"}},
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

TEST(BuiltinTest, ARepeatedRecordingOfPagesUsesFreshPageHandles) {
  const Trace once = MakeBuiltin("kernel-pages", 0, 0).value();
  const std::size_t own = once.operations.size();
  const Trace twice = MakeBuiltin("kernel-pages", 0, 2 * own).value();
  EXPECT_EQ(twice.heap_handles, 0u);
  EXPECT_EQ(twice.page_handles, 2 * once.page_handles);
  for (std::size_t i = 0; i < own; ++i) {
    ASSERT_EQ(twice.operations[own + i].block, once.operations[i].block + once.page_handles);
  }
}

TEST(BuiltinTest, SeedsAndErrors) {
  EXPECT_NE(TraceDigest(MakeBuiltin("larson", 2, 0)->operations), TraceDigest(MakeBuiltin("larson", 3, 0)->operations));
  EXPECT_EQ(MakeBuiltin("larsen", 0, 0).status().message(), "unknown built-in workload \"larsen\"; did you mean \"larson\"?");
  EXPECT_EQ(MakeBuiltin("no-such-name", 0, 0).status().message(),
            "unknown built-in workload \"no-such-name\"; expected one of steady-state, ramp-and-drain, larson, checkerboard, "
            "fork-exec-exit, sawtooth, plateau-and-peak, producer-consumer, comb, process-mix, rtos-loop, compiler, "
            "web-requests, game-tick, robson, sqlite, cc1, git, openssl, perl, python, web-server, nginx, redis, jq, "
            "cmake-configure, imagemagick, kernel-slabs, kernel-pages");
  EXPECT_EQ(MakeBuiltin("no-such-name", 0, 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MakeBuiltin("larson", 0, 50'000'001).status().message(),
            "operations: 50000001 are too many; expected at most 50000000");
}

}  // namespace
}  // namespace alloclab
