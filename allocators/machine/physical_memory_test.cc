#include "allocators/machine/physical_memory.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Each;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr std::uint64_t kMiB = 1 << 20;

TEST(PhysicalMemory, RefusesSizesItCannotHave) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{12288}, kMiB + 1, (std::uint64_t{1} << 32) + 4096, ~std::uint64_t{0}}) {
    const absl::Status status = PhysicalMemory::ValidateSize(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(bytes)));
  }
  EXPECT_TRUE(PhysicalMemory::ValidateSize(PhysicalMemory::kBytesMin).ok());
  EXPECT_TRUE(PhysicalMemory::ValidateSize(PhysicalMemory::kBytesMax).ok());
}

TEST(PhysicalMemory, IsZeroAtFirst) {
  const PhysicalMemory memory(kMiB);
  EXPECT_THAT(memory.LoadU32(PhysAddr(0)), Optional(0));
  EXPECT_THAT(memory.LoadU32(PhysAddr(kMiB - 4)), Optional(0));
}

TEST(PhysicalMemory, RefusesEveryByteOutside) {
  PhysicalMemory memory(kMiB);
  std::vector<std::uint8_t> two(2, 7);
  EXPECT_EQ(memory.LoadU32(PhysAddr(kMiB)), std::nullopt);
  EXPECT_EQ(memory.LoadU32(PhysAddr(kMiB - 3)), std::nullopt);
  EXPECT_EQ(memory.LoadU32(PhysAddr(0xFFFFFFFF)), std::nullopt);
  EXPECT_FALSE(memory.StoreU32(PhysAddr(kMiB - 2), 1));
  EXPECT_FALSE(memory.Write(PhysAddr(kMiB - 1), two));
  EXPECT_FALSE(memory.FillFrames(PageFrame{255}, 2, 1));
  EXPECT_FALSE(memory.FillFrames(PageFrame{1u << 20}, 1, 1));
  EXPECT_EQ(memory.WordsToRead(PageFrame{256}), nullptr);
  EXPECT_EQ(memory.WordsToWrite(PageFrame{256}, 0, kPageBytes), nullptr);
  EXPECT_FALSE(memory.Pin(PageFrame{256}));
  EXPECT_FALSE(memory.Unpin(PageFrame{256}));
  EXPECT_THAT(memory.LoadU32(PhysAddr(kMiB - 4)), Optional(0)) << "a refused access changes nothing";
}

TEST(PhysicalMemory, TheTopOfFourGiBIsUsable) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  EXPECT_TRUE(memory.StoreU32(PhysAddr(0xFFFFFFFC), 42));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0xFFFFFFFC)), Optional(42));
  EXPECT_EQ(memory.LoadU32(PhysAddr(0xFFFFFFFD)), std::nullopt);
}

TEST(PhysicalMemory, AnUntouchedMachineCostsNearlyNothing) {
  PhysicalMemory memory(PhysicalMemory::kBytesMax);
  ASSERT_TRUE(memory.FillFrames(PageFrame{1}, memory.frame_count() - 1, 0x01));
  ASSERT_TRUE(memory.StoreU32(PhysAddr(4096), 0));  // a run's header
  ASSERT_TRUE(memory.StoreU32(PhysAddr(4100), 0xFFFFF000));
  EXPECT_THAT(memory.LoadU32(PhysAddr(0x80000000)), Optional(0x01010101u));
  EXPECT_LT(memory.host_bytes(), 32u << 10);
}

TEST(PhysicalMemory, FillGivesHostMemoryBack) {
  PhysicalMemory memory(64 * kMiB);
  const std::uint64_t empty = memory.host_bytes();
  for (std::uint32_t frame = 0; frame < memory.frame_count(); ++frame) {
    ASSERT_TRUE(memory.StoreU32(PageFrame{frame}.base() + 2048, frame));
  }
  EXPECT_GT(memory.host_bytes(), 64 * kMiB);
  ASSERT_TRUE(memory.FillFrames(PageFrame{0}, memory.frame_count(), 0x01));
  EXPECT_LT(memory.host_bytes(), empty + 1024) << "a few bytes for each 2 MiB that were in use may stay";
}

