#include "allocators/workload/trace.h"

#include <string>
#include <string_view>
#include <vector>

#include "allocators/workload/trace_testing.h"
#include "allocators/workload/workload_spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Operation Malloc(std::uint32_t block, std::uint32_t size) { return {OpKind::kMalloc, block, size, 0}; }
Operation Calloc(std::uint32_t block, std::uint32_t count, std::uint32_t size) { return {OpKind::kCalloc, block, size, count}; }
Operation Realloc(std::uint32_t block, std::uint32_t old, std::uint32_t size) { return {OpKind::kRealloc, block, size, old}; }
Operation Free(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

Trace Read(std::string_view bytes) {
  auto trace = ReadTrace(bytes, "t");
  EXPECT_TRUE(trace.ok()) << trace.status();
  return trace.ok() ? *std::move(trace) : Trace{};
}

std::string Error(std::string_view bytes, const TraceLimits& limits = {}) {
  const auto trace = ReadTrace(bytes, "t", limits);
  return trace.ok() ? "no error" : std::string(trace.status().message());
}

std::string EmptyMessage(std::uint32_t op) { return Field(1, Field(op, "")); }

// --- CMU .rep

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

TEST(CmuRepTest, TakesAnyWhiteSpaceAndOnlyTheFirstLetter) {
  const Trace trace = Read("\r\n1\r\n 1 2\t0\r\n\r\n  alloc\r\n0   7\r\n\r\nfree 0");
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
  EXPECT_THAT(trace.notes, ElementsAre("2 frees of null were dropped."));
  EXPECT_EQ(Error("99\n1\n1\n1\nf -1\n"), "t:5: \"-1\"; expected a block id below 1, the header's number of ids");
}

TEST(CmuRepTest, IdsMayBeUsedAgainAfterAFree) {
  const Trace trace = Read("9 1 5 1 a 0 8 f 0 a 0 16 f 0 r 0 3");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Free(0), Malloc(0, 16), Free(0), Realloc(0, kNoBlock, 3)));
  EXPECT_THAT(trace.notes, ElementsAre("Ids were used again after a free, 2 times."));
}

TEST(CmuRepTest, HandlesAreAsFewAsBlocksThatLiveTogether) {
  const Trace trace = Read("1 4 7 0 a 0 1 a 1 2 f 0 a 2 3 f 2 f 1 a 3 4");
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 1), Malloc(1, 2), Free(0), Malloc(0, 3), Free(0), Free(1), Malloc(1, 4)));
  EXPECT_EQ(trace.heap_handles, 2u);
}

TEST(CmuRepTest, WhatFollowsTheLastOperation) {
  EXPECT_THAT(Read("1\n1\n1\n0\na 0 8\nf 0\n").notes, ElementsAre("What follows the header's 1 operations is not read."));
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
  EXPECT_EQ(Error("1\n1\n2\n0\na 0\nf 0\n"), "t:6: \"f\"; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0"), "t:5: the file ends here; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n1\n0\na 0 4294967296\n"),
            "t:5: \"4294967296\"; expected at most 4294967295 bytes, what a 32-bit machine can address");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0 99999999999999999999\n"), "t:5: \"99999999999999999999\"; expected a number of bytes");
  EXPECT_EQ(Error("1\n1\n2\n0\na 0 8\na 0 8\n"), "t:6: allocates block 0, which is live already");
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
  const auto trace = ReadTrace("1\n1\n11\n0\n", "t", {.operations_max = 10});
  EXPECT_EQ(trace.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(trace.status().message(), "t: 11 operations are too many; expected at most 10");
  EXPECT_EQ(Error("1\n4000000000\n40000000\n0\na 3999999999 8\n"), "t:6: the file ends after 1 operations; expected 40000000");
}

// --- malloc-bench

TEST(MallocBenchTest, ReadsEveryOperation) {
  const std::string bytes = Line(1, {{1, 5}, {2, 100}}) + Line(4, {{1, 6}, {2, 3}, {3, 20}}) +
                            Line(3, {{1, 7}, {2, 5}, {3, 200}}) + Line(3, {{1, 5}, {3, 50}}) + Line(2, {{1, 7}, {2, 200}}) +
                            Line(2, {{1, 6}}) + Line(2, {{1, 5}}) + Varint(2 << 3) + Varint(3);
  for (const std::string& file : {bytes, Gzip(bytes)}) {
    const Trace trace = Read(file);
    EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 100), Calloc(1, 3, 20), Realloc(0, 0, 200), Realloc(2, kNoBlock, 50),
                                              Free(0), Free(1), Free(2)));
    EXPECT_EQ(trace.format, "malloc-bench");
    EXPECT_EQ(trace.heap_handles, 3u);
    EXPECT_THAT(trace.notes, IsEmpty());
  }
}

