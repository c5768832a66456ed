#include "allocators/workload/alloctrace.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/workload/alloctrace_codec.h"
#include "allocators/workload/alloctrace_reader.h"
#include "allocators/workload/alloctrace_writer.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/trace_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Every kind of operation, misuse included.
std::vector<Operation> EveryKind() {
  return {Malloc(0, 100),
          Calloc(1, 3, 20),
          Realloc(0, 0, 200),
          Realloc(2, kNoBlock, 50),
          Realloc(3, 1, 7),
          Free(2),
          Free(2),
          Free(kNoBlock),
          {OpKind::kAllocatePages, 0, 16384, 0},
          {OpKind::kFreePagesPart, 0, 4096, 8192},
          {OpKind::kFreePages, 0, 0, 0},
          Malloc(4, 0xFFFFFFFF),
          Calloc(0, 0xFFFFFFFF, 0xFFFFFFFF)};
}

std::string Write(const std::vector<Operation>& operations, const std::vector<std::string>& notes = {}) {
  return WriteAllocTrace({operations, 0, 0, "test", notes}).value();
}

// A file of frames of so many operations each.
std::string WriteFrames(const std::vector<Operation>& operations, std::size_t frame) {
  std::string file;
  AllocTraceWriter writer(
      [&file](std::string_view bytes) {
        file += bytes;
        return absl::OkStatus();
      },
      {{"program", "test"}});
  for (std::size_t i = 0; i < operations.size(); ++i) {
    EXPECT_TRUE(writer.Add({.operation = operations[i], .thread = static_cast<std::uint32_t>(i % 3)}).ok());
    if ((i + 1) % frame == 0) {
      EXPECT_TRUE(writer.Flush().ok());
    }
  }
  EXPECT_TRUE(writer.Finish({}).ok());
  EXPECT_EQ(writer.bytes(), file.size());
  return file;
}

TEST(AllocTraceTest, ReadsWhatItWrites) {
  const std::string file = Write(EveryKind(), {"line 3: odd"});
  for (const std::string& bytes : {file, Gzip(file)}) {
    const Trace trace = Read(bytes);
    EXPECT_EQ(trace.operations, EveryKind());
    EXPECT_EQ(trace.heap_handles, 5u);
    EXPECT_EQ(trace.page_handles, 1u);
    EXPECT_EQ(trace.format, "alloctrace");
    EXPECT_THAT(trace.notes, ElementsAre("line 3: odd"));
  }
}

TEST(AllocTraceTest, TheSameOperationsHaveTheSameDigestAsInAnyFile) {
  const Trace trace = MakeBuiltin("sqlite", 0, 0).value();
  const std::string file = WriteAllocTrace(trace).value();
  EXPECT_EQ(Read(file).operations, trace.operations);
  const AllocTraceEnd end = ReadAllocTraceEnd(file, "t").value();
  EXPECT_EQ(end.sha256, TraceDigest(trace.operations));
  EXPECT_EQ(end.operations, trace.operations.size());
}

TEST(AllocTraceTest, AnEmptyTraceIsATrace) {
  const Trace trace = Read(Write({}));
  EXPECT_THAT(trace.operations, IsEmpty());
  EXPECT_THAT(trace.notes, IsEmpty());
}

TEST(AllocTraceTest, KeepsThreadsAlignmentsAndAttributes) {
  std::string file;
  const std::vector<RecordedOperation> written = {
      {Malloc(0, 64), 0, 6}, {Malloc(1, 8), 7, 0}, {Malloc(2, 8), 7, 12}, {Free(0), 0, 0}};
  AllocTraceWriter writer(
      [&file](std::string_view bytes) {
        file += bytes;
        return absl::OkStatus();
      },
      {{"command", "app \xc3\xa9\n"}});
  for (const RecordedOperation& recorded : written) ASSERT_TRUE(writer.Add(recorded).ok());
  ASSERT_TRUE(writer.Finish({}).ok());
  TraceBytes bytes(file, "t", 1 << 20);
  AllocTraceReader reader(bytes, "t", 1 << 24);
  ASSERT_TRUE(reader.Start().ok());
  EXPECT_THAT(reader.attributes(), ElementsAre(std::pair("command", "app \\xc3\\xa9\\x0a")));
  std::vector<RecordedOperation> read;
  ASSERT_TRUE(reader.Next(read).value());
  EXPECT_EQ(read, written);
  EXPECT_FALSE(reader.Next(read).value());
  EXPECT_THAT(Read(file).notes, ElementsAre("operation 1: an alignment is ignored (2 times)"));
}

