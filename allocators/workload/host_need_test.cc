#include "allocators/workload/host_need.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/testing/test_programs.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {
namespace {

struct Case {
  std::string name;
  std::uint64_t ram_bytes;
  std::map<std::string, std::string> parameters;
  bool guarded = true;
};

class HostNeedTest : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Instance> Make() {
    InstanceConfig config;
    config.ram_bytes = GetParam().ram_bytes;
    config.guarded = GetParam().guarded;
    config.parameters = GetParam().parameters;
    return *Instance::Create(config);
  }
};

constexpr std::uint32_t kHandles = 2000;
constexpr TouchFrom kWriteAll[] = {{0, {Touch::Part::kPercent, 100}}};

// Every kind, sizes from bytes to a part of RAM.
Operation Draw(Xoshiro256& random, std::uint64_t ram) {
  const auto handle = [&] { return random.Below(kHandles); };
  const std::uint32_t large = static_cast<std::uint32_t>(ram / 16);
  const std::uint32_t bytes = 1 + random.Below(random.Below(20) == 0 ? large : random.Below(3) == 0 ? 9000 : 200);
  switch (random.Below(10)) {
    case 0:
      return {OpKind::kCalloc, handle(), bytes, 1 + random.Below(3)};
    case 1:
      return {OpKind::kRealloc, handle(), bytes, handle()};
    case 2:
    case 3:
    case 4:
      return {OpKind::kFree, handle(), 0, 0};
    case 5:
      return {OpKind::kAllocatePages, handle(), (1 + random.Below(8)) << kPageShift, 0};
    case 6:
      return {OpKind::kFreePages, handle(), 0, 0};
    default:
      return {OpKind::kMalloc, handle(), bytes, 0};
  }
}

std::uint64_t Held(const Driver& driver) { return driver.instance().host_bytes() + driver.host_bytes(); }

TEST_P(HostNeedTest, NoOperationTakesMoreThanWasSetAside) {
  for (const std::size_t at_once : {1u, 64u}) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      Xoshiro256 random(seed);
      const auto machine = Make();
      Driver driver(*machine);
      if (seed == 2) driver.TouchAs(kWriteAll);
      ASSERT_TRUE(driver.ReserveHandles(kHandles, kHandles).ok());
      for (int step = 0; step < 1500; step += static_cast<int>(at_once)) {
        std::vector<Operation> operations;
        for (std::size_t i = 0; i < at_once; ++i) operations.push_back(Draw(random, GetParam().ram_bytes));
        const std::uint64_t before = Held(driver), need = HostNeed(driver, operations);
        driver.Apply(operations);
        ASSERT_LE(Held(driver), before + need) << "seed " << seed << ", step " << step;
      }
    }
  }
}

TEST_P(HostNeedTest, TheSameByAddress) {
  Xoshiro256 random(7);
  const auto machine = Make();
  Driver driver(*machine);
  std::vector<std::uint32_t> blocks;
  for (int step = 0; step < 3000; ++step) {
    const std::uint32_t bytes = 1 + random.Below(random.Below(50) == 0 ? 1 << 20 : 3000);
    const bool frees = !blocks.empty() && random.Below(3) == 0;
    const Operation op = frees ? Operation{OpKind::kFree, kNoBlock, 0, 0} : Operation{OpKind::kCalloc, kNoBlock, bytes, 1};
    const std::uint64_t before = Held(driver), need = HostNeed(driver, std::span(&op, 1));
    if (frees) {
      driver.Free(VirtAddr(blocks.back()));
      blocks.pop_back();
    } else if (const OpResult result = driver.Calloc(1, bytes); result.outcome == Outcome::kOk) {
      blocks.push_back(result.address);
    }
    ASSERT_LE(Held(driver), before + need) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Machines, HostNeedTest,
    testing::Values(Case{"indexed", 64 << 20, {}}, Case{"indexed_small", 4 << 20, {{"heap.limit_bytes", "4194304"}}},
                    Case{"literal", 32 << 20, {{"heap.engine", "literal"}, {"pages.engine", "literal"}}},
                    Case{"literal_full", 8 << 20, {{"heap.engine", "literal"}}},
                    Case{"unguarded", 32 << 20, {{"heap.engine", "literal"}, {"pages.engine", "literal"}}, false}),
    [](const auto& machine) { return machine.param.name; });

TEST(HostNeed, OfACallocIsItsPayloadAndLittleMore) {
  InstanceConfig config;
  config.ram_bytes = 1 << 30;
  const auto machine = *Instance::Create(config);
  const Driver driver(*machine);
  constexpr std::uint32_t kBytes = 200 << 20;
  const Operation calloc{OpKind::kCalloc, kNoBlock, kBytes, 1}, malloc{OpKind::kMalloc, kNoBlock, kBytes, 0};
  EXPECT_GT(HostNeed(driver, std::span(&calloc, 1)), kBytes);
  EXPECT_LT(HostNeed(driver, std::span(&calloc, 1)), kBytes + kBytes / 6);
  EXPECT_LT(HostNeed(driver, std::span(&malloc, 1)), kBytes / 32);
}

// What the lab knows of a page with a program's block is more than an eighth of it.
TEST(HostNeed, OfAProgramCoversWhatIsKnownOfItsBlocks) {
  constexpr std::uint32_t kBlocks = 4096, kBytes = kPageBytes - 16;
  for (const std::uint32_t at_once : {1u, 64u}) {
    const auto machine = *Instance::Create({64 << 20, "", TestPrograms::All().NameOf("kr"), true, {}});
    Driver driver(*machine);
    driver.TouchAs(kWriteAll);
    ASSERT_TRUE(driver.ReserveHandles(kBlocks, 0).ok());
    const std::uint64_t at_first = machine->heap()->host_bytes();
    for (std::uint32_t block = 0; block < kBlocks; block += at_once) {
      std::vector<Operation> operations;
      for (std::uint32_t i = 0; i < at_once; ++i) operations.push_back({OpKind::kMalloc, block + i, kBytes, 0});
      const std::uint64_t before = Held(driver), need = HostNeed(driver, operations);
      driver.Apply(operations);
      ASSERT_LE(Held(driver), before + need) << "block " << block;
    }
    EXPECT_EQ(driver.counters().live_blocks, kBlocks);
    EXPECT_GT(machine->heap()->host_bytes() - at_first, std::uint64_t{kBlocks} * kPageBytes / 8);
  }
}

TEST(HostNeed, OfMakingAMachineIsCovered) {
  for (const PageAllocatorInfo& pages : PageAllocators()) {
    for (const std::uint64_t ram_bytes : {std::uint64_t{0}, std::uint64_t{128} << 20, PhysicalMemory::kBytesMax}) {
      const auto machine = Instance::Create({ram_bytes, pages.name, "", true, {}});
      ASSERT_TRUE(machine.ok()) << machine.status();
      EXPECT_LE((*machine)->host_bytes(), MachineHostNeed(ram_bytes)) << pages.name << ", " << ram_bytes;
    }
  }
}

TEST(HostNeed, TablesOfHandlesAreCovered) {
  for (const std::uint32_t handles : {1u, 511u, 513u, 100'000u}) {
    const auto machine = *Instance::Create({});
    Driver driver(*machine);
    const std::uint64_t before = driver.host_bytes();
    ASSERT_TRUE(driver.ReserveHandles(handles, handles).ok());
    EXPECT_LE(driver.host_bytes(), before + HandlesHostNeed(2 * handles)) << handles;
  }
}

}  // namespace
}  // namespace alloclab
