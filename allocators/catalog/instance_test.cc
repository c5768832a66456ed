#include "allocators/catalog/instance.h"

#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

InstanceConfig Config(std::uint64_t ram_bytes, ParameterValues parameters = {}, bool guarded = true) {
  return {ram_bytes, "", "", guarded, std::move(parameters)};
}

std::unique_ptr<Instance> Make(const InstanceConfig& config = {}) {
  auto instance = Instance::Create(config);
  EXPECT_TRUE(instance.ok()) << instance.status();
  return *std::move(instance);
}

absl::Status Refusal(const InstanceConfig& config) {
  auto instance = Instance::Create(config);
  return instance.ok() ? absl::UnknownError("was created") : instance.status();
}

TEST(InstanceTest, DefaultsAreFilledIn) {
  const auto instance = Make();
  EXPECT_EQ(instance->config().ram_bytes, 512u << 20);
  EXPECT_EQ(instance->config().page_allocator, "page-runs");
  EXPECT_EQ(instance->config().heap_allocator, "implicit-heap");
  EXPECT_EQ(instance->config().parameters.size(), 9u);
  EXPECT_EQ(instance->memory().size_bytes(), 512u << 20);
}

TEST(InstanceTest, ACompleteConfigurationMakesTheSameInstance) {
  const auto instance = Make(Config(64 << 20, {{"heap.limit_bytes", "16Mi"}}));
  const auto again = Make(instance->config());
  EXPECT_EQ(again->config().parameters, instance->config().parameters);
  EXPECT_EQ(again->heap()->Shape(), instance->heap()->Shape());
}

TEST(InstanceTest, BuildingItCostsNothing) {
  for (const bool guarded : {true, false}) {
    const auto instance = Make(Config(0, {}, guarded));
    EXPECT_EQ(instance->heap()->costs(), HeapCosts{});
    EXPECT_EQ(instance->pages().costs(), PageCosts{});
    EXPECT_EQ(instance->costs().vm.demand_faults, 0u);
    EXPECT_EQ(instance->costs().vm.mapped_frames, 2u);       // the first chunk and the epilogue behind it
    EXPECT_EQ(instance->costs().vm.page_table_frames, 65u);  // a directory, and 64 tables for 256 MiB
  }
}

TEST(InstanceTest, WithoutAHeapThereAreOnlyPages) {
  InstanceConfig config;
  config.heap_allocator = "none";
  const auto instance = Make(config);
  EXPECT_EQ(instance->heap(), nullptr);
  EXPECT_EQ(instance->space(), nullptr);
  EXPECT_EQ(instance->costs().vm, VmCosts{});
  EXPECT_EQ(instance->pages().Shape().free_bytes, (512u << 20) - 4096);
}

TEST(InstanceTest, BadFieldsAreNamed) {
  for (const std::uint64_t ram_bytes : {4096ull, (512ull << 20) + 1, (4ull << 30) + 4096}) {
    const absl::Status status = Refusal(Config(ram_bytes));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), StartsWith("ram_bytes: "));
  }
  EXPECT_THAT(std::string(Refusal({0, "buddy", "", true, {}}).message()), StartsWith("page_allocator: unknown allocator"));
  EXPECT_THAT(std::string(Refusal({0, "", "buddy", true, {}}).message()), StartsWith("heap_allocator: unknown allocator"));
  EXPECT_THAT(std::string(Refusal(Config(0, {{"x", "y"}})).message()), StartsWith("parameters: unknown parameter \"x\""));
}

TEST(InstanceTest, WhatDoesNotGoTogetherIsRefusedByTheAllocator) {
  const std::vector<InstanceConfig> configs = {
      Config(1 << 20, {{"pages.arena_pages", "257"}}), Config(1 << 20, {{"pages.kernel_end", "0x10000000"}}),
      Config(0, {{"heap.limit_bytes", "5Mi"}}),        Config(0, {{"heap.limit_bytes", "2Gi"}}),
      Config(0, {{"heap.initial_bytes", "3"}}),        Config(0, {{"heap.initial_bytes", "512Mi"}}),
      Config(0, {{"heap.engine", "indexed"}}, false),  Config(0, {{"pages.engine", "indexed"}}, false),
  };
  for (const InstanceConfig& config : configs) {
    const absl::Status status = Refusal(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config.parameters.begin()->first << " " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("of RAM: ")) << config.parameters.begin()->first;
  }
}

