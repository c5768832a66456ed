#include "clients/common/units.h"

#include <gtest/gtest.h>

namespace alloclab::client {
namespace {

using std::chrono::milliseconds;

TEST(Units, CountsMayCarryDecimalSuffixes) {
  EXPECT_EQ(*ParseCount("0"), 0u);
  EXPECT_EQ(*ParseCount("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(*ParseCount("500k"), 500'000u);
  EXPECT_EQ(*ParseCount("1.5M"), 1'500'000u);
  EXPECT_EQ(*ParseCount("4G"), 4'000'000'000u);
}

TEST(Units, CountsThatAreNoneAreNamed) {
  for (const char* text : {"", "k", "-1", "1.5", "1e3", "5x", "18446744073709551616", "1..5k", "0.0001k", " 1"}) {
    const auto count = ParseCount(text);
    ASSERT_FALSE(count.ok()) << text;
    EXPECT_NE(std::string(count.status().message()).find("'" + std::string(text) + "' is not a count; expected"),
              std::string::npos);
  }
}

TEST(Units, AddressesAreHexadecimal) {
  EXPECT_EQ(*ParseAddress("0xC0400000"), 0xC0400000u);
  EXPECT_EQ(*ParseAddress("c0400000"), 0xC0400000u);
  EXPECT_EQ(*ParseAddress("0"), 0u);
  for (const char* text : {"", "0x", "0x100000000", "0xG", "-1", "0x0x1", "0xFFFFFFFFFFFFFFFFF"})
    EXPECT_FALSE(ParseAddress(text).ok()) << text;
}

TEST(Units, DurationsHaveUnits) {
  EXPECT_EQ(*ParseDuration("300ms"), milliseconds(300));
  EXPECT_EQ(*ParseDuration("10s"), milliseconds(10'000));
  EXPECT_EQ(*ParseDuration("1.5m"), milliseconds(90'000));
  EXPECT_EQ(*ParseDuration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(*ParseDuration("8784h"), milliseconds(8'784ll * 3'600'000));
  EXPECT_EQ(*ParseDuration("0"), milliseconds(0));
  for (const char* text : {"", "s", "10", "-1s", "1d", "8785h", "99999999999h", "inf", "1us", "0.0005s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_EQ(ParseDuration("10").status().message(),
            "'10' is not a duration; expected whole milliseconds with units, at most a year, e.g. 300ms, 10s, 1h30m");
}

TEST(Units, CountsAreWrittenWithSeparators) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1'000), "1,000");
  EXPECT_EQ(Count(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(Count(1, "chunk"), "1 chunk");
  EXPECT_EQ(Count(0, "chunk"), "0 chunks");
  EXPECT_EQ(Count(1'000, "chunk"), "1,000 chunks");
}

TEST(Units, BytesAreWrittenInTheLargestUnit) {
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(1023), "1023 B");
  EXPECT_EQ(Bytes(1024), "1 KiB");
  EXPECT_EQ(Bytes(1536), "1.5 KiB");
  EXPECT_EQ(Bytes(512ull << 20), "512 MiB");
  EXPECT_EQ(Bytes(4ull << 30), "4 GiB");
}

TEST(Units, TimesAreInUtc) { EXPECT_EQ(Time(1'700'000'000), "2023-11-14 22:13:20 UTC"); }

TEST(Units, TimesAndRatesHaveThreeDigits) {
  EXPECT_EQ(Duration(absl::ZeroDuration()), "0");
  EXPECT_EQ(Duration(absl::Nanoseconds(1.25)), "1.25ns");
  EXPECT_EQ(Duration(absl::Nanoseconds(68.21)), "68ns");
  EXPECT_EQ(Duration(absl::Nanoseconds(999)), "999ns");
  EXPECT_EQ(Duration(absl::Nanoseconds(1'234)), "1.23us");
  EXPECT_EQ(Duration(absl::Nanoseconds(1'235)), "1.24us");
  EXPECT_EQ(Duration(absl::Nanoseconds(921'499'999)), "921ms");
  EXPECT_EQ(Duration(absl::Nanoseconds(999'600'000)), "1s");
  EXPECT_EQ(Duration(absl::Milliseconds(1'250)), "1.25s");
  EXPECT_EQ(Duration(absl::Seconds(123)), "2m3s");
  EXPECT_EQ(Rate(12'345'678), "12.3 M");
  EXPECT_EQ(Percent(0.125), "12.5 %");
}

}  // namespace
}  // namespace alloclab::client
