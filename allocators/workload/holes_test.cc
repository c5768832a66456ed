// What separates holes, against the definition read off the blocks after every operation.
#include "allocators/workload/holes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr Operation HoleMalloc(std::uint32_t block, std::uint32_t bytes) { return {OpKind::kMalloc, block, bytes, 0}; }
constexpr Operation HoleFree(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

std::shared_ptr<const Trace> TraceOf(std::vector<Operation> operations, std::uint32_t handles = 64) {
  auto trace = std::make_shared<Trace>();
  trace->operations = std::move(operations);
  trace->heap_handles = trace->page_handles = handles;
  return trace;
}

// A machine that replays a trace to where the survey looks.
class Surveyed {
 public:
  explicit Surveyed(std::shared_ptr<const Trace> trace, std::uint64_t every = 1, const std::string& heap = "implicit-heap")
      : trace_(std::move(trace)),
        instance_(*Instance::Create({4 << 20, "", heap, true, {}})),
        driver_(*instance_),
        survey_(trace_, every) {
    EXPECT_TRUE(driver_.ReserveHandles(trace_->heap_handles, trace_->page_handles).ok());
  }
  HoleReport ToEnd() {
    while (!survey_.done()) {
      driver_.Apply(std::span(trace_->operations).subspan(driver_.operations(), survey_.next() - driver_.operations()));
      EXPECT_TRUE(survey_.Look(driver_).ok());
    }
    return survey_.Report();
  }
  Driver& driver() { return driver_; }
  HoleSurvey& survey() { return survey_; }

 private:
  std::shared_ptr<const Trace> trace_;
  std::unique_ptr<Instance> instance_;
  Driver driver_;
  HoleSurvey survey_;
};

// The definition of the header, operation by operation: who is between holes is looked for among all pairs of blocks.
HoleReport ByDefinition(const Trace& trace, std::uint64_t every, const std::string& heap) {
  const auto instance = *Instance::Create({1 << 20, "", heap, true, {}});
  Driver driver(*instance);
  EXPECT_TRUE(driver.ReserveHandles(trace.heap_handles, trace.page_handles).ok());
  HoleReport report;
  std::map<std::uint32_t, std::uint64_t> maker;  // by the address that the program has
  std::map<std::uint64_t, SeparatingBlock> blocks;
  std::map<std::uint64_t, SeparatingSize> sizes;
  double before = 0;
  for (std::uint64_t i = 1; i <= trace.operations.size(); ++i) {
    const Operation& op = trace.operations[i - 1];
    OpResult result;
    driver.Apply(std::span(&op, 1), std::span(&result, 1));
    if (op.kind != OpKind::kFree && result.outcome == Outcome::kOk) maker[result.address] = i;
    if (i % every != 0 && i != trace.operations.size()) continue;
    const std::uint64_t weight = i - report.looked_at;
    std::vector<Block> now;
    EXPECT_FALSE(instance->heap()->VisitBlocks({}, [&](const Block& block) { return now.push_back(block), true; }));
    std::uint64_t free = 0, largest = 0;
    for (const Block& block : now) {
      if (block.kind == BlockKind::kFree) free += block.bytes, largest = std::max(largest, block.bytes);
      for (const Block& low : now) {
        for (const Block& high : now) {
          if (block.kind != BlockKind::kLive || low.kind != BlockKind::kFree || high.kind != BlockKind::kFree) continue;
          if (low.address + low.bytes != block.address || block.address + block.bytes != high.address) continue;
          const std::uint64_t cost = (low.bytes + high.bytes) * weight;
          SeparatingBlock& it = blocks[maker.at(block.payload)];
          if (it.operations == 0) it.first_seen = i;
          it.allocated_by = maker.at(block.payload);
          it.request_bytes = RequestedBytes(trace.operations[it.allocated_by - 1]);
          it.address = block.address;
          it.bytes = block.bytes;
          it.last_seen = i;
          it.cost += cost;
          it.operations += weight;
          sizes[block.bytes].bytes = block.bytes;
          sizes[block.bytes].cost += cost;
          sizes[block.bytes].operations += weight;
          report.separated_cost += cost;
        }
      }
    }
    const double ratio = free == 0 ? 0 : 1 - static_cast<double>(largest) / static_cast<double>(free);
    if (ratio > before) report.rises.push_back({report.looked_at, i, before, ratio});
    before = ratio;
    report.hole_cost += free * weight;
    report.looked_at = i;
    ++report.looks;
  }
  for (const auto& [by, block] : blocks) report.blocks.push_back(block);
  for (const auto& [bytes, size] : sizes) report.sizes.push_back(size);
  const auto first_ten = [](auto& items, auto more) {
    std::stable_sort(items.begin(), items.end(), more);  // they are in order of what decides between equal ones
    if (items.size() > 10) items.resize(10);
  };
  first_ten(report.blocks, [](const auto& a, const auto& b) { return a.cost > b.cost; });
  first_ten(report.sizes, [](const auto& a, const auto& b) { return a.cost > b.cost; });
  first_ten(report.rises, [](const auto& a, const auto& b) { return a.to - a.from > b.to - b.from; });
  return report;
}

// Blocks come, grow and go through handles that are used again and again.
std::vector<Operation> RandomOperations(std::uint64_t seed, std::size_t count, std::uint32_t handles) {
  std::mt19937_64 random(seed);
  std::vector<bool> live(handles);
  std::vector<Operation> operations;
  while (operations.size() < count) {
    const auto handle = static_cast<std::uint32_t>(random() % handles), bytes = static_cast<std::uint32_t>(1 + random() % 300);
    if (!live[handle]) {
      operations.push_back(HoleMalloc(handle, bytes));
    } else if (random() % 4 == 0) {
      operations.push_back({OpKind::kRealloc, handle, bytes, handle});
      continue;
    } else {
      operations.push_back(HoleFree(handle));
    }
    live[handle] = !live[handle];
  }
  return operations;
}

TEST(Holes, AreWhatTheDefinitionSays) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::uint64_t round = 0;
  for (const char* heap : {"implicit-heap", "next-fit", "dlmalloc", "tlsf", "freertos-heap4"}) {
    for (const std::uint64_t every : {1u, 7u, 1000u}) {
      SCOPED_TRACE(std::string(heap) + " every " + std::to_string(every));
      const auto trace = TraceOf(RandomOperations(seed + round++, 400, 48));
      const HoleReport expected = ByDefinition(*trace, every, heap), report = Surveyed(trace, every, heap).ToEnd();
      EXPECT_EQ(report.operations, 400u);
      EXPECT_EQ(report.looked_at, expected.looked_at);
      EXPECT_EQ(report.looks, expected.looks);
      EXPECT_EQ(report.hole_cost, expected.hole_cost);
      EXPECT_EQ(report.separated_cost, expected.separated_cost);
      EXPECT_EQ(report.blocks, expected.blocks);
      EXPECT_EQ(report.sizes, expected.sizes);
      EXPECT_EQ(report.rises, expected.rises);
      if (every == 1) {
        EXPECT_GT(report.blocks.size(), 2u) << "otherwise this test says nothing";
      }
    }
  }
}

