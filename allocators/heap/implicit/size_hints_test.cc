#include "allocators/heap/implicit/size_hints.h"

#include <array>
#include <random>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

// First fit in a row of places, one free thing at most in each; a search looks at no place before its hint.
TEST(SizeHints, NeverHideWhatIsFree) {
  std::mt19937 random(20261121);
  SCOPED_TRACE(testing::Message() << "seed 20261121");
  constexpr std::uint32_t kPlaces = 200, kSizes = 100;  // more sizes than slots: they displace each other
  SizeHints hints;
  std::array<std::uint32_t, kPlaces> free{};
  std::uint64_t hinted = 0;
  for (int step = 0; step < 100'000; ++step) {
    const auto place = static_cast<std::uint32_t>(random() % kPlaces);
    const auto size = 1 + static_cast<std::uint32_t>(random() % kSizes);
    if (random() % 3 == 0) {
      free[place] = std::max(free[place], size);
      hints.Lower(free[place], place);
      continue;
    }
    const auto fits = [size](std::uint32_t held) { return held >= size; };
    const auto first = static_cast<std::uint32_t>(std::find_if(free.begin(), free.end(), fits) - free.begin());
    ASSERT_LE(hints.PlaceFor(size), first) << "size " << size << ", step " << step;
    hinted += hints.PlaceFor(size) != 0;
    hints.Remember(size, first);
    ASSERT_EQ(hints.PlaceFor(size), first);
    if (first < kPlaces) free[first] = random() % 2 == 0 ? 0 : free[first] - size;
  }
  EXPECT_GT(hinted, 10'000u);
}

}  // namespace
}  // namespace alloclab
