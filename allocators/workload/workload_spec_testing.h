// Small specifications, and what comes of them.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_TESTING_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_TESTING_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocators/workload/workload_spec.h"
#include "gtest/gtest.h"

namespace alloclab {

inline Phase MakePhase(std::uint64_t operations, std::uint32_t live_blocks, SizeDistribution size = FixedSize{8}) {
  return {.name = "p", .operations = operations, .live_blocks = live_blocks, .size = std::move(size)};
}

inline WorkloadSpec Spec(std::vector<Phase> phases, std::uint64_t seed = 1) { return {"test", seed, std::move(phases)}; }

inline Trace Make(const WorkloadSpec& spec) {
  auto trace = Generate(spec);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return *std::move(trace);
}

inline std::string Error(const WorkloadSpec& spec) {
  const auto trace = Generate(spec);
  return trace.ok() ? "no error" : std::string(trace.status().message());
}

// Blocks live after each operation, checking that only live ones are freed and only free handles taken.
inline std::vector<std::size_t> LiveBlocks(const Trace& trace) {
  std::set<std::uint32_t> heap, pages;
  std::vector<std::size_t> live;
  for (const Operation& op : trace.operations) {
    std::set<std::uint32_t>& blocks = OnPages(op.kind) ? pages : heap;
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

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_WORKLOAD_SPEC_TESTING_H_
