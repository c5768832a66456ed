#include "allocators/workload/driver.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "allocators/common/cost_model.h"
#include "allocators/workload/handle_table.h"
#include "allocators/workload/xoshiro256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kFirst = 0xC0400008;  // the first block of a fresh heap

class DriverTest : public ::testing::Test {
 protected:
  explicit DriverTest(InstanceConfig config = {})
      : instance_(Instance::Create(config).value()), driver_(std::make_unique<Driver>(*instance_)) {}

  std::vector<OpResult> Apply(const std::vector<Operation>& operations) {
    const absl::Status status = driver_->Admit(operations);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<OpResult> results(operations.size());
    driver_->Apply(operations, results);
    return results;
  }
  OpResult Apply(const Operation& operation) { return Apply(std::vector{operation}).front(); }
  const DriverCounters& counters() const { return driver_->counters(); }
  std::uint64_t Count(OpKind kind, Outcome outcome) const {
    return counters().outcomes[static_cast<std::size_t>(kind)][static_cast<std::size_t>(outcome)];
  }
  void ExpectLive(std::uint64_t bytes, std::uint64_t blocks) {
    EXPECT_EQ(counters().live_requested_bytes, bytes);
    EXPECT_EQ(counters().live_blocks, blocks);
    EXPECT_EQ(instance_->heap()->Shape().live_blocks, blocks);
  }

  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Driver> driver_;
};

Operation Malloc(std::uint32_t block, std::uint32_t size) { return {OpKind::kMalloc, block, size, 0}; }
Operation Calloc(std::uint32_t block, std::uint32_t count, std::uint32_t size) { return {OpKind::kCalloc, block, size, count}; }
Operation Realloc(std::uint32_t block, std::uint32_t old, std::uint32_t size) { return {OpKind::kRealloc, block, size, old}; }
Operation Free(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }
Operation AllocatePages(std::uint32_t block, std::uint32_t size) { return {OpKind::kAllocatePages, block, size, 0}; }
Operation FreePages(std::uint32_t block) { return {OpKind::kFreePages, block, 0, 0}; }
Operation FreePart(std::uint32_t block, std::uint32_t offset, std::uint32_t size) {
  return {OpKind::kFreePagesPart, block, size, offset};
}

TEST_F(DriverTest, HandlesBehaveLikePointers) {
  EXPECT_EQ(Apply(Malloc(0, 100)), (OpResult{Outcome::kOk, kFirst}));
  ExpectLive(100, 1);
  EXPECT_EQ(Apply(Free(0)), OpResult{});
  ExpectLive(0, 0);
  EXPECT_EQ(Apply(Free(0)).outcome, Outcome::kDoubleFree);  // the handle dangles
  ExpectLive(0, 0);
  EXPECT_EQ(counters().live_requested_peak_bytes, 100u);
  EXPECT_EQ(driver_->operations(), 3u);
}

TEST_F(DriverTest, FreeOfNullDoesNothing) {
  EXPECT_EQ(Apply(Free(7)), OpResult{});
  EXPECT_EQ(Apply(Free(kNoBlock)), OpResult{});
  EXPECT_EQ(Apply(Malloc(7, 0)), (OpResult{Outcome::kZeroSize, 0}));
  EXPECT_EQ(Apply(Free(7)), OpResult{});
  EXPECT_EQ(Apply(FreePages(7)), OpResult{});
  EXPECT_EQ(Count(OpKind::kFree, Outcome::kOk), 3u);
  EXPECT_EQ(instance_->heap()->costs(), HeapCosts{});
}

TEST_F(DriverTest, AnOverwrittenHandleLeaksItsBlock) {
  Apply({Malloc(0, 10), Malloc(0, 20)});
  ExpectLive(30, 2);
  EXPECT_EQ(driver_->Free(VirtAddr(kFirst)).outcome, Outcome::kOk);
  ExpectLive(20, 1);
}

TEST_F(DriverTest, AFreeThroughADanglingHandleFreesWhoeverLivesThere) {
  Apply({Malloc(0, 10), Free(0), Malloc(1, 12)});  // both at the same place
  EXPECT_EQ(Apply(Free(0)).outcome, Outcome::kOk);
  ExpectLive(0, 0);
  EXPECT_EQ(Apply(Free(1)).outcome, Outcome::kDoubleFree);
  ExpectLive(0, 0);
}

