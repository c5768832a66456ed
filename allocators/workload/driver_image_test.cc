// Images of a driver and its instance: whatever moment they are of, operations go on from there as they did.
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "allocators/workload/driver.h"
#include "allocators/workload/run.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

class DriverImageTest : public ::testing::TestWithParam<const char*> {
 protected:
  static InstanceConfig Config() {
    const std::string kind = GetParam();
    const std::string engine = kind == "indexed" ? "indexed" : "literal";
    return {8 << 20, "", "", kind != "unguarded", {{"heap.engine", engine}, {"pages.engine", engine}}};
  }

  // Heap and page operations, many of which 8 MiB cannot hold; misuse too, where a guard is there to refuse it.
  std::vector<Operation> Draw(std::size_t count) {
    std::vector<Operation> operations;
    while (operations.size() < count) {
      const std::uint32_t handle = Below(700);
      switch (Below(Config().guarded ? 8 : 2)) {
        case 0:
          operations.push_back({OpKind::kMalloc, next_, 1 + Below(2'000), 0});
          live_.push_back(next_++);
          break;
        case 1:
          if (live_.empty()) break;
          std::swap(live_[Below(static_cast<std::uint32_t>(live_.size()))], live_.back());
          operations.push_back({OpKind::kFree, live_.back(), 0, 0});
          live_.pop_back();
          break;
        case 2:
          operations.push_back({OpKind::kRealloc, handle, Below(40'000), Below(700)});
          break;
        case 3:
          operations.push_back({OpKind::kCalloc, handle, Below(900), Below(20)});
          break;
        case 4:
          operations.push_back({OpKind::kAllocatePages, handle, Below(20) * kPageBytes, 0});
          break;
        case 5:
          operations.push_back({OpKind::kFreePages, handle, 0, 0});
          break;
        default:
          operations.push_back({OpKind::kFree, handle, 0, 0});
      }
    }
    return operations;
  }
  std::uint32_t Below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }

  // Everything that a driver's operations show, as it is after them.
  struct Found {
    std::vector<OpResult> results;
    std::vector<Count> heap, pages;
    Costs costs;
    std::string digest;
    std::vector<std::uint8_t> ram;
    DriverCounters counters;
    friend bool operator==(const Found&, const Found&) = default;
  };
  static Found Apply(Driver& driver, const std::vector<Operation>& operations) {
    EXPECT_TRUE(driver.Admit(operations).ok());
    const Instance& machine = driver.instance();
    Found found;
    found.results.resize(operations.size());
    driver.Apply(operations, found.results);
    found.heap = machine.heap()->Counts();
    found.pages = machine.pages().Counts();
    found.costs = machine.costs();
    found.digest = TakeCheckpoint(machine, 0).metadata_sha256;
    found.ram.resize(machine.memory().size_bytes());
    EXPECT_TRUE(machine.memory().Read(PhysAddr(0), found.ram));
    found.counters = driver.counters();
    EXPECT_TRUE(!machine.config().guarded || machine.heap()->CheckInvariants().empty());
    EXPECT_TRUE(!machine.config().guarded || machine.pages().CheckInvariants().empty());
    return found;
  }

  std::mt19937_64 random_{20061126};
  std::vector<std::uint32_t> live_;
  std::uint32_t next_ = 1'000;
};

TEST_P(DriverImageTest, GoesOnIdentically) {
  random_.seed(static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed()) + 1);
  std::cout << "seed " << testing::UnitTest::GetInstance()->random_seed() << '\n';
  const auto instance = Instance::Create(Config()).value();
  Driver driver(*instance);
  std::vector<std::shared_ptr<const DriverImage>> images;
  std::vector<std::vector<Operation>> parts;
  std::vector<Found> found;
  for (int part = 0; part < 6; ++part) {
    images.push_back(driver.Save());
    parts.push_back(Draw(1'500));
    found.push_back(Apply(driver, parts.back()));
  }
  for (const std::size_t part : {5u, 0u, 3u, 2u, 4u, 1u}) {
    driver.Restore(*images[part]);
    EXPECT_EQ(driver.operations(), part * 1'500);
    ASSERT_TRUE(Apply(driver, parts[part]) == found[part]) << "restored before part " << part;
    const auto copy = Instance::Copy(images[part]->instance()).value();
    Driver copied(*copy);
    copied.Restore(*images[part]);
    ASSERT_TRUE(Apply(copied, parts[part]) == found[part]) << "copied before part " << part;
    if (part + 1 == parts.size()) continue;
    ASSERT_TRUE(Apply(copied, parts[part + 1]) == found[part + 1]) << "and two parts on";
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DriverImageTest, testing::Values("indexed", "literal", "unguarded"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace alloclab
