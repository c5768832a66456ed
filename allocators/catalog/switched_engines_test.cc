// The engines whose index comes and goes with the length of walks (allocators/heap/index_switch.h), beside the literal ones:
// every address and count of a program that has long lists for a while, then short ones, then long ones again.
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "allocators/catalog/instance.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

class SwitchedEnginesTest : public testing::TestWithParam<const char*> {
 protected:
  static std::unique_ptr<Instance> Make(const std::string& engine) {
    auto instance = Instance::Create({std::uint64_t{64} << 20, "", GetParam(), true, {{"heap.engine", engine}}});
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *std::move(instance);
  }
  void Malloc() { Malloc(static_cast<std::uint32_t>(random_() % 400 + 1)); }
  void Malloc(std::uint32_t bytes) {
    const HeapResult result = literal_->heap_guard()->Malloc(bytes);
    ASSERT_EQ(indexed_->heap_guard()->Malloc(bytes), result);
    if (result.outcome == Outcome::kOk) live_.push_back(result.address);
    ExpectSame();
  }
  void Free(std::size_t i) {
    const HeapResult result = literal_->heap_guard()->Free(live_[i]);
    ASSERT_EQ(indexed_->heap_guard()->Free(live_[i]), result);
    live_[i] = live_.back();
    live_.pop_back();
    ExpectSame();
  }
  void ExpectSame() {
    ASSERT_EQ(indexed_->heap()->Counts(), literal_->heap()->Counts());
    if (random_() % 500 != 0) return;
    ASSERT_EQ(indexed_->heap()->Shape(), literal_->heap()->Shape());
    ASSERT_TRUE(indexed_->heap()->CheckInvariants().empty()) << indexed_->heap()->CheckInvariants().front().what;
  }
  bool HasIndex() const { return indexed_->heap()->host_bytes() >= literal_->heap()->host_bytes() + 1000; }

  void LongLists() {
    while (live_.size() < 3000) ASSERT_NO_FATAL_FAILURE(Malloc());
    while (live_.size() > 1500) ASSERT_NO_FATAL_FAILURE(Free(random_() % live_.size()));
    for (int i = 0; i < 3000; ++i) {
      ASSERT_NO_FATAL_FAILURE(random_() % 2 == 0 ? Malloc() : Free(random_() % live_.size()));
      if (i % 50 == 0) {  // larger than the holes: the search for it is long
        ASSERT_NO_FATAL_FAILURE(Malloc(20'000));
      }
      with_index_ += HasIndex();
    }
  }
  void ShortLists() {
    while (!live_.empty()) ASSERT_NO_FATAL_FAILURE(Free(live_.size() - 1));
    for (int i = 0; i < 12'000 && HasIndex(); ++i) {
      ASSERT_NO_FATAL_FAILURE(Malloc());
      ASSERT_NO_FATAL_FAILURE(Free(0));
    }
  }

  std::mt19937_64 random_{testing::UnitTest::GetInstance()->random_seed() + 1ull};
  const std::unique_ptr<Instance> literal_ = Make("literal"), indexed_ = Make("indexed");
  std::vector<VirtAddr> live_;
  int with_index_ = 0;  // operations
};

TEST_P(SwitchedEnginesTest, FindTheSameWithAnIndexAndWithout) {
  std::cout << "seed " << testing::UnitTest::GetInstance()->random_seed() << '\n';
  ASSERT_NO_FATAL_FAILURE(LongLists());
  EXPECT_GT(with_index_, 1000);
  ASSERT_NO_FATAL_FAILURE(ShortLists());
  // heap2 never merges: its list stays long.
  if (std::string(GetParam()) != "freertos-heap2") {
    EXPECT_FALSE(HasIndex());
  }
  ASSERT_NO_FATAL_FAILURE(LongLists());
}

INSTANTIATE_TEST_SUITE_P(Heaps, SwitchedEnginesTest,
                         testing::Values("knr", "freertos-heap4", "freertos-heap2", "lwip-mem", "newlib-nano", "next-fit"),
                         [](const testing::TestParamInfo<const char*>& heap) {
                           std::string name = heap.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace alloclab