TEST_F(DriverTest, HandlesAndBareAddressesMix) {
  const std::uint32_t by_hand = driver_->Malloc(50).address;
  const std::uint32_t by_handle = Apply(Malloc(3, 60)).address;
  const std::uint32_t zeroed = driver_->Calloc(4, 25).address;
  ExpectLive(210, 3);
  EXPECT_EQ(driver_->Free(VirtAddr(by_handle)).outcome, Outcome::kOk);
  ExpectLive(150, 2);
  EXPECT_EQ(Apply(Malloc(4, 60)).address, by_handle);
  ExpectLive(210, 3);
  EXPECT_EQ(Apply(Free(3)).outcome, Outcome::kOk);  // dangles, and frees what handle 4 got
  ExpectLive(150, 2);
  const OpResult moved = driver_->Realloc(VirtAddr(by_hand), 500);
  EXPECT_EQ(moved.outcome, Outcome::kOk);
  ExpectLive(600, 2);
  EXPECT_EQ(driver_->Free(VirtAddr(zeroed)).outcome, Outcome::kOk);
  EXPECT_EQ(driver_->Free(VirtAddr(moved.address)).outcome, Outcome::kOk);
  ExpectLive(0, 0);
  EXPECT_EQ(driver_->Free(VirtAddr(moved.address)).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(driver_->Free(VirtAddr(0)).outcome, Outcome::kOk);
  EXPECT_EQ(driver_->Realloc(VirtAddr(0), 8).outcome, Outcome::kOk);
  ExpectLive(8, 1);
}

TEST_F(DriverTest, ReallocMovesTheBlockToTheNewHandle) {
  EXPECT_EQ(Apply(Realloc(0, kNoBlock, 10)).address, kFirst);
  ExpectLive(10, 1);
  EXPECT_EQ(Apply(Realloc(0, 0, 30)).outcome, Outcome::kOk);
  ExpectLive(30, 1);
  EXPECT_EQ(Apply(Realloc(5, 0, 20)).outcome, Outcome::kOk);
  ExpectLive(20, 1);
  EXPECT_EQ(Apply(Free(0)).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(Apply(Free(5)).outcome, Outcome::kOk);
  ExpectLive(0, 0);
}

TEST_F(DriverTest, AFailingReallocKeepsTheOldBlock) {
  Apply(Malloc(0, 10));
  for (const std::uint32_t size : {0u, 0xFFFFFFFFu, 0x70000000u}) {
    const OpResult same = Apply(Realloc(0, 0, size));
    EXPECT_NE(same.outcome, Outcome::kOk);
    const OpResult other = Apply(Realloc(1, 0, size));
    EXPECT_EQ(other.outcome, same.outcome);
    EXPECT_EQ(other.address, 0u);
    EXPECT_EQ(Apply(Free(1)), OpResult{});  // null
    ExpectLive(10, 1);
  }
  EXPECT_EQ(Apply(Free(0)).outcome, Outcome::kOk);
}

TEST_F(DriverTest, ReallocOfADanglingHandleIsInvalidUse) {
  Apply({Malloc(0, 10), Free(0)});
  EXPECT_EQ(Apply(Realloc(1, 0, 20)).outcome, Outcome::kDoubleFree);
  ExpectLive(0, 0);
}

TEST_F(DriverTest, AFailedAllocationMakesTheHandleNull) {
  Apply(Malloc(0, 10));
  EXPECT_NE(Apply(Malloc(0, 0x70000000)).outcome, Outcome::kOk);
  EXPECT_EQ(Apply(Free(0)), OpResult{});
  ExpectLive(10, 1);  // leaked
  EXPECT_EQ(Apply(Calloc(1, 0x10000, 0x10001)).outcome, Outcome::kSizeOverflow);
  EXPECT_EQ(Count(OpKind::kCalloc, Outcome::kSizeOverflow), 1u);
  EXPECT_EQ(counters().requested_bytes[1], 0x10000ull * 0x10001);
}

TEST_F(DriverTest, CountsCostsPerOperation) {
  const auto& heap = *instance_->heap();
  Apply(Malloc(0, 100));
  EXPECT_EQ(counters().cycles[0].sum(), Cycles(k386dx33, instance_->costs()));
  EXPECT_EQ(counters().heap_search_steps.sum(), 2u);  // the prologue and the free chunk
  EXPECT_EQ(counters().search_max, 2u);
  Apply({Malloc(1, 100), Free(0), Calloc(2, 2, 600), Realloc(1, 1, 50)});
  EXPECT_EQ(counters().heap_search_steps.count(), 4u);
  EXPECT_EQ(counters().heap_search_steps.sum(), heap.costs().search_steps);
  EXPECT_EQ(counters().request_bytes.count(), 4u);
  EXPECT_EQ(counters().request_bytes.sum(), 100u + 100 + 1200 + 50);
  std::uint64_t sum = 0, count = 0;
  for (const Pow2Histogram& cycles : counters().cycles) {
    sum += cycles.sum();
    count += cycles.count();
  }
  EXPECT_EQ(sum, Cycles(k386dx33, instance_->costs()));
  EXPECT_EQ(count, 5u);
}

// A page fault has the page allocator search, for the operation that faulted; page operations in between are their own.
TEST_F(DriverTest, TheCyclesOfAnOperationHaveThePageFaultsInThem) {
  Apply({Malloc(0, 100), AllocatePages(0, 8192), Malloc(1, 50'000), FreePages(0), Calloc(2, 1, 20'000), Free(1)});
  EXPECT_GT(instance_->costs().vm.demand_faults, 0u);
  std::uint64_t sum = 0;
  for (const Pow2Histogram& cycles : counters().cycles) sum += cycles.sum();
  EXPECT_EQ(sum, Cycles(k386dx33, instance_->costs()));
  EXPECT_GT(sum, Cycles(k386dx33, instance_->costs().heap));
}

TEST_F(DriverTest, PeakHeapIsTheLargestBreak) {
  const std::uint32_t fresh = instance_->heap()->Shape().size_bytes();
  EXPECT_EQ(counters().heap_size_peak_bytes, fresh);
  Apply({Malloc(0, 100'000), Free(0)});
  EXPECT_EQ(counters().heap_size_peak_bytes, instance_->heap()->Shape().size_bytes());
  EXPECT_GT(counters().heap_size_peak_bytes, fresh);
}

TEST_F(DriverTest, PageBlocksAreFreedWholeAndInParts) {
  const std::uint32_t base = Apply(AllocatePages(0, 5 * 4096)).address;
  EXPECT_EQ(counters().page_live_bytes, 5u * 4096);
  EXPECT_EQ(Apply(FreePart(0, 0, 4096)).outcome, Outcome::kOk);         // from the start: the block now begins a page later
  EXPECT_EQ(Apply(FreePart(0, 3 * 4096, 4096)).outcome, Outcome::kOk);  // to its end: the block is a page shorter
  EXPECT_EQ(Apply(FreePages(0)).outcome, Outcome::kOk);
  EXPECT_EQ(counters().page_live_bytes, 0u);
  EXPECT_EQ(counters().page_live_peak_bytes, 5u * 4096);
  EXPECT_EQ(Apply(FreePages(0)).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(Apply(AllocatePages(1, 5 * 4096)).address, base);

  EXPECT_EQ(Apply(FreePart(1, 4096, 4096)).outcome, Outcome::kOk);  // from its middle: the block stays as it is
  EXPECT_EQ(Apply(FreePages(1)).outcome, Outcome::kOverlapsFree);
  EXPECT_EQ(Apply(FreePart(1, 4096, 4096)).outcome, Outcome::kDoubleFree);
  EXPECT_EQ(Apply(FreePart(1, 0, 4096)).outcome, Outcome::kOk);
  EXPECT_EQ(counters().page_live_bytes, 3u * 4096);
  EXPECT_EQ(driver_->FreePages(PhysAddr(base + 2 * 4096), 3 * 4096).outcome, Outcome::kOk);
  EXPECT_EQ(counters().page_live_bytes, 0u);
  EXPECT_EQ(counters().page_search_steps.sum(), instance_->pages().costs().search_steps);
}

TEST_F(DriverTest, PageFailuresAreOutcomes) {
  EXPECT_EQ(Apply(AllocatePages(0, 0)).outcome, Outcome::kZeroLength);
  EXPECT_EQ(Apply(AllocatePages(0, 100)).outcome, Outcome::kUnalignedLength);
  EXPECT_EQ(Apply(AllocatePages(0, 0x7ffff000)).outcome, Outcome::kOutOfMemory);
  EXPECT_EQ(Apply(FreePages(0)), OpResult{});
  EXPECT_EQ(driver_->FreePages(PhysAddr(instance_->space()->page_directory()), 4096).outcome, Outcome::kFrameInUse);
  EXPECT_EQ(driver_->AllocatePages(4096).outcome, Outcome::kOk);
  EXPECT_EQ(counters().requested_bytes[4], 0x7ffff000ull + 100 + 4096);
}

TEST_F(DriverTest, RefusesHandlesAndKindsOutOfRange) {
  const auto refusal = [this](const Operation& op) {
    return std::string(driver_->Admit(std::vector{Malloc(0, 1), op}).message());
  };
  EXPECT_EQ(refusal(Malloc(kNoBlock, 1)), "operation 1 (malloc): handle 4294967295 is too large; expected below 67108864");
  EXPECT_EQ(refusal(Free(HandleTable::kHandlesMax)),
            "operation 1 (free): handle 67108864 is too large; expected below 67108864");
  EXPECT_EQ(refusal(Realloc(0, kNoBlock - 1, 1)),
            "operation 1 (realloc): handle 4294967294 is too large; expected below 67108864");
  EXPECT_EQ(refusal(FreePages(kNoBlock)), "operation 1 (free_pages): handle 4294967295 is too large; expected below 67108864");
  EXPECT_EQ(refusal({static_cast<OpKind>(7), 0, 0, 0}), "operation 1: 7 is not a kind; expected 0 to 6");
  EXPECT_EQ(refusal(Free(HandleTable::kHandlesMax - 1)), "");
  EXPECT_EQ(driver_->ReserveHandles(HandleTable::kHandlesMax + 1, 0).message(),
            "67108865 handles are too many; expected at most 67108864");
  EXPECT_LT(driver_->host_bytes(), 2u << 20);  // a high handle costs one page of handles and the way to it
  EXPECT_EQ(driver_->operations(), 0u);
}

TEST_F(DriverTest, ReservedHandlesNeedNoAdmission) {
  ASSERT_TRUE(driver_->ReserveHandles(1000, 10).ok());
  const std::array operations = {Malloc(999, 8), AllocatePages(9, 4096)};
  driver_->Apply(operations);
  ExpectLive(8, 1);
}

class PagesOnlyTest : public DriverTest {
 protected:
  PagesOnlyTest() : DriverTest({0, "", "none", true, {}}) {}
};

TEST_F(PagesOnlyTest, HeapOperationsAreUnsupported) {
  for (const OpResult result : Apply({Malloc(0, 8), Calloc(1, 1, 8), Realloc(2, kNoBlock, 8), Free(0)})) {
    EXPECT_EQ(result, (OpResult{Outcome::kUnsupported, 0}));
  }
  EXPECT_EQ(driver_->Malloc(8).outcome, Outcome::kUnsupported);
  EXPECT_EQ(driver_->Calloc(1, 8).outcome, Outcome::kUnsupported);
  EXPECT_EQ(driver_->Realloc(VirtAddr(0), 8).outcome, Outcome::kUnsupported);
  EXPECT_EQ(driver_->Free(VirtAddr(8)).outcome, Outcome::kUnsupported);
  EXPECT_EQ(Apply(AllocatePages(0, 4096)).outcome, Outcome::kOk);
  EXPECT_EQ(driver_->operations(), 9u);
}

// Random mixes of everything against a model: an ordered map of what lives where.
TEST_F(DriverTest, LiveBytesAreExactUnderAnyMixOfNames) {
  constexpr std::uint32_t kHandles = 40;
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  Xoshiro256 random(seed);
  std::array<std::uint32_t, kHandles> pointer{};  // what each handle points to
  std::map<std::uint32_t, std::uint32_t> live;    // address -> bytes asked for
  const auto size = [&random] { return random.Below(200); };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t handle = random.Below(kHandles), old = random.Below(kHandles);
    switch (random.Below(6)) {
      case 0: {
        const Operation op = Malloc(handle, size());
        pointer[handle] = Apply(op).address;
        if (pointer[handle] != 0) live[pointer[handle]] = op.size;
        break;
      }
      case 1: {
        const Operation op = Realloc(handle, old, size());
        const OpResult result = Apply(op);
        if (result.outcome == Outcome::kOk) {
          live.erase(pointer[old]);
          live[result.address] = op.size;
          pointer[handle] = result.address;
        } else if (handle != old) {
          pointer[handle] = 0;
        }
        break;
      }
      case 2: {
        const std::uint32_t bytes = size();
        const OpResult result = driver_->Malloc(bytes);
        if (result.outcome == Outcome::kOk) live[result.address] = bytes;
        break;
      }
      case 3: {
        const std::uint32_t address = pointer[old];
        if (driver_->Free(VirtAddr(address)).outcome == Outcome::kOk) live.erase(address);
        break;
      }
      default:
        if (Apply(Free(handle)).outcome == Outcome::kOk) live.erase(pointer[handle]);
    }
    std::uint64_t bytes = 0;
    for (const auto& [address, requested] : live) bytes += requested;
    ASSERT_EQ(counters().live_requested_bytes, bytes) << "step " << step;
    ASSERT_EQ(counters().live_blocks, live.size()) << "step " << step;
  }
  ExpectLive(counters().live_requested_bytes, live.size());
}

TEST_F(DriverTest, WhatTheProgramWritesBecomesResident) {
  using Part = Touch::Part;
  const std::vector<TouchFrom> touches = {
      {1, {Part::kPercent, 50}}, {2, {Part::kFirstBytes, 10'000}}, {3, {Part::kPercent, 100}}};
  driver_->TouchAs(touches);
  constexpr std::uint32_t kBytes = 400'000;
  const std::vector<Operation> operations = {Malloc(0, kBytes), Malloc(1, kBytes), Malloc(2, kBytes), Malloc(3, kBytes),
                                             Realloc(3, 3, 2 * kBytes)};
  const std::uint32_t written[] = {0, kBytes / 2, 10'000, kBytes, 2 * kBytes};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::uint32_t bytes = operations[i].size, address = Apply(operations[i]).address;
    const std::uint32_t first = address >> kPageShift, last = (address + bytes - 1) >> kPageShift;
    const std::uint32_t reached = written[i] == 0 ? first : (address + written[i] - 1) >> kPageShift;
    // Header and footer are in the first and the last page; another may be where the heap ended before it grew.
    const std::uint32_t absent = reached >= last ? 0 : last - reached - 1;
    const std::uint32_t seen = instance_->space()->AbsentPages(VirtAddr(address), VirtAddr(address + bytes - 1));
    EXPECT_LE(seen, absent) << "operation " << i;
    EXPECT_GE(seen, absent - (written[i] == 0 ? 1 : 0)) << "operation " << i;
  }
}

TEST_F(DriverTest, WithoutAFrameThePageStaysAbsentAndTheBlockIsTheProgramsOwn) {
  const auto small = *Instance::Create({1 << 20, "", "", true, {}});
  Driver driver(*small);
  const std::vector<TouchFrom> touches = {{0, {Touch::Part::kPercent, 100}}};
  driver.TouchAs(touches);
  const std::vector<Operation> operations = {Malloc(0, 2 << 20), Malloc(1, 100), Free(0), Free(1)};
  ASSERT_TRUE(driver.Admit(operations).ok());
  std::vector<OpResult> results(1);
  driver.Apply(std::span(operations).first(1), results);
  EXPECT_EQ(results.front().outcome, Outcome::kOk);
  EXPECT_EQ(driver.counters().live_blocks, 1u);
  EXPECT_EQ(small->costs().vm.refused_faults, 1u);
  driver.Apply(std::span(operations).subspan(1));
  EXPECT_EQ(driver.counters().live_blocks, 0u);
  EXPECT_TRUE(small->heap()->CheckInvariants().empty());
}

}  // namespace
}  // namespace alloclab
