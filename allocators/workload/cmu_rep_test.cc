#include "allocators/workload/cmu_rep.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/workload/driver.h"
#include "allocators/workload/trace_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(CmuRepTest, ReadsTheThreeDialects) {
  const std::string operations = "a 0 512\na 1 128\nr 0 640\nf 1\nf 0\n";
  const std::vector<Operation> expected = {Malloc(0, 512), Malloc(1, 128), Realloc(0, 0, 640), Free(1), Free(0)};
  for (const auto& [header, format] : {std::pair{"20000\n2\n5\n1\n", "cmu-rep-a"}, std::pair{"1\n2\n5\n0\n", "cmu-rep-b"},
                                       std::pair{"3\n2\n5\n1\n", "cmu-rep-b"}, std::pair{"0\n2\n5\n768\n", "cmu-rep-c"}}) {
    const Trace trace = Read(header + operations);
    EXPECT_EQ(trace.operations, expected);
    EXPECT_EQ(trace.format, format);
    EXPECT_EQ(trace.heap_handles, 2u);
    EXPECT_EQ(trace.page_handles, 0u);
    EXPECT_THAT(trace.notes, IsEmpty());
  }
}

TEST(CmuRepTest, TakesAnyWhiteSpace) {
  const Trace trace = Read("\r\n1\r\n 1 2\t0\r\n\r\n  a\r\n0   7\r\n\r\nf 0");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 7), Free(0)));
}

TEST(CmuRepTest, WhiteSpaceMayBeLongerThanTheReadersWindow) {
  const std::string text = "1 1 2 0" + std::string(700'000, '\n') + "a" + std::string(300'000, ' ') + "0 7 f 0";
  EXPECT_THAT(Read(text).operations, ElementsAre(Malloc(0, 7), Free(0)));
  EXPECT_THAT(Read(Gzip(text)).operations, ElementsAre(Malloc(0, 7), Free(0)));
}

TEST(CmuRepTest, TheFirstReallocOfAnIdAllocates) {
  EXPECT_THAT(Read("1 1 3 0 r 0 8 r 0 16 f 0").operations, ElementsAre(Realloc(0, kNoBlock, 8), Realloc(0, 0, 16), Free(0)));
}

TEST(CmuRepTest, FreesOfNullAreDroppedInDialectBOnly) {
  const Trace trace = Read("1\n1\n4\n0\nf -1\na 0 8\nf -1\nf 0\n");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Free(0)));
  EXPECT_THAT(trace.notes, ElementsAre("line 5: a free of null is dropped (2 times)"));
  EXPECT_EQ(Error("99\n1\n1\n1\nf -1\n"), "t:5: \"-1\"; expected a block id below 1, the header's number of ids");
}

TEST(CmuRepTest, IdsMayBeUsedAgainAfterAFree) {
  const Trace trace = Read("9 1 5 1 a 0 8 f 0 a 0 16 f 0 r 0 3");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Free(0), Malloc(0, 16), Free(0), Realloc(0, kNoBlock, 3)));
  EXPECT_THAT(trace.notes, ElementsAre("line 1: an id is used again after a free (2 times)"));
}

TEST(CmuRepTest, HandlesAreAsFewAsBlocksThatLiveTogether) {
  const Trace trace = Read("1 4 7 0 a 0 1 a 1 2 f 0 a 2 3 f 2 f 1 a 3 4");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 1), Malloc(1, 2), Free(0), Malloc(0, 3), Free(0), Free(1), Malloc(1, 4)));
  EXPECT_EQ(trace.heap_handles, 2u);
}

TEST(CmuRepTest, WhatFollowsTheLastOperation) {
  EXPECT_THAT(Read("1\n1\n1\n0\na 0 8\nf 0\n").notes,
              ElementsAre("line 6: what follows the header's number of operations is not read"));
  EXPECT_EQ(Error("999\n1\n1\n1\na 0 8\nf 0\n"), "t:6: \"f\"; expected the end, after the header's 1 operations");
  EXPECT_EQ(Error("1\n1\n1\n8\na 0 8\nf 0\n"), "t:6: \"f\"; expected the end, after the header's 1 operations");
}

TEST(CmuRepTest, AnEmptyTraceIsOne) { EXPECT_THAT(Read("1\n0\n0\n0\n").operations, IsEmpty()); }