TEST(Holes, ABlockBetweenTwoCostsTheirBytesForAsLongAsItStays) {
  Surveyed run(TraceOf({HoleMalloc(0, 100), HoleMalloc(1, 20), HoleMalloc(2, 200), HoleMalloc(3, 20),  //
                        HoleFree(0), HoleFree(2), HoleMalloc(4, 8), HoleFree(4), HoleFree(1)}));
  const HoleReport report = run.ToEnd();
  const auto found =
      std::find_if(report.blocks.begin(), report.blocks.end(), [](const auto& block) { return block.allocated_by == 2; });
  ASSERT_NE(found, report.blocks.end());
  const SeparatingBlock& wall = *found;
  EXPECT_EQ(wall.request_bytes, 20u);
  EXPECT_EQ(wall.bytes, 24u);
  EXPECT_EQ(wall.first_seen, 6u);
  EXPECT_EQ(wall.last_seen, 8u);
  EXPECT_EQ(wall.operations, 3u);
}

TEST(Holes, ABlockThatNoHandleNamesHasItsAddress) {
  Surveyed run(TraceOf({HoleMalloc(0, 100), HoleMalloc(1, 20), HoleMalloc(2, 100), HoleMalloc(3, 20), HoleFree(0), HoleFree(2),
                        HoleMalloc(1, 5000)}));
  const HoleReport report = run.ToEnd();
  const auto unnamed =
      std::find_if(report.blocks.begin(), report.blocks.end(), [](const auto& block) { return block.allocated_by == 0; });
  ASSERT_NE(unnamed, report.blocks.end());
  EXPECT_EQ(unnamed->bytes, 24u);
  EXPECT_EQ(unnamed->first_seen, 7u);
  EXPECT_TRUE(std::any_of(report.blocks.begin(), report.blocks.end(), [&](const auto& block) {
    return block.allocated_by == 2 && block.address == unnamed->address && block.last_seen == 6;
  })) << "while it had a name";
}