TEST(PhysicalMemory, PinnedFramesKeepTheirPlace) {
  PhysicalMemory memory(4 * kMiB);
  ASSERT_TRUE(memory.Pin(PageFrame{700}));
  auto* words = memory.WordsToWrite(PageFrame{700}, 0, kPageBytes);
  ASSERT_NE(words, nullptr);
  (*words)[5] = 99;
  ASSERT_TRUE(memory.FillFrames(PageFrame{512}, 512, 0x01));
  EXPECT_EQ(memory.WordsToRead(PageFrame{700}), words);
  EXPECT_THAT(*words, Each(Eq(0x01010101u)));
  EXPECT_TRUE(memory.AnyPinned(PageFrame{0}, 1024));
  EXPECT_TRUE(memory.AnyPinned(PageFrame{700}, 1));
  EXPECT_FALSE(memory.AnyPinned(PageFrame{0}, 700));
  EXPECT_FALSE(memory.AnyPinned(PageFrame{701}, 0xFFFFFFFF));
}

TEST(PhysicalMemory, WordsStayInPlaceAfterTheLastPin) {
  PhysicalMemory memory(4 * kMiB);
  ASSERT_TRUE(memory.Pin(PageFrame{700}));
  const auto* words = memory.WordsToRead(PageFrame{700});
  ASSERT_TRUE(memory.Unpin(PageFrame{700}));
  EXPECT_FALSE(memory.AnyPinned(PageFrame{0}, 1024));
  ASSERT_TRUE(memory.FillFrames(PageFrame{512}, 512, 0x01));
  ASSERT_TRUE(memory.FillFrames(PageFrame{700}, 1, 0x02));
  EXPECT_THAT(*words, Each(Eq(0x02020202u)));
  EXPECT_EQ(memory.WordsToRead(PageFrame{700}), words);
}

TEST(PhysicalMemory, APinCostsNoFrame) {
  PhysicalMemory memory(4 * kMiB);
  ASSERT_TRUE(memory.Pin(PageFrame{3}));
  EXPECT_TRUE(memory.AnyPinned(PageFrame{3}, 1));
  EXPECT_LT(memory.host_bytes(), 8u << 10);
}

// Lazy memory against plain bytes, under random stores, fills and pins.
TEST(PhysicalMemory, ReadsAsEagerMemoryWould) {
  constexpr std::uint32_t kSeed = 20260101, kBytes = 5 * kMiB;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 engine(kSeed);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  PhysicalMemory memory(kBytes);
  std::vector<std::uint8_t> eager(kBytes, 0);
  const auto expect_same = [&](std::uint32_t first, std::uint32_t bytes) {
    std::vector<std::uint8_t> seen(bytes);
    ASSERT_TRUE(memory.Read(PhysAddr(first), seen));
    ASSERT_TRUE(std::equal(seen.begin(), seen.end(), eager.begin() + first)) << "at " << first;
  };
  for (int step = 0; step < 20000; ++step) {
    switch (random() % 4) {
      case 0: {
        const std::uint32_t first = random() % (kBytes / 4096), count = random() % (random() % 8 == 0 ? 1100 : 4);
        if (first + count > kBytes / 4096) break;
        const auto value = static_cast<std::uint8_t>(random());
        ASSERT_TRUE(memory.FillFrames(PageFrame{first}, count, value));
        std::fill_n(eager.begin() + first * 4096, count * 4096, value);
        break;
      }
      case 1: {
        const std::uint32_t address =
            random() % 2 ? random() % (kBytes - 3) : random() % (kBytes / 4096) * 4096 + random() % 3 * 4;
        const std::uint32_t value = random();
        ASSERT_TRUE(memory.StoreU32(PhysAddr(address), value));
        for (std::uint32_t i = 0; i < 4; ++i) eager[address + i] = static_cast<std::uint8_t>(value >> (8 * i));
        ASSERT_THAT(memory.LoadU32(PhysAddr(address)), Optional(value));
        break;
      }
      case 2:
        if (random() % 50 == 0) {
          ASSERT_NE(memory.WordsToRead(PageFrame{random() % (kBytes / 4096)}), nullptr);
        }
        break;
      default: {
        const std::uint32_t first = random() % kBytes, bytes = random() % 9000;
        if (first + bytes <= kBytes) expect_same(first, bytes);
      }
    }
  }
  expect_same(0, kBytes);
}

}  // namespace
}  // namespace alloclab