TEST(InstanceTest, RamTooSmallForThePageTablesIsResourceExhausted) {
  const absl::Status status = Refusal(Config(1 << 20, {{"pages.arena_pages", "20"}}));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("implicit-heap in 1Mi of RAM: no page frame left for page table 20 of 64"));
  EXPECT_THAT(std::string(Refusal(Config(1 << 20, {{"heap.limit_bytes", "1016Mi"}, {"pages.arena_pages", "1"}})).message()),
              StartsWith("implicit-heap in 1Mi of RAM: no page frame left for page table 1 of 254"));
}

TEST(InstanceTest, ASmallBoardHoldsASmallHeap) {
  const auto instance = Make(Config(32 << 10, {{"heap.limit_bytes", "4Mi"}}));
  EXPECT_EQ(instance->heap_guard()->Malloc(100).outcome, Outcome::kOk);
}

TEST(InstanceTest, EveryRamSizeUpToTheMostWorks) {
  for (const std::uint64_t ram_bytes : {std::uint64_t{1} << 20, std::uint64_t{3} << 20, PhysicalMemory::kBytesMax}) {
    const auto instance = Make(Config(ram_bytes));
    EXPECT_EQ(instance->heap_guard()->Malloc(100).outcome, Outcome::kOk) << ram_bytes;
    EXPECT_EQ(instance->AllocatePages(4096).outcome, Outcome::kOk) << ram_bytes;
  }
  const auto board = Make({PhysicalMemory::kBytesMin, "", "none", true, {}});
  EXPECT_EQ(board->AllocatePages(4096).outcome, Outcome::kOk);
}

TEST(InstanceTest, FramesTheMachineUsesAreNotFreed) {
  const auto instance = Make(Config(1 << 20));
  const PhysAddr directory = instance->space()->page_directory();
  EXPECT_EQ(instance->FreePages(directory, 4096).outcome, Outcome::kFrameInUse);
  const PhysAddr heap_frame = *instance->space()->Translate(VirtAddr(0xC0400000)).phys;
  EXPECT_EQ(instance->FreePages(heap_frame, 4096).outcome, Outcome::kFrameInUse);
  EXPECT_EQ(instance->FreePages(heap_frame, 0x80000000).outcome, Outcome::kNegativeLength);
  EXPECT_EQ(instance->FreePages(heap_frame, 100).outcome, Outcome::kUnalignedLength);

  const PageResult block = instance->AllocatePages(8192);
  ASSERT_EQ(block.outcome, Outcome::kOk);
  EXPECT_EQ(instance->FreePages(block.address, 8192).outcome, Outcome::kOk);
}

TEST(InstanceTest, UnguardedFreesWhatItIsTold) {
  const auto instance = Make(Config(1 << 20, {}, false));
  EXPECT_EQ(instance->FreePages(instance->space()->page_directory(), 4096).outcome, Outcome::kOk);
}

// Ten thousand instances of the largest kind stay well under 1 GiB of host memory.
TEST(InstanceTest, AnUntouchedMachineCostsLittle) {
  constexpr int kInstances = 100;
  constexpr std::uint64_t kPagesOnlyMax = 64 * 1024, kWithHeapMax = 96 * 1024;
  EXPECT_LT(Make({PhysicalMemory::kBytesMax, "", "none", true, {}})->host_bytes(), kPagesOnlyMax);
  EXPECT_LT(Make(Config(PhysicalMemory::kBytesMax))->host_bytes(), kWithHeapMax);

  std::vector<std::unique_ptr<Instance>> instances;
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (int i = 0; i < kInstances; ++i) instances.push_back(Make(Config(PhysicalMemory::kBytesMax)));
  const std::size_t each = (mallinfo2().uordblks + mallinfo2().hblkhd - before) / kInstances;
  EXPECT_LT(each, kWithHeapMax);  // 0 under a sanitizer, which has an allocator of its own
}

}  // namespace
}  // namespace alloclab
