#include "allocators/common/slabs.h"

#include <array>
#include <bit>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

struct Page {
  std::array<std::uint32_t, 1024> words;
};

TEST(Slabs, ObjectsStayWhereTheyAreAndKeepToThemselves) {
  Slabs<Page> slabs;
  std::vector<Page*> pages;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    pages.push_back(slabs.Make());
    pages.back()->words.front() = pages.back()->words.back() = i;
  }
  for (std::uint32_t i = 0; i < pages.size(); ++i) {
    ASSERT_EQ(pages[i]->words.front(), i);
    ASSERT_EQ(pages[i]->words.back(), i);
  }
}

TEST(Slabs, LittleIsUnused) {
  Slabs<Page> slabs;
  EXPECT_EQ(slabs.host_bytes(), 0u);
  for (std::uint64_t made = sizeof(Page); made <= 80 << 20; made += sizeof(Page)) {
    slabs.Make();
    ASSERT_GE(slabs.host_bytes(), made);
    ASSERT_LE(slabs.host_bytes(), made + made / Slabs<Page>::kUnusedPart + made / 64 + sizeof(Page)) << made;
  }
}

TEST(Slabs, ObjectsAreInitialisedAsTheirTypeSays) {
  struct alignas(64) Counter {
    std::uint64_t count = 7;
  };
  Slabs<Counter> slabs;
  std::set<Counter*> seen;
  for (int i = 0; i < 1'000; ++i) {
    Counter* counter = slabs.Make();
    ASSERT_EQ(counter->count, 7u);
    ASSERT_EQ(std::bit_cast<std::uintptr_t>(counter) % 64, 0u);
    ASSERT_TRUE(seen.insert(counter).second);
  }
}

}  // namespace
}  // namespace alloclab