TEST(MallocBenchTest, WhatIsDroppedIsNoted) {
  const Trace trace = Read(EmptyMessage(2) + Line(1, {{2, 8}}) + Line(4, {{2, 8}, {3, 8}}) + Line(3, {{3, 8}}) +
                           Line(1, {{1, 1}, {2, 8}, {3, 64}}) + Line(3, {{2, 1}, {3, 9}}) + Line(3, {{2, 1}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Free(0)));
  EXPECT_THAT(trace.notes,
              ElementsAre("1 frees of null were dropped.", "4 allocations that failed when they were recorded were dropped.",
                          "1 reallocs to 0 bytes became frees.", "1 alignments were ignored."));
}

TEST(MallocBenchTest, AllocationsOfNothingAreKept) {
  const Trace trace = Read(EmptyMessage(1) + EmptyMessage(4) + EmptyMessage(3) + Line(1, {{1, 0}}) + Line(2, {{1, 0}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 0), Calloc(0, 0, 0), Realloc(0, kNoBlock, 0), Malloc(0, 0), Free(0)));
}

TEST(MallocBenchTest, AReallocMayKeepItsIdAndIdsAreUsedAgain) {
  const Trace trace =
      Read(Line(1, {{1, 1}, {2, 8}}) + Line(3, {{1, 1}, {2, 1}, {3, 16}}) + Line(2, {{1, 1}}) + Line(1, {{1, 1}, {2, 4}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Realloc(0, 0, 16), Free(0), Malloc(0, 4)));
}

TEST(MallocBenchTest, LargeIdsTakeNoRoom) {
  const Trace trace = Read(Line(1, {{1, ~0ull}, {2, 8}}) + Line(1, {{1, 0}, {2, 4}}) + Line(2, {{1, ~0ull}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Malloc(1, 4), Free(0)));
}

TEST(MallocBenchTest, UnknownFieldsAreSkipped) {
  const std::string message = Varint(1 << 3) + Varint(0) + Varint(2 << 3) + Varint(8) + Varint(9 << 3 | 1) + "12345678" +
                              Varint(9 << 3 | 5) + "1234" + Field(8, "text") + Varint(7 << 3) + Varint(300);
  const Trace trace = Read(Field(1, Varint(9 << 3) + Varint(1) + Field(1, message)) + Field(3, "other") + Line(2, {{1, 0}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, 8), Free(0)));
}

TEST(MallocBenchTest, ErrorsSayWhereAndWhatWasExpected) {
  const std::string good = Line(1, {{1, 1}, {2, 8}});  // 8 bytes
  EXPECT_EQ(Error(good + Line(2, {{1, 2}})),
            "t: byte 8: frees block 2, which is not live; expected an allocation of it before");
  EXPECT_EQ(Error(good + Line(3, {{1, 3}, {2, 2}, {3, 8}})),
            "t: byte 8: reallocates block 2, which is not live; expected an allocation of it before");
  EXPECT_EQ(Error(good + good), "t: byte 8: allocates block 1, which is live already");
  EXPECT_EQ(Error(good + Line(1, {{1, 2}, {2, 8}}) + Line(3, {{1, 1}, {2, 2}, {3, 8}})),
            "t: byte 16: allocates block 1, which is live already");
  EXPECT_EQ(Error(good + good.substr(0, 5)), "t: byte 8: the file ends inside a trace line");
  EXPECT_EQ(Error(good + Field(1, "")), "t: byte 8: an empty trace line; expected one of Malloc, Free, Realloc, Calloc");
  EXPECT_EQ(Error(good + Field(1, Varint(1 << 3 | 2) + Varint(50))),
            "t: byte 8: a damaged trace line; expected one of Malloc, Free, Realloc, Calloc");
  EXPECT_EQ(Error(good + "\x0f"), "t: byte 8: expected a trace line (field 1) or another field of a Tracefile message");
  EXPECT_EQ(Error(good + std::string(20, '\xff')),
            "t: byte 8: expected a trace line (field 1) or another field of a Tracefile message");
  EXPECT_EQ(Error(good + Field(1, std::string(2000, 'x'))), "t: byte 8: a trace line of 2000 bytes; expected at most 1004");
  EXPECT_EQ(Error(Line(1, {{1, 1}, {2, 1ull << 32}})),
            "t: byte 0: a size of more than 32 bits; expected at most 4294967295, what the simulated machine can address");
  EXPECT_EQ(Error(good + good + good, {.operations_max = 1}), "t: too many operations; expected at most 1");
}

// --- both

TEST(TraceTest, OtherFilesAreNotTraces) {
  EXPECT_EQ(Error(""), "t: the file is empty");
  EXPECT_EQ(Error(Gzip("")), "t: the file is empty");
  EXPECT_EQ(Error("\x7f!"), "t: begins with \"\\x7f!\"; expected a CMU .rep text or a malloc-bench Tracefile, plain or gzip");
  EXPECT_EQ(Error("hello"), "t: begins with \"hello\"; expected a CMU .rep text or a malloc-bench Tracefile, plain or gzip");
}

TEST(TraceTest, DamagedGzipIsSaid) {
  const std::string plain = "1\n1\n2\n0\na 0 8\nf 0\n", file = Gzip(plain);
  for (std::size_t size = 2; size < file.size(); ++size) {
    EXPECT_THAT(Error(file.substr(0, size)), HasSubstr("the gzip data ends too soon, the file was cut off")) << size;
  }
  std::string damaged = file;
  damaged[file.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(Error(damaged), "t: byte " + std::to_string(file.size() - 4) + " of " + std::to_string(file.size()) +
                                ": the gzip data is damaged (incorrect data check)");
  EXPECT_THAT(Error(file + "x"), HasSubstr("something that is not gzip follows its end"));
  EXPECT_EQ(Read(Gzip(plain.substr(0, 9)) + Gzip(plain.substr(9))).operations.size(), 2u);  // members follow each other
}

TEST(TraceTest, AnInflateBombIsStopped) {
  const std::string bomb = Gzip("1\n1\n2\n0\n" + std::string(1 << 20, ' '));
  const auto trace = ReadTrace(bomb, "t", {.inflated_bytes_max = 1 << 19});
  EXPECT_EQ(trace.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(trace.status().message(), "t: inflates to more than 524288 bytes, the limit");
}

TEST(TraceTest, TheSameOperationsAreTheSameTraceInEveryFormat) {
  const Trace rep = Read("1\n3\n6\n0\na 0 10\na 1 20\nr 0 30\nf 1\na 2 5\nf 0\n");
  const Trace bench = Read(Gzip(Line(1, {{1, 0}, {2, 10}}) + Line(1, {{1, 1}, {2, 20}}) + Line(3, {{1, 9}, {2, 0}, {3, 30}}) +
                                Line(2, {{1, 1}}) + Line(1, {{1, 0}, {2, 5}}) + Line(2, {{1, 9}})));
  EXPECT_EQ(rep.operations, bench.operations);
  EXPECT_EQ(TraceDigest(rep.operations), TraceDigest(bench.operations));
}

TEST(TraceTest, TheDigestIsWhatItsDescriptionSays) {
  // 01 02000000 03000000 04000000, hashed by another program.
  EXPECT_EQ(TraceDigest({{OpKind::kCalloc, 2, 3, 4}}), "65b0bbad7554ccf09a8f069e6bb970626bb6e1a50ca9aaa3b98321da4072be77");
  EXPECT_EQ(TraceDigest({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(TraceTest, WritesWhatItReads) {
  const Trace trace = MakeBuiltin("sqlite", 0, 0).value();
  const std::string text = WriteCmuRep(trace).value();
  const Trace again = Read(text);
  EXPECT_EQ(again.format, "cmu-rep-b");
  EXPECT_TRUE(again.operations == trace.operations);
}

TEST(TraceTest, WritesEveryAllocationUnderAnIdOfItsOwn) {
  const Trace trace = Read("1 1 4 0 a 0 8 f 0 a 0 9 r 0 10");
  EXPECT_EQ(WriteCmuRep(trace).value(), "1\n2\n4\n0\na 0 8\nf 0\na 1 9\nr 1 10\n");
  EXPECT_EQ(WriteCmuRep({{Malloc(0, 0), Malloc(0, 3), Free(kNoBlock)}, 1, 0, "", {}}).value(),
            "1\n2\n3\n0\na 0 0\na 1 3\nf -1\n");
}

TEST(TraceTest, RefusesToWriteWhatTheFormatCannotSay) {
  const auto refusal = [](const std::vector<Operation>& operations) {
    const auto text = WriteCmuRep({operations, 2, 1, "", {}});
    return text.ok() ? "no error" : std::string(text.status().message());
  };
  EXPECT_EQ(refusal({Calloc(0, 1, 8)}), "operation 1 is a calloc operation, which a .rep text cannot say");
  EXPECT_EQ(refusal({Malloc(0, 8), {OpKind::kAllocatePages, 0, 4096, 0}}),
            "operation 2 is a allocate_pages operation, which a .rep text cannot say");
  EXPECT_EQ(refusal({Malloc(0, 8), Realloc(1, 0, 9)}),
            "operation 2 is a realloc into another handle, which a .rep text cannot say");
  EXPECT_EQ(refusal({Realloc(0, 0, 9)}), "operation 1 is a realloc of a block that is not live, which a .rep text cannot say");
  EXPECT_EQ(refusal({Free(0)}), "operation 1 is a free of a block that is not live, which a .rep text cannot say");
  EXPECT_EQ(refusal({Malloc(0, 8), Malloc(0, 8)}), "operation 2 is a malloc over a live block, which a .rep text cannot say");
  EXPECT_EQ(refusal({Malloc(2, 8)}), "operation 1 is a malloc of a handle beyond the trace's, which a .rep text cannot say");
}

}  // namespace
}  // namespace alloclab