TEST(Holes, CallSitesAreToldWithWhatTheyCostAndHold) {
  Trace trace = *TraceOf({HoleMalloc(0, 100), HoleMalloc(1, 20), HoleMalloc(2, 200), HoleMalloc(3, 20),  //
                          HoleFree(0), HoleFree(2), HoleMalloc(4, 8)});
  trace.operation_sites = {1, 2, 1, 2, 0, 0, 3};
  trace.sites = {.frames = {{.function = "fill"}, {.function = "wall"}, {.function = "main"}}, .sites = {{0, 2}, {1, 2}}};
  const HoleReport report = Surveyed(std::make_shared<const Trace>(trace)).ToEnd();
  ASSERT_EQ(report.sites.size(), 2u) << "none of what neither costs nor holds anything at the peak";
  EXPECT_EQ(report.sites[0].called_by, "wall < main");
  EXPECT_EQ(report.sites[0].cost, report.separated_cost);
  EXPECT_EQ(report.sites[0].peak_bytes, 40u);
  EXPECT_EQ(report.sites[0].peak_blocks, 2u);
  EXPECT_EQ(report.sites[1].called_by, "fill < main");
  EXPECT_EQ(report.sites[1].cost, 0u);
  EXPECT_EQ(report.sites[1].peak_bytes, 300u);
  EXPECT_EQ(report.blocks.front().called_by, "wall < main");
  EXPECT_THAT(report.sentences, Contains(HasSubstr("Blocks asked for by wall < main (site 2) are 100.0 %")));
  EXPECT_THAT(report.sentences, Contains("fill < main (site 1) holds the most when most is live: 300 bytes in 2 blocks."));
  trace.operation_sites = {1, 0, 1, 3, 0, 0, 0};
  const HoleReport partly = Surveyed(std::make_shared<const Trace>(trace)).ToEnd();
  std::uint64_t cost = 0;
  for (const SiteCost& site : partly.sites) {
    cost += site.cost;
    EXPECT_EQ(site.called_by, site.site == 0 ? "" : site.site == 1 ? "fill < main" : "site 3");
  }
  EXPECT_EQ(partly.sites.size(), 3u);
  EXPECT_EQ(cost, report.separated_cost);
}

// As many sites as there may be, with texts as long as they may be.
TEST(Holes, WhatIsToldOfCallSitesIsBounded) {
  auto trace = std::make_shared<Trace>();
  trace->sites.frames.push_back(
      {.function = std::string(kFrameTextMax, 'f'), .source = std::string(kFrameTextMax, 's'), .line = 1});
  for (std::uint32_t i = 0; i < kSitesMax; ++i) {
    trace->operations.push_back(HoleMalloc(i, i < 10 ? 100 : 8));
    trace->operation_sites.push_back(i + 1);
    trace->sites.sites.push_back(std::vector<std::uint32_t>(kSiteDepthMax, 0));
  }
  for (std::uint32_t i = 20; i < kSitesMax; i += 2) {  // every second block is between two holes then
    trace->operations.push_back(HoleFree(i));
    trace->operation_sites.push_back(0);
  }
  trace->heap_handles = kSitesMax;
  Surveyed run(trace, trace->operations.size());
  const HoleReport report = run.ToEnd();
  EXPECT_EQ(report.sites.size(), 2 * HoleSurvey::kShown) << "those that cost most, and those that hold most";
  for (const SiteCost& site : report.sites) EXPECT_EQ(site.called_by.size(), kSiteNameMax);
  EXPECT_LT(run.survey().host_bytes(), kSitesMax * 600u);
}

TEST(Holes, WithoutAnyItSaysSo) {
  const HoleReport report = Surveyed(TraceOf({HoleMalloc(0, 100), HoleMalloc(1, 20)}), 1, "newlib-nano").ToEnd();
  EXPECT_TRUE(report.blocks.empty());
  ASSERT_FALSE(report.sentences.empty());
  EXPECT_THAT(report.sentences[0], HasSubstr("at any look"));
}

TEST(Holes, AnEmptyTraceIsDone) {
  HoleSurvey survey(TraceOf({}));
  EXPECT_TRUE(survey.done());
  EXPECT_EQ(survey.Report().looks, 0u);
}

TEST(Holes, LooksAreBoundedByHandles) {
  const auto trace = TraceOf(std::vector<Operation>(100'000, HoleFree(0)), 1 << 22);
  EXPECT_EQ(HoleSurvey(trace).every(), 100'000u / 16);
}

TEST(Holes, AnInterruptedLookCountsNothing) {
  std::vector<Operation> many;
  for (std::uint32_t i = 0; i < 10'000; ++i) many.push_back(HoleMalloc(i, 8));
  Surveyed large(TraceOf(many, 10'000), 10'000);
  large.driver().Apply(many);
  EXPECT_EQ(large.survey().Look(large.driver(), [] { return true; }).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(large.survey().Report().looks, 0u);
  EXPECT_TRUE(large.survey().Look(large.driver()).ok());
  EXPECT_TRUE(large.survey().done());
}

TEST(Holes, NeedAHeapThatShowsItsBlocks) {
  const auto trace = TraceOf({HoleFree(0)});
  const auto instance = *Instance::Create({1 << 20, "", "none", true, {}});
  Driver driver(*instance);
  ASSERT_TRUE(driver.ReserveHandles(64, 64).ok());
  driver.Apply(trace->operations);
  HoleSurvey survey(trace);
  const absl::Status status = survey.Look(driver);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("expected a run with a heap allocator"));
}

}  // namespace
}  // namespace alloclab
