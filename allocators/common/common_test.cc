#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocators/common/cost_model.h"
#include "allocators/common/outcome.h"
#include "allocators/common/pow2_histogram.h"
#include "allocators/common/quantity.h"
#include "allocators/common/sha256.h"
#include "allocators/common/suggestion.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

TEST(Sha256Test, MatchesThePublishedVectors) {  // FIPS 180-2, appendix B
  Sha256 empty, abc;
  abc.Update("abc");
  EXPECT_EQ(empty.HexDigest(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(abc.HexDigest(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, SmallPiecesAndLargeOnesAreTheSameStream) {
  Sha256 small, large;
  std::string text;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    small.UpdateU32(i * 2654435761u);
    small.UpdateU8(static_cast<std::uint8_t>(i));
    for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>((i * 2654435761u) >> shift);
    text += static_cast<char>(i);
    if (i == 77) small.Update("between"), text += "between";
  }
  large.Update(text);
  EXPECT_EQ(small.HexDigest(), large.HexDigest());
}

TEST(QuantityTest, Reads) {
  EXPECT_EQ(ParseQuantity("0").value(), 0u);
  EXPECT_EQ(ParseQuantity("4096").value(), 4096u);
  EXPECT_EQ(ParseQuantity("0x10000000").value(), 0x10000000u);
  EXPECT_EQ(ParseQuantity("0XfF").value(), 255u);
  EXPECT_EQ(ParseQuantity("64Ki").value(), 65536u);
  EXPECT_EQ(ParseQuantity("512MiB").value(), 512u << 20);
  EXPECT_EQ(ParseQuantity("4Gi").value(), 4ull << 30);
  EXPECT_EQ(ParseQuantity("18446744073709551615").value(), UINT64_MAX);
}

TEST(QuantityTest, RefusesWithTheReason) {
  for (const std::string_view bad :
       {"", "-1", "+1", " 1", "1 ", "Ki", "1K", "1k", "0x", "0xg", "1.5Mi", "1e3", "0x-1", "12a"}) {
    const auto value = ParseQuantity(bad);
    ASSERT_FALSE(value.ok()) << bad << " read as " << *value;
    EXPECT_THAT(std::string(value.status().message()),
                HasSubstr("is not a number; expected a whole number, optionally with Ki, Mi or Gi"));
  }
  for (const std::string_view near : {"64M", "64MB", "64m", "64 mb", "64mib", "64Mib"}) {
    EXPECT_THAT(std::string(ParseQuantity(near).status().message()), HasSubstr("; did you mean 64Mi?")) << near;
  }
  EXPECT_EQ(ParseQuantity("64T").status().message(),
            "\"64T\" is not a number; expected a whole number, optionally with Ki, Mi or Gi (64Mi), or hexadecimal with 0x");
  EXPECT_EQ(ParseQuantity("5Gi", 4ull << 30).status().message(), "\"5Gi\" is too large; expected at most 4Gi");
  EXPECT_EQ(ParseQuantity("0x10000000000000000").status().message(),
            "\"0x10000000000000000\" is too large; expected at most 18446744073709551615");
  EXPECT_EQ(ParseQuantity("17179869184Gi").status().message(),
            "\"17179869184Gi\" is too large; expected at most 18446744073709551615");
}

TEST(QuantityTest, FormatsWhatItReads) {
  EXPECT_EQ(FormatQuantity(0), "0");
  EXPECT_EQ(FormatQuantity(4100), "4100");
  EXPECT_EQ(FormatQuantity(3ull << 30), "3Gi");
  for (const std::uint64_t value : {1ull, 1024ull, 4096ull, 1048577ull, 1ull << 40}) {
    EXPECT_EQ(ParseQuantity(FormatQuantity(value)).value(), value);
  }
}

TEST(SuggestionTest, NamesTheNearestOrAll) {
  const std::vector<std::string_view> names = {"heap.engine", "heap.limit_bytes"};
  EXPECT_EQ(UnknownName("parameter", "heap.engin", names), "unknown parameter \"heap.engin\"; did you mean \"heap.engine\"?");
  EXPECT_EQ(UnknownName("parameter", "colour", names),
            "unknown parameter \"colour\"; expected one of heap.engine, heap.limit_bytes");
  EXPECT_EQ(NearestName(std::string(1 << 20, 'x'), names), "");
}

TEST(OutcomeTest, NamesAndNumbersAgree) {
  std::vector<std::string_view> names;
  for (std::uint32_t number = 0; number < 256; ++number) {
    const auto outcome = OutcomeFromNumber(number);
    if (!outcome) continue;
    EXPECT_LT(number, kOutcomeSlots);
    EXPECT_NE(OutcomeName(*outcome), "unknown");
    names.push_back(OutcomeName(*outcome));
  }
  EXPECT_EQ(names.size(), 22u);
  EXPECT_EQ(names.back(), "machine_hang");
  EXPECT_EQ(OutcomeName(static_cast<Outcome>(200)), "unknown");
}

TEST(Pow2HistogramTest, BucketsHoldWhatTheySay) {
  EXPECT_EQ(Pow2Histogram::BucketOf(0), 0);
  for (int bucket = 1; bucket < Pow2Histogram::kBuckets - 1; ++bucket) {
    EXPECT_EQ(Pow2Histogram::BucketOf(Pow2Histogram::UpperBound(bucket)), bucket);
    EXPECT_EQ(Pow2Histogram::BucketOf(Pow2Histogram::UpperBound(bucket) + 1), bucket + 1);
  }
  Pow2Histogram histogram;
  for (const std::uint64_t value : {0ull, 1ull, 2ull, 3ull, ~0ull}) histogram.Record(value);
  EXPECT_EQ(histogram.count(), 5u);
  EXPECT_EQ(histogram.counts()[Pow2Histogram::kBuckets - 1], 1u);
}

TEST(CostModelTest, ChargesEachEvent) {
  HeapCosts heap;
  heap.words_loaded = 10;
  heap.words_stored = 3;
  heap.search_pages = 2;
  EXPECT_EQ(Cycles(k386dx33, heap), 10u * 4 + 3 * 2 + 2 * 4);
  EXPECT_EQ(Cycles(k486dx2_66, heap), 10u * 1 + 3 * 1 + 2 * 8);
  PageCosts pages;
  pages.words_loaded = 5;
  pages.words_stored = 7;
  EXPECT_EQ(Cycles(k386dx33, pages), 5u * 4 + 7 * 2);
}

}  // namespace
}  // namespace alloclab
