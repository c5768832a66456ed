#include "allocators/workload/trace.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/cmu_rep_writer.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/trace_testing.h"
#include "allocators/workload/workload_spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string EmptyMessage(std::uint32_t op) { return Field(1, Field(op, "")); }

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
  EXPECT_THAT(trace.notes, ElementsAre("byte 0: a free of null is dropped",
                                       "byte 4: an allocation that failed when it was recorded is dropped (4 times)",
                                       "byte 42: a realloc to 0 bytes becomes a free", "byte 24: an alignment is ignored"));
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

TEST(MallocBenchTest, SizesThat32BitsCannotHold) {
  const std::uint64_t large = 1ull << 32;
  constexpr std::uint32_t kMax = 0xFFFFFFFF;
  const Trace trace = Read(Line(1, {{1, 0}, {2, kMax}}) + Line(1, {{1, 1}, {2, large}}) +
                           Line(4, {{1, 2}, {2, large}, {3, 2}}) + Line(3, {{1, 1}, {2, 1}, {3, ~0ull}}));
  EXPECT_THAT(trace.operations, ElementsAre(Malloc(0, kMax), Malloc(1, kMax), Calloc(2, kMax, 2), Realloc(1, 1, kMax)));
  EXPECT_THAT(trace.notes, ElementsAre("byte 12: a size that 32 bits cannot hold becomes 4294967295, which a guarded heap "
                                       "refuses as size_overflow (3 times)"));
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
  EXPECT_EQ(Error(good + good + good, {.operations_max = 1}), "t: too many operations; expected at most 1");
}

// --- both

TEST(TraceTest, OtherFilesAreNotTraces) {
  const std::string expected = "; expected " + ReadableFormats();
  EXPECT_EQ(Error(""), "t: the file is empty");
  EXPECT_EQ(Error(Gzip("")), "t: the file is empty");
  EXPECT_EQ(Error("\x7f!"), "t: begins with \"\\x7f!\"" + expected);
  EXPECT_EQ(Error("hello"), "t: begins with \"hello\"" + expected);
  EXPECT_THAT(expected, HasSubstr("CMU .rep text, malloc-bench protobuf; plain, gzip, zstd or xz"));
  EXPECT_EQ(Error("free 0\n"), "t: begins with \"free 0\\n\"" + expected);
}

TEST(TraceTest, OtherKindsOfFileAreCalledByTheirName) {
  const std::string record = std::string(4, '\0') + '\xFF' + std::string(3, '\0') + "\x34\x12" + std::string(54, '\0');
  const std::string tar = std::string("a.rep") + std::string(252, '\0') + "ustar" + std::string(250, '\0');
  const std::vector<std::pair<std::string, std::string>> files = {
      {"BZh91AY&SY", "data compressed by bzip2"},
      {"\x04\x22\x4D\x18@", "data compressed by lz4"},
      {"PK\x03\x04", "a zip archive"},
      {"\x7F"
       "ELF\x02",
       "a program (ELF)"},
      {"\xFF\xFE"
       "1",
       "text in UTF-16"},
      {tar, "a tar archive"},
      {"<!DOCTYPE html>", "a web page"},
      {"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS, not the file it stands for"},
      {record, "a malloc trace of glibc"},
      {"PERFILE2h", "a recording of perf, which `perf script` makes a text of"},
      {"desc: --massif-out-file\n", "a profile of massif, which has no frees"},
      {"heap_v2/524288\n", "a heap profile of jemalloc, which has no frees and no order"},
      {"Attaching\n[10:00:00] Top 10 stacks with outstanding allocations:\n",
       "a report of bcc's memleak, which has no frees: `memleak -t` prints every call"},
  };
  for (const auto& [bytes, name] : files) {
    for (const std::string& file : {bytes, Gzip(bytes)}) {
      EXPECT_EQ(Error(file), "t: this is " + name + "; expected " + ReadableFormats());
    }
  }
}