TEST(AllocTraceTest, RefusesToWriteWhatTheFormatCannotSay) {
  const auto refusal = [](RecordedOperation recorded) {
    AllocTraceWriter writer([](std::string_view) { return absl::OkStatus(); }, {});
    return std::string(writer.Add(recorded).message());
  };
  EXPECT_EQ(refusal({Malloc(1, 8)}), "operation 1, a malloc of block 1, cannot be written to an .alloctrace");
  EXPECT_NE(refusal({Realloc(0, 2, 8)}), "");
  EXPECT_NE(refusal({Malloc(kNoBlock, 8)}), "");
  EXPECT_NE(refusal({{OpKind::kFree, 0, 8, 0}}), "");
  EXPECT_NE(refusal({Free(0), 0, 4}), "");
  EXPECT_NE(refusal({Malloc(0, 8), 0, 32}), "");
  EXPECT_EQ(refusal({Realloc(1, 0, 8)}), "");
}

TEST(AllocTraceTest, CutAtEveryByteItIsReadUpToTheLastWholeFrame) {
  const std::vector<Operation> operations = EveryKind();
  const std::string file = WriteFrames(operations, 4);
  std::size_t most = 0, errors = 0;
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto trace = ReadTrace(std::string_view(file).substr(0, size), "t");
    if (!trace.ok()) {
      EXPECT_EQ(most, 0u) << "what could be read of a shorter file can be read of this";
      ++errors;
      continue;
    }
    ASSERT_TRUE(std::equal(trace->operations.begin(), trace->operations.end(), operations.begin()));
    EXPECT_GE(trace->operations.size(), most);
    most = trace->operations.size();
    EXPECT_TRUE(most % 4 == 0 || most == operations.size());
    ASSERT_EQ(trace->notes.size(), 1u);
    EXPECT_THAT(trace->notes[0], HasSubstr("the file was cut off here"));
    EXPECT_FALSE(ReadAllocTraceEnd(std::string_view(file).substr(0, size), "t").ok());
  }
  EXPECT_EQ(most, operations.size());
  EXPECT_LT(errors, file.size() / 2);
  EXPECT_THAT(Error(file.substr(0, 60)), StartsWith("t: the file was cut off before its first frame"));
}

TEST(AllocTraceTest, EveryFlippedBitIsNamed) {
  std::string file = WriteFrames(EveryKind(), 4);
  for (std::size_t bit = 4 * 8; bit < file.size() * 8; ++bit) {  // the first bytes say what kind of file it is
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
    EXPECT_THAT(Error(file), StartsWith("t: byte ")) << "bit " << bit;
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
  }
  EXPECT_EQ(Read(file).operations, EveryKind());
}

TEST(AllocTraceTest, ErrorsSayWhereAndWhatWasExpected) {
  const std::string file = WriteFrames(EveryKind(), 4);
  EXPECT_EQ(Error(std::string("\x89"
                              "ALT\r\n\x1a\x03",
                              8) +
                  file.substr(8)),
            "t: byte 7: version 3 of the format; expected version 1 or 2");
  EXPECT_THAT(Error("\x89"
                    "ALT text"),
              StartsWith("t: byte 0: no .alloctrace file"));
  EXPECT_THAT(Error(file + "x"), HasSubstr("something follows the tail; expected the end of the file"));
  std::string frames = file;
  const std::size_t frame = frames.find("OPER");
  frames[frame + 20] = static_cast<char>(frames[frame + 20] ^ 1);
  EXPECT_THAT(Error(frames), HasSubstr("chunk 1 (OPER, "));
  EXPECT_THAT(Error(frames), HasSubstr("is damaged: its checksum is "));
  // Frames that are whole, but not all there.
  const std::size_t second = file.find("OPER", frame + 4);
  EXPECT_THAT(Error(file.substr(0, frame) + file.substr(second)),
              HasSubstr("a frame of 4 operations from 4 on; expected 1 to 65536 from 0 on"));
  EXPECT_EQ(Error(file, {.operations_max = 12}), "t: too many operations; expected at most 12");
  EXPECT_EQ(Error(file, {.inflated_bytes_max = 20}), "t: inflates to more than 20 bytes, the limit");
}