TEST(CmuRepTest, ErrorsSayWhereAndWhatWasExpected) {
  EXPECT_EQ(Error("1\nx\n"), "t:2: \"x\"; expected integer 2 of the header, the number of ids");
  EXPECT_EQ(Error("1\n2\n-5\n"), "t:3: \"-5\"; expected integer 3 of the header, the number of operations");
  EXPECT_EQ(Error("1\n2\n3\n"),
            "t:4: the file ends here; expected integer 4 of the header, the weight, ignore_ranges or peak bytes");
  EXPECT_EQ(Error("-1\n"), "t:1: \"-1\"; expected integer 1 of the header, the heap size or weight");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0 8\nq 0\n"), "t:6: \"q\"; expected an operation: a ID BYTES, r ID BYTES or f ID");
  EXPECT_EQ(Error("1\n1\n2\n0\na 1 8\n"), "t:5: \"1\"; expected a block id below 1, the header's number of ids");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0x0 8\n"), "t:5: \"0x0\"; expected a block id below 1, the header's number of ids");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0 -8\n"), "t:5: \"-8\"; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0\nf 0\n"), "t:5: the line ends here; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\nr 0\nf 0\n"), "t:5: the line ends here; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\na\nf 0\n"), "t:5: the line ends here; expected a block id below 1, the header's number of ids");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0 8\nalloc 0 8\n"), "t:6: \"alloc\"; expected an operation: a ID BYTES, r ID BYTES or f ID");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0"), "t:5: the file ends here; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\nf 0\n"), "t:5: frees block 0, which is not live; expected an allocation of it before");
  EXPECT_EQ(Error("1\n1\n3\n0\na 0 8\nf 0\nf 0"), "t:7: frees block 0, which is not live; expected an allocation of it before");
  EXPECT_EQ(Error("1\n1\n20\n0\na 0 8\nf 0\n"), "t:7: the file ends after 2 operations; expected 20");
  EXPECT_EQ(Error("1\n5\n1\n0\na 2 8\n"), "t: the largest id is 2; expected 4, as the header says 5 ids");
  EXPECT_EQ(Error("1\n5\n0\n0\n"), "t: the largest id is missing; expected 4, as the header says 5 ids");
  EXPECT_EQ(Error("1 1 1 0 \t\n q~\"\\"), "t:2: \"q~\\\"\\\\\"; expected an operation: a ID BYTES, r ID BYTES or f ID");
}

TEST(CmuRepTest, ManyOperationsCrossTheReadersWindow) {
  std::string text = "1\n100000\n300000\n0\n";
  for (int i = 0; i < 100'000; ++i) text += "a " + std::to_string(i) + " " + std::to_string(i % 977) + "\n";
  for (int i = 0; i < 100'000; ++i) text += "r " + std::to_string(i) + " 12345678\n" + "f " + std::to_string(i) + "\n";
  const Trace plain = Read(text), compressed = Read(Gzip(text));
  EXPECT_EQ(plain.operations.size(), 300'000u);
  EXPECT_TRUE(plain.operations == compressed.operations);
  EXPECT_EQ(plain.operations[99'999], Malloc(99'999, 99'999 % 977));
}

TEST(CmuRepTest, LimitsAreHeld) {
  const std::string text = "1\n1\n4\n0\na 0 8\nf 0\na 0 9\nf 0\n";
  const auto trace = ReadTrace(text, "t", {.operations_max = 3});
  EXPECT_EQ(trace.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(trace.status().message(), "t:8: more than 3 operations, the limit");
  EXPECT_EQ(ReadTrace(text, "t", {.operations_max = 4})->operations.size(), 4u);
}

TEST(CmuRepTest, AFalseHeaderIsAnErrorOfTheFileHoweverLarge) {
  for (const std::string count : {"40000000", "99999999999999999999"}) {
    const auto trace = ReadTrace("1\n4000000000\n" + count + "\n0\na 3999999999 8\n", "t");
    EXPECT_EQ(trace.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(trace.status().message()), StartsWith("t:6: the file ends after 1 operations; expected "));
  }
}

// --- what real files have beyond the format

TEST(CmuRepWildTest, AnAllocationWithoutASizeGetsTheSizeBeforeIt) {
  const Trace trace = Read("20000\n4\n5\n1\na 0 16\na 1\nr 0 24\na 2\na 3\n");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 16), Malloc(1, 16), Realloc(0, 0, 24), Malloc(2, 24), Malloc(3, 24)));
  EXPECT_THAT(trace.notes, ElementsAre("line 6: an allocation without a size gets the size before it (3 times)"));
  EXPECT_EQ(Error("20000\n4\n4\n1\na 0\na 1 16\n"), "t:5: the line ends here; expected a number of bytes");
  EXPECT_EQ(Error("1 2 3 0 a 0 16 a 1 f 0"), "t:1: \"f\"; expected a number of bytes");
}

TEST(CmuRepWildTest, ManyOfOneKindAreOneNote) {
  std::string text = "1\n30000\n30000\n0\na 0 16\n";
  for (int id = 1; id < 30'000; ++id) text += "a " + std::to_string(id) + "\n";
  EXPECT_THAT(Read(text).notes, ElementsAre("line 6: an allocation without a size gets the size before it (29999 times)"));
}

TEST(CmuRepWildTest, AFileMayHaveNoHeader) {
  for (const std::string start : {"", "\n\n"}) {
    const Trace trace = Read(start + "a 0 512\na 70000 128\nr 0 640\nf 70000\nf -1\nf 0\n\n\n");
    EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 512), Malloc(1, 128), Realloc(0, 0, 640), Free(1), Free(0)));
    EXPECT_EQ(trace.format, "cmu-rep");
    const std::size_t first = 1 + start.size();
    EXPECT_THAT(trace.notes,
                ElementsAre("line " + std::to_string(first) + ": no header; ids and operations are as many as the file has",
                            "line " + std::to_string(first + 4) + ": a free of null is dropped"));
  }
  EXPECT_EQ(Error("a 0 8\nf 1\n"), "t:2: frees block 1, which is not live; expected an allocation of it before");
  EXPECT_EQ(Error("a 0 8\na x 8\n"), "t:2: \"x\"; expected a block id");
  EXPECT_EQ(Error("a 0 8\na 99999999999999999999 8\n"), "t:2: \"99999999999999999999\"; expected a block id");
  EXPECT_EQ(Error("a 0 8\na 1 8\nf 0\n", {.operations_max = 2}), "t:3: more than 2 operations, the limit");
}

TEST(CmuRepWildTest, AHeaderMayHaveTwoLines) {
  const Trace trace = Read("2\n4\na 0 8\na 1 9\nf 1\nf 0\n");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Malloc(1, 9), Free(1), Free(0)));
  EXPECT_EQ(trace.format, "cmu-rep");
  EXPECT_THAT(trace.notes, ElementsAre("line 3: the header before it is of two lines, ids and operations"));
  EXPECT_EQ(Error("2\n3\na 0 8\na 1 9\nf 1\nf 0\n"), "t:6: \"f\"; expected the end, after the header's 3 operations");
  EXPECT_EQ(Error("2\n5\na 0 8\na 1 9\nf 1\nf 0\n"), "t:7: the file ends after 4 operations; expected 5");
  EXPECT_EQ(Error("3\n4\na 0 8\na 1 9\nf 1\nf 0\n"), "t: the largest id is 1; expected 2, as the header says 3 ids");
}

