#include "allocators/common/max_table.h"

#include <random>

#include "allocators/common/prefix_counts.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kSeed = 20260102;

// The same questions, asked of plain arrays.
class Plain {
 public:
  std::array<std::uint32_t, MaxTable::kSlots> values{};

  std::uint32_t FirstAtLeast(std::uint32_t least) const {
    std::uint32_t slot = 0;
    while (values[slot] < least) ++slot;
    return slot;
  }
  std::uint32_t FirstFrom(std::uint32_t slot) const {
    while (slot < values.size() && values[slot] == 0) ++slot;
    return slot;
  }
  std::uint32_t LastBefore(std::uint32_t slot) const {
    while (slot > 0 && values[slot - 1] == 0) --slot;
    return slot == 0 ? MaxTable::kNone : slot - 1;
  }
  std::uint32_t CountBefore(std::uint32_t slot) const {
    return static_cast<std::uint32_t>(
        std::count_if(values.begin(), values.begin() + slot, [](auto value) { return value != 0; }));
  }
};

TEST(MaxTable, AnswersAsPlainArraysDo) {
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  const auto below = [&random](std::uint32_t end) { return static_cast<std::uint32_t>(random()) % end; };
  for (const std::uint32_t spread : {1024u, 70u, 3u}) {
    MaxTable table;
    Plain plain;
    for (int step = 0; step < 30'000; ++step) {
      const std::uint32_t slot = below(spread) * (1023 / (spread - 1));
      const std::uint32_t value = below(3) == 0 ? 0 : below(step % 2 ? 4 : 1u << 20);
      table.Set(slot, value);
      plain.values[slot] = value;
      ASSERT_EQ(table[slot], value);
      ASSERT_EQ(table.max(), *std::max_element(plain.values.begin(), plain.values.end()));
      const std::uint32_t at = below(1025);
      ASSERT_EQ(table.FirstFrom(at), plain.FirstFrom(at)) << "step " << step;
      ASSERT_EQ(table.LastBefore(at), plain.LastBefore(at)) << "step " << step;
      ASSERT_EQ(table.CountBefore(at % 1024), plain.CountBefore(at % 1024)) << "step " << step;
      if (table.max() == 0) continue;
      const std::uint32_t least = 1 + below(table.max());
      ASSERT_EQ(table.FirstAtLeast(least), plain.FirstAtLeast(least)) << "step " << step;
    }
  }
}

TEST(PrefixCounts, SumsAsAPlainArrayDoes) {
  std::mt19937 random(kSeed);
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  PrefixCounts counts;
  std::array<std::uint32_t, PrefixCounts::kSlots> plain{};
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t slot = random() % 1024, at = random() % 1024;
    const std::uint32_t change = plain[slot] > 0 && random() % 2 ? 0xFFFFFFFF : 1;
    counts.Add(slot, change);
    plain[slot] += change;
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < at; ++i) sum += plain[i];
    ASSERT_EQ(counts.Before(at), sum) << "step " << step;
  }
}

}  // namespace
}  // namespace alloclab
