// Sizes with rates, as fleetbench publishes them: the reader, and that what comes of them is what they say.
#include "allocators/workload/size_rates.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

std::string RatesError(const std::string& text) {
  const auto rates = ReadSizeRates(text, "f.csv");
  return rates.ok() ? "no error" : std::string(rates.status().message());
}

TEST(SizeRatesTest, ReadsLines) {
  const auto rates = ReadSizeRates("8, 1000.5, 20\r\n\n4259792, 7.4e-05,0.25\n16,0,3", "f.csv");
  ASSERT_TRUE(rates.ok()) << rates.status();
  ASSERT_EQ(rates->size(), 3u);
  EXPECT_EQ((*rates)[0].size, 8u);
  EXPECT_DOUBLE_EQ((*rates)[0].rate, 1000.5);
  EXPECT_DOUBLE_EQ((*rates)[1].rate, 7.4e-05);
  EXPECT_DOUBLE_EQ((*rates)[1].live, 0.25);
}

TEST(SizeRatesTest, NamesTheLineThatIsWrong) {
  for (const char* bad : {"size,rate,live", "8, 1", "8, 1, 2, 3", "-8, 1, 2", "4294967296, 1, 2", "8, -1, 2", "8, nan, 2",
                          "8, 1, inf", "8, 1e999, 1", "8 1 2"}) {
    EXPECT_THAT(RatesError(std::string("8, 1, 2\n") + bad),
                HasSubstr(std::string("f.csv:2: \"") + bad + "\"; expected a size"));
  }
  for (const char* nothing : {"", "8, 0, 1\n", "8, 1, 0\n", "0, 1, 1\n"}) {
    EXPECT_THAT(RatesError(nothing), HasSubstr("f.csv: nothing is allocated or nothing lives")) << nothing;
  }
  std::string many;
  for (std::size_t i = 0; i <= kSizeRatesMax; ++i) many += "8,1,1\n";
  EXPECT_EQ(RatesError(many), "f.csv:65537: more than 65536 sizes, the limit");
}

// Half of all blocks are small and short-lived; a few large ones live for long.
TEST(SizeRatesTest, SizesAndLiveBytesComeOut) {
  const auto rates = ReadSizeRates("16, 5000, 50\n24, 4000, 400\n100, 900, 900\n4096, 100, 2000\n", "f.csv");
  constexpr std::uint64_t kLive = 4 << 20;
  const auto spec = ProfileSizeRates(*rates, kLive, 100'000);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->phases.size(), 2u);
  const Trace trace = Generate(*spec).value();
  const SizeRatesFit fit = CompareWithRates(*rates, *spec, trace);
  EXPECT_LT(fit.sizes, 0.01);
  EXPECT_NEAR(static_cast<double>(fit.live_bytes), double{kLive}, kLive * 0.1);
  // Of another load it is far away.
  const auto others = ReadSizeRates("16, 100, 50\n4096, 5000, 2000\n", "f.csv");
  EXPECT_GT(CompareWithRates(*others, *spec, trace).sizes, 0.5);
}

TEST(SizeRatesTest, ABoundThatIsPassedIsNamed) {
  const auto rates = ReadSizeRates("1, 1, 1\n", "f.csv");
  EXPECT_THAT(std::string(ProfileSizeRates(*rates, 0, 10).status().message()), HasSubstr("live bytes: 0"));
  EXPECT_THAT(std::string(ProfileSizeRates(*rates, 10, 0).status().message()), HasSubstr("phases[1]: operations: 0"));
  EXPECT_THAT(std::string(ProfileSizeRates(*rates, ~0ull, 10).status().message()), HasSubstr("more than 50000000 operations"));
}

}  // namespace
}  // namespace alloclab