TEST(CmuRepWildTest, AByteOrderMarkIsSkipped) {
  for (const std::string& file : {std::string("\xEF\xBB\xBF"
                                              "1\n1\n1\n0\na 0 8\n"),
                                  Gzip("\xEF\xBB\xBF"
                                       "1\n1\n1\n0\na 0 8\n")}) {
    const Trace trace = Read(file);
    EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8)));
    EXPECT_THAT(trace.notes, ElementsAre("line 1: a byte-order mark is skipped"));
  }
  EXPECT_THAT(Read("\xEF\xBB\xBF"
                   "a 0 8\n")
                  .operations,
              ElementsAre(Malloc(0, 8)));
}

TEST(CmuRepWildTest, AnIdMayBeAllocatedWhileItIsLive) {
  const Trace trace = Read("1\n2\n5\n0\na 0 8\na 0 16\na 1 24\nf 0\na 1 4\n");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Malloc(1, 16), Malloc(2, 24), Free(1), Malloc(1, 4)));
  EXPECT_EQ(trace.heap_handles, 3u);
  EXPECT_THAT(trace.notes, ElementsAre("line 6: an id is allocated again while it is live; the old block leaks (2 times)"));
}

TEST(CmuRepWildTest, SizesThat32BitsCannotHold) {
  const Trace trace = Read("1\n3\n4\n0\na 0 4294967295\na 1 4294967296\nr 0 4294983680\na 2 99999999999999999999\n");
  constexpr std::uint32_t kMax = 0xFFFFFFFF;
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, kMax), Malloc(1, kMax), Realloc(0, 0, kMax), Malloc(2, kMax)));
  EXPECT_THAT(trace.notes, ElementsAre("line 6: a size that 32 bits cannot hold becomes 4294967295, which a guarded heap "
                                       "refuses as size_overflow (3 times)"));
  const auto instance = Instance::Create({});
  Driver driver(**instance);
  ASSERT_TRUE(driver.Admit(trace.operations).ok());
  std::vector<OpResult> results(trace.operations.size());
  driver.Apply(trace.operations, results);
  for (const OpResult& result : results) EXPECT_EQ(result, (OpResult{Outcome::kSizeOverflow, 0}));
}

class OddByteTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Headers, OddByteTest, ::testing::Values("1\n2\n3\n0\na 0 8\na 1 9\nf 0\n", "a 0 8\na 1 9\nf 0\n"));

TEST_P(OddByteTest, IsNamedWhereverItIs) {
  const std::string good = GetParam();
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char odd : {'\x80', '\0', '\x1b'}) {
      std::string text = good;
      text.insert(at, 1, odd);
      const std::string byte = odd == '\x80' ? "0x80" : odd == '\0' ? "0x00" : "0x1B";
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      EXPECT_THAT(Error(text),
                  AllOf(StartsWith("t:" + std::to_string(line) + ": \""),
                        HasSubstr("\" with " + byte + ", which is no text, at byte " + std::to_string(at) + "; ")));
    }
  }
}

}  // namespace
}  // namespace alloclab
