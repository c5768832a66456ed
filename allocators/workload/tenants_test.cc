// Who lived at an address, against a table of all blocks of a run.
#include "allocators/workload/tenants.h"

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

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Operation TenantMalloc(std::uint32_t block, std::uint32_t bytes) { return {OpKind::kMalloc, block, bytes, 0}; }
constexpr Operation TenantFree(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

// The operations on a fresh machine, in one piece, and how they ended.
std::vector<OpResult> Replayed(const std::vector<Operation>& operations, const std::string& heap = "implicit-heap") {
  const auto instance = *Instance::Create({1 << 20, "", heap, true, {}});
  Driver driver(*instance);
  EXPECT_TRUE(driver.Admit(operations).ok());
  std::vector<OpResult> results(operations.size());
  driver.Apply(operations, results);
  return results;
}

TenantReport Found(const std::vector<Operation>& operations, const std::vector<OpResult>& results, std::uint32_t address,
                   bool pages = false) {
  TenantSearch search(address, pages);
  search.Take(operations, results);
  return search.Report();
}

TEST(TenantsTest, BlocksFollowEachOtherAtOneAddress) {
  const std::vector<Operation> operations = {TenantMalloc(0, 100), TenantMalloc(1, 8), TenantFree(0), TenantMalloc(2, 40)};
  const std::vector<OpResult> results = Replayed(operations);
  const std::uint32_t first = results[0].address;
  ASSERT_EQ(results[3].address, first);
  const TenantReport report = Found(operations, results, first + 39);
  EXPECT_THAT(report.tenants, ElementsAre(Tenant{1, 3, first, 100}, Tenant{4, 0, first, 40}));
  EXPECT_THAT(report.sentences.front(), HasSubstr("2 blocks held 0xC0"));
  EXPECT_THAT(report.sentences.back(), HasSubstr("from operation 1 to 3: 100 bytes"));
  EXPECT_THAT(Found(operations, results, first + 40).tenants, ElementsAre(Tenant{1, 3, first, 100}));
  const TenantReport nobody = Found(operations, results, first - 1);
  EXPECT_THAT(nobody.tenants, IsEmpty());
  EXPECT_THAT(nobody.sentences, ElementsAre(HasSubstr("No block held")));
}

TEST(TenantsTest, AReallocEndsTheBlockUnlessItIsRefused) {
  const std::vector<Operation> operations = {TenantMalloc(0, 64),
                                             {OpKind::kRealloc, 0, 16, 0},
                                             {OpKind::kRealloc, 0, 0x7000'0000, 0},
                                             {OpKind::kRealloc, 1, 0x7000'0000, 0}};
  const std::vector<OpResult> results = Replayed(operations);
  ASSERT_NE(results[2].outcome, Outcome::kOk);
  ASSERT_NE(results[1].address, results[0].address);
  EXPECT_THAT(Found(operations, results, results[0].address).tenants.front(), (Tenant{1, 2, results[0].address, 64}));
  EXPECT_THAT(Found(operations, results, results[1].address).tenants.front(), (Tenant{2, 0, results[1].address, 16}));
  const std::vector<Operation> once_more = {TenantMalloc(0, 64), {OpKind::kRealloc, 0, 16, 0}, {OpKind::kRealloc, 1, 24, 0}};
  const std::vector<OpResult> moved = Replayed(once_more);
  EXPECT_THAT(Found(once_more, moved, moved[1].address).tenants.front(), (Tenant{2, 3, moved[1].address, 16}));
}

TEST(TenantsTest, ABlockWhoseHandleIsUsedAgainLivesOn) {
  const std::vector<Operation> operations = {TenantMalloc(0, 64), TenantMalloc(0, 64), TenantFree(0), TenantFree(kNoBlock)};
  const std::vector<OpResult> results = Replayed(operations);
  EXPECT_THAT(Found(operations, results, results[0].address).tenants, ElementsAre(Tenant{1, 0, results[0].address, 64}));
  EXPECT_THAT(Found(operations, results, results[1].address).tenants, ElementsAre(Tenant{2, 3, results[1].address, 64}));
}

TEST(TenantsTest, PagesAreFreedInParts) {
  constexpr std::uint32_t kPage = 4096;
  const std::vector<Operation> operations = {{OpKind::kAllocatePages, 0, 4 * kPage, 0},
                                             {OpKind::kFreePagesPart, 0, kPage, 0},          // page 0
                                             {OpKind::kFreePagesPart, 0, kPage, 2 * kPage},  // page 3: the last of three
                                             {OpKind::kFreePages, 0, 0, 0}};                 // pages 1 and 2
  const std::vector<OpResult> results = Replayed(operations);
  const std::uint32_t start = results[0].address;
  const auto end = [&](std::uint32_t page) {
    const std::vector<Tenant> tenants = Found(operations, results, start + page * kPage + 5, true).tenants;
    return tenants.size() == 1 ? tenants.front().ended_by : 99;
  };
  EXPECT_THAT((std::vector{end(0), end(1), end(2), end(3)}), ElementsAre(2, 4, 4, 3));
  EXPECT_THAT(Found(operations, results, start, false).tenants, IsEmpty());
}

TEST(TenantsTest, AListIsBoundedAndItsCountIsNot) {
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < TenantSearch::kTenantsMax + 5; ++i) {
    operations.push_back(TenantMalloc(0, 16));
    operations.push_back(TenantFree(0));
  }
  const std::vector<OpResult> results = Replayed(operations);
  const TenantReport report = Found(operations, results, results[0].address);
  EXPECT_EQ(report.count, TenantSearch::kTenantsMax + 5);
  EXPECT_EQ(report.tenants.size(), TenantSearch::kTenantsMax);
  EXPECT_THAT(report.sentences.back(), HasSubstr("of the first 1000, which are listed,"));
}

// Every address of a part of the heap, at once, by a table of all blocks.
class TenantTable {
 public:
  void Do(std::uint64_t number, const Operation& op, const OpResult& result) {
    const bool done = result.outcome == Outcome::kOk;
    if (op.kind == OpKind::kFree && done) End(op.block, number);
    if (op.kind == OpKind::kRealloc && done) End(op.extra, number);
    if (op.kind == OpKind::kFree || (op.kind == OpKind::kRealloc && !done)) return;
    by_handle_.erase(op.block);
    if (!done || op.size == 0) return;
    by_handle_[op.block] = all_.size();
    all_.push_back({number, 0, result.address, op.size});
  }
  std::vector<Tenant> At(std::uint32_t address) const {
    std::vector<Tenant> tenants;
    for (const Tenant& it : all_) {
      if (it.address <= address && address < it.address + it.bytes) tenants.push_back(it);
    }
    return tenants;
  }

 private:
  void End(std::uint32_t handle, std::uint64_t number) {
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end()) return;
    all_[found->second].ended_by = number;
    by_handle_.erase(found);
  }

  std::vector<Tenant> all_;
  std::map<std::uint32_t, std::size_t> by_handle_;
};

TEST(TenantsTest, IsWhatATableOfAllBlocksSays) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 numbers(seed);
  const auto random = [&] { return static_cast<std::uint32_t>(numbers()); };
  std::vector<Operation> operations;
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t block = random() % 40, size = random() % 300;
    const std::uint32_t kind = random() % 5;
    operations.push_back(kind < 2    ? TenantMalloc(block, size)
                         : kind == 2 ? Operation{OpKind::kRealloc, block, size + 1, block}
                                     : TenantFree(block));
  }
  const std::vector<OpResult> results = Replayed(operations);
  TenantTable table;
  for (std::size_t i = 0; i < operations.size(); ++i) table.Do(i + 1, operations[i], results[i]);
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t address = results[random() % results.size()].address + random() % 64;
    EXPECT_EQ(Found(operations, results, address).tenants, table.At(address)) << std::hex << address;
  }
}

}  // namespace
}  // namespace alloclab