TEST(TraceTest, ZerosAfterTheLastGzipMemberAreSkipped) {
  const std::string file = Gzip("1\n1\n2\n0\na 0 8\nf 0\n");
  const Trace trace = Read(file + std::string(512, '\0'));
  EXPECT_EQ(trace.operations.size(), 2u);
  EXPECT_THAT(trace.notes,
              ElementsAre("byte " + std::to_string(file.size()) + ": zeros after the gzip data are skipped (512 bytes)"));
  EXPECT_THAT(Error(file + std::string(512, '\0') + "x"), HasSubstr("something that is not gzip follows its end"));
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

TEST(TraceTest, ZstdAndXzAreReadAsGzipIs) {
  const auto bytes = [](std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
  };
  const std::string zstd = bytes("28b52ffd0458910000330a310a320a350a61203020380a6620300a604917f4");
  const std::string xz = bytes(
      "fd377a585a000004e6d6b4460200210116000000742fe5a3010011330a310a320a350a61203020380a6620300a000000fad326772cefb12600012a12"
      "4b0854bc1fb6f37d010000000004595a");
  for (const std::string& file : {zstd, xz}) {
    EXPECT_THAT(Read(file).operations, ElementsAre(Malloc(0, 8), Free(0)));
    EXPECT_EQ(Error(file + file), "t:7: \"3\"; expected the end, after the header's 2 operations") << "files follow each other";
    EXPECT_THAT(Error(file.substr(0, file.size() - 5)), HasSubstr("data ends too soon, the file was cut off"));
    EXPECT_THAT(Error(file + "x"),
                AnyOf(HasSubstr("something that is not xz follows its end"), HasSubstr("the zstd data is damaged")));
    std::string damaged = file;
    damaged[file.size() / 2] ^= 64;
    EXPECT_THAT(Error(damaged), HasSubstr(" data is damaged ("));
  }
  EXPECT_THAT(Error(bytes("fd377a585a000004e6d6b446020021011c00000010cf58cc010011330a310a320a350a61203020380a6620300a000000fad3"
                          "26772cefb12600012a124b0854bc1fb6f37d010000000004595a")),
              HasSubstr("the xz data needs 64 MiB to decompress; expected at most 18, as `xz -7` takes"));
  EXPECT_THAT(Error(bytes("28b52ffd0488910000330a310a320a350a612030")),
              HasSubstr("the zstd data needs a window of more than 8 MiB"));
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

// Many operations on ids that are far apart, or on few ids that lure an array into doubling.
TEST(TraceTest, HostMemoryIsAskedForBeforeItIsTaken) {
  std::string sparse, doubling;
  for (std::uint64_t i = 0; i < 50'000; ++i) absl::StrAppend(&sparse, "a ", i * 1'000'003, " 8\n");
  for (std::uint64_t id = 4000; id < 1ull << 40; id = 2 * id + 4000) absl::StrAppend(&doubling, "a ", id, " 8\n");
  for (const std::string& text : {sparse, Gzip(sparse), doubling}) {
    std::uint64_t most = 0;
    TraceLimits limits;
    limits.admit = [&](std::uint64_t bytes) {
      most = std::max(most, bytes);
      return absl::OkStatus();
    };
    const auto trace = ReadTrace(text, "x", limits);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_GE(most, trace->operations.capacity() * sizeof(Operation));
    EXPECT_LT(most, 1'000'000 + 200 * trace->operations.size()) << "ids cost in proportion to operations";
    limits.admit = [&](std::uint64_t bytes) {
      return bytes < most ? absl::OkStatus() : absl::ResourceExhaustedError("too much");
    };
    EXPECT_EQ(ReadTrace(text, "x", limits).status().message(), "too much");
  }
}

TEST(TraceTest, ReadingIsLeftOffWhenNobodyWaits) {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += Line(1, {{1, static_cast<std::uint64_t>(i)}, {2, 8}});
  for (const std::string& text : {std::string("a 0 8\nf 0\n"), lines, Gzip("a 0 8\n" + std::string(1 << 20, ' '))}) {
    std::string all = text;
    if (text.size() < 100) {
      for (int i = 0; i < 5'000; ++i) all += text;
    }
    int asked = 0;
    TraceLimits limits;
    limits.interrupt = [&] { return ++asked > 1; };
    EXPECT_TRUE(absl::IsCancelled(ReadTrace(all, "x", limits).status())) << ReadTrace(all, "x", limits).status();
    EXPECT_LT(asked, 10);
  }
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