TEST(AllocTraceTest, ZerosThatAFileSystemLeftAreACut) {
  const std::string file = WriteFrames(EveryKind(), 4);
  const Trace trace = Read(file.substr(0, file.find("DONE")) + std::string(4096, '\0'));
  EXPECT_EQ(trace.operations, EveryKind());
  EXPECT_THAT(trace.notes, ElementsAre(HasSubstr("the file was cut off here; the 13 operations")));
}

TEST(AllocTraceTest, ReadsFromAnyFrameThatTheIndexNames) {
  const std::vector<Operation> operations = EveryKind();
  const std::string file = WriteFrames(operations, 4);
  const AllocTraceEnd end = ReadAllocTraceEnd(file, "t").value();
  ASSERT_EQ(end.frames.size(), 4u);
  EXPECT_EQ(end.frames[1].live_blocks, 3u);
  EXPECT_EQ(end.frames[1].live_bytes, 310u);
  for (const FrameEntry& entry : end.frames) {
    TraceBytes bytes(std::string_view(file).substr(entry.offset), "t", 1 << 20);
    AllocTraceReader reader(bytes, "t", 1 << 24);
    reader.StartAt(entry);
    std::size_t at = entry.first_operation;
    std::vector<RecordedOperation> frame;
    while (reader.Next(frame).value()) {
      for (const RecordedOperation& recorded : frame) EXPECT_EQ(recorded.operation, operations[at++]);
    }
    EXPECT_EQ(at, operations.size());
    EXPECT_TRUE(reader.end().has_value());
  }
}

TEST(AllocTraceTest, TheIndexStaysSmallHoweverManyFramesThereAre) {
  const std::size_t frames = kIndexedFramesMax + 1000;
  const std::string file = WriteFrames(std::vector<Operation>(frames, Malloc(0, 1)), 1);
  const AllocTraceEnd end = ReadAllocTraceEnd(file, "t").value();
  EXPECT_LT(end.frames.size(), kIndexedFramesMax);
  EXPECT_GT(end.frames.size(), kIndexedFramesMax / 3);
  for (std::size_t i = 0; i < end.frames.size(); ++i) ASSERT_EQ(end.frames[i].first_operation, 2 * i);
  EXPECT_EQ(Read(file).operations.size(), frames);
}

// EveryKind() with sites: 1 and 2, and 3, of which nothing more is told.
Trace WithSites() {
  Trace trace{
      .operations = EveryKind(), .format = "test", .notes = {}, .operation_sites = {1, 2, 1, 3, 1, 0, 0, 0, 0, 0, 0, 2, 0}};
  trace.sites.frames = {{.module = "/bin/app", .offset = 0x1234, .function = "grow", .source = "app.cc", .line = 7},
                        {.module = "/lib/libc.so.6", .offset = 1ull << 40}};
  trace.sites.sites = {{0, 1}, {1}};
  return trace;
}

TEST(AllocTraceTest, KeepsCallSitesInAVersionOfTheirOwn) {
  const Trace written = WithSites();
  const std::string file = WriteAllocTrace(written).value(), plain = Write(EveryKind());
  EXPECT_EQ(file[kAllocTraceVersionAt], 2);
  EXPECT_EQ(plain[kAllocTraceVersionAt], 1);
  const Trace read = Read(file);
  EXPECT_EQ(read.operations, written.operations);
  EXPECT_EQ(read.operation_sites, written.operation_sites);
  EXPECT_EQ(read.sites, written.sites);
  EXPECT_TRUE(Read(plain).operation_sites.empty());
  EXPECT_EQ(TraceDigest(read.operations), ReadAllocTraceEnd(file, "t")->sha256);
  EXPECT_EQ(ReadAllocTraceEnd(file, "t")->sha256, ReadAllocTraceEnd(plain, "t")->sha256);
}

TEST(AllocTraceTest, AFileWithCallSitesIsCheckedAtEveryByte) {
  std::string file = WriteAllocTrace(WithSites()).value();
  for (std::size_t bit = 8 * 8; bit < file.size() * 8; ++bit) {
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
    EXPECT_THAT(Error(file), StartsWith("t: byte ")) << "bit " << bit;
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
  }
  const std::size_t sites = file.find("SITE");
  for (std::size_t size = sites; size < file.size(); ++size) {
    EXPECT_EQ(Read(file.substr(0, size)).operation_sites, WithSites().operation_sites) << size;
  }
  file[kAllocTraceVersionAt] = 1;
  EXPECT_THAT(Error(file), HasSubstr("operation 1 of the file is none"));
}

TEST(AllocTraceTest, CallSitesAreNumberedFromOneAndBelongToAllocations) {
  const auto refusal = [](RecordedOperation recorded, bool with_sites) {
    AllocTraceWriter writer([](std::string_view) { return absl::OkStatus(); }, {}, 1, with_sites);
    return std::string(writer.Add(recorded).message());
  };
  EXPECT_EQ(refusal({Malloc(0, 8), 0, 0, 1}, true), "");
  EXPECT_NE(refusal({Malloc(0, 8), 0, 0, 1}, false), "");
  EXPECT_NE(refusal({Malloc(0, 8), 0, 0, 2}, true), "");
  EXPECT_NE(refusal({Free(0), 0, 0, 1}, true), "");
}

TEST(AllocTraceTest, ATableOfCallSitesEndsAtItsLimits) {
  SiteTable table;
  for (std::uint32_t i = 0; i < 40'000; ++i) {
    table.frames.push_back({.module = std::string(kFrameTextMax, 'm'), .offset = i});
    table.sites.push_back({0, i});
  }
  SiteTable again;
  std::size_t bytes = 0;
  for (const std::string& piece : alloctrace::EncodeSites(table)) {
    EXPECT_LE(piece.size(), kFrameBytesMax);
    bytes += piece.size();
    ASSERT_TRUE(alloctrace::ParseSites(piece, again));
  }
  EXPECT_LE(bytes, kSiteTableBytesMax);
  ASSERT_LT(again.frames.size(), table.frames.size());
  ASSERT_EQ(again.sites.size(), table.sites.size());
  EXPECT_EQ(again.sites[9], table.sites[9]);
  EXPECT_THAT(again.sites.back(), ElementsAre(0u));
  std::string piece;
  for (const std::uint64_t number : {0u, 1u, 1u, 40'000u}) alloctrace::AppendVarint(number, piece);
  EXPECT_FALSE(alloctrace::ParseSites(piece, again)) << "a frame that is not there";
}

TEST(AllocTraceTest, TakesMemoryOnlyWhenItIsAdmitted) {
  const std::string file = Write(std::vector<Operation>(200'000, Malloc(0, 1)));
  std::uint64_t most = 0;
  TraceLimits limits;
  limits.admit = [&](std::uint64_t bytes) {
    most = std::max(most, bytes);
    return absl::OkStatus();
  };
  EXPECT_TRUE(ReadTrace(file, "t", limits).ok());
  EXPECT_GE(most, 200'000 * sizeof(Operation));
  limits.admit = [&](std::uint64_t bytes) {
    return bytes < most ? absl::OkStatus() : absl::ResourceExhaustedError("too much");
  };
  EXPECT_EQ(ReadTrace(file, "t", limits).status().message(), "too much");
  limits = {};
  limits.interrupt = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(ReadTrace(file, "t", limits).status()));
}

}  // namespace
}  // namespace alloclab
