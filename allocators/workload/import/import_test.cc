// The readers of logs: each on what the real tool wrote of a small program, on what is odd about its format, and the policies.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "allocators/workload/alloctrace_writer.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/trace_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Sample(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/workload/testdata/import/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

absl::StatusOr<Trace> Import(const std::string& bytes, const ImportOptions& options = {}, const TraceDrain& drain = nullptr) {
  const auto open = [&bytes]() -> absl::StatusOr<std::unique_ptr<ByteSource>> { return std::make_unique<MemorySource>(bytes); };
  return ImportTrace(open, "t", {}, options, drain);
}

std::vector<Operation> Operations(const std::string& bytes, const ImportOptions& options = {}) {
  const absl::StatusOr<Trace> trace = Import(bytes, options);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return trace.ok() ? trace->operations : std::vector<Operation>{};
}

std::string ImportError(const std::string& bytes, const ImportOptions& options = {}) {
  const absl::StatusOr<Trace> trace = Import(bytes, options);
  return trace.ok() ? "no error" : std::string(trace.status().message());
}

std::uint64_t CountOf(const Trace& trace, OpKind kind) {
  return std::count_if(trace.operations.begin(), trace.operations.end(),
                       [kind](const Operation& op) { return op.kind == kind; });
}

// --- What the tools wrote of one small program. mtrace does not tell calloc; ltrace not what posix_memalign gave; heaptrack
// not memalign, and a realloc as two; the frees of such blocks are dropped.

struct Expected {
  std::string file, format;
  std::size_t operations;
  std::uint64_t mallocs, callocs, reallocs, frees;
};

TEST(ImportTest, ReadsWhatTheToolsWrote) {
  const std::vector<Expected> samples = {
      {"small.mtrace", "mtrace", 51, 28, 0, 2, 21},           {"small.valgrind", "valgrind", 51, 26, 1, 3, 21},
      {"small.ltrace", "ltrace", 49, 25, 1, 3, 20},           {"small.heaptrack-raw.zst", "heaptrack", 52, 30, 0, 0, 22},
      {"small.heaptrack.zst", "heaptrack", 52, 30, 0, 0, 22},
  };
  for (const Expected& expected : samples) {
    SCOPED_TRACE(expected.file);
    const absl::StatusOr<Trace> trace = Import(Sample(expected.file));
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_EQ(trace->format, expected.format);
    EXPECT_EQ(trace->operations.size(), expected.operations);
    EXPECT_EQ(CountOf(*trace, OpKind::kMalloc), expected.mallocs);
    EXPECT_EQ(CountOf(*trace, OpKind::kCalloc), expected.callocs);
    EXPECT_EQ(CountOf(*trace, OpKind::kRealloc), expected.reallocs);
    EXPECT_EQ(CountOf(*trace, OpKind::kFree), expected.frees);
    EXPECT_THAT(trace->notes.front(), StartsWith(absl::StrCat("kept ", expected.operations, " operations of ")));
  }
}

// The frames of a site, the innermost first, as SiteName() has them without libraries that only one of the files names.
std::string SiteOfSize(const Trace& trace, std::uint32_t size) {
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    if (trace.operations[i].size == size && trace.operations[i].kind == OpKind::kMalloc)
      return SiteName(trace.sites, trace.operation_sites.at(i), 4);
  }
  return "none";
}

TEST(ImportTest, HeaptrackTellsCallSites) {
  const Trace interpreted = Import(Sample("small.heaptrack.zst")).value(),
              raw = Import(Sample("small.heaptrack-raw.zst")).value();
  EXPECT_EQ(SiteOfSize(interpreted, 100),
            "main < __libc_start_call_main (libc_start_call_main.h:58) < __libc_start_main_impl "
            "(libc-start.c:360) < _start");
  EXPECT_EQ(SiteOfSize(raw, 100), "s+0x11fc < libc.so.6+0x27249 < libc.so.6+0x27304 < s+0x1110");
  EXPECT_EQ(SiteOfSize(raw, 60), "s+0x120f < libc.so.6+0x27249 < libc.so.6+0x27304 < s+0x1110");
  for (const Trace* trace : {&interpreted, &raw}) {
    ASSERT_EQ(trace->operation_sites.size(), trace->operations.size());
    std::uint32_t next = 1;
    for (std::size_t i = 0; i < trace->operations.size(); ++i) {
      const std::uint32_t site = trace->operation_sites[i];
      EXPECT_LE(site, next) << "in the order of their first operations";
      if (site == next) ++next;
      EXPECT_EQ(site == 0, trace->operations[i].kind == OpKind::kFree) << i;
    }
    EXPECT_EQ(trace->sites.sites.size(), next - 1);
    EXPECT_GT(trace->sites.sites.size(), 10u);
    const Trace kept = Import(WriteAllocTrace(*trace).value()).value();
    EXPECT_EQ(kept.operation_sites, trace->operation_sites);
    EXPECT_EQ(kept.sites, trace->sites);
  }
}

TEST(ImportTest, HeaptracksStacksThatCannotBeAreNotKnown) {
  // Stack 2 is on one that is not there, stack 3 on itself, stack 4 says nothing; 9 is none. Function 7 is none.
  const std::string file =
      "v 10400 3\ns 2 a\x01\ni 1234 1 7\nt 1 0\nt 1 63\nt 1 3\nt \nt 5f 1\na 8 1\na 8 2\na 8 3\na 8 9\na 8 5\na 8\n"
      "+ 0\n+ 1\n+ 2\n+ 3\n+ 4\n+ 5\n";
  const Trace trace = Import(file).value();
  EXPECT_THAT(trace.operation_sites, ElementsAre(1u, 2u, 3u, 0u, 4u, 0u));
  for (std::uint32_t site = 1; site <= 4; ++site) EXPECT_EQ(SiteName(trace.sites, site, 4), "a\\x01+0x1234") << site;
  EXPECT_THAT(trace.notes, Contains(HasSubstr("an allocation has no call site: its stack is not told")));
  EXPECT_TRUE(Import("v 10400 3\n+ 8 1 99\n")->operation_sites.empty()) << "no stack is told";
}

TEST(ImportTest, BothHalvesOfACallOfAThreadAreJoined) {
  const Trace trace = Import(Sample("threads.ltrace.gz")).value();
  EXPECT_EQ(CountOf(trace, OpKind::kFree), CountOf(trace, OpKind::kMalloc) - 1 /* the int[20] */);
  EXPECT_EQ(CountOf(trace, OpKind::kCalloc), 3u) << "one for each thread";
}

TEST(ImportTest, ReadsTheKernelsEvents) {
  const Trace perf = Import(Sample("kernel.perf.xz")).value();
  EXPECT_EQ(perf.format, "kmem");
  EXPECT_EQ(CountOf(perf, OpKind::kAllocatePages), 95u);
  EXPECT_GE(CountOf(perf, OpKind::kMalloc), 113u + 416u);
  EXPECT_THAT(perf.notes, Contains(HasSubstr("the kernel's caches gave")));
  EXPECT_THAT(perf.notes, Contains(HasSubstr("maple_node of 256 bytes ")));
  ImportOptions options;
  options.kernel_heap = false;
  const Trace pages = Import(Sample("kernel.ftrace.gz"), options).value();
  EXPECT_EQ(pages.heap_handles, 0u);
  EXPECT_GT(CountOf(pages, OpKind::kAllocatePages), 10u);
  options = {};
  options.kernel_pages = false;
  EXPECT_EQ(Import(Sample("kernel.ftrace.gz"), options)->page_handles, 0u);
}

// --- Each format

TEST(ImportTest, Mtrace) {
  const std::string log =
      "= Start\n@ ./a b:(f+0x1)[0x8048209] + 0x10 0x64\n@ a:[0x1] + 0x20 0\n@ [0x1] < 0x10\n@ [0x1] > 0x30 0xc8\n+ (nil) 0x9\n"
      "@ [0x1] ! 0x30 0xffff\n@ [0x1] - 0x20\n@ [0x1] - 0x77\n@ [0x1] - 0x30\n= End\n";
  EXPECT_THAT(Operations(log), ElementsAre(Malloc(0, 100), Malloc(1, 0), Realloc(0, 0, 200), Free(1), Free(0)));
  EXPECT_THAT(
      Import(log)->notes,
      ElementsAre("kept 5 operations of an mtrace log of glibc, repaired 0, dropped 3; it does not tell threads, times, "
                  "alignments or calloc",
                  "line 6: an allocation that failed when it was recorded is dropped (2 times)",
                  "line 9: a free of a block that the log does not allocate is dropped"));
  EXPECT_THAT(ImportError("= Start\n@ [0x1] + 0x10 0x64\n@ [0x1] > 0x30 0xc8\n\n"),
              StartsWith("t:3: \"@ [0x1] > 0x30 0xc8\"; expected "));
  EXPECT_THAT(Import("= Start\n@ [0x1] + 0x10 0x64\n@ [0x1] + 0x3")->notes,
              Contains("line 3: the last line is cut off and dropped"));
}

TEST(ImportTest, Valgrind) {
  EXPECT_THAT(
      Operations("==7== Memcheck\n--7-- malloc(10) = 0x10\nhello\n--8-- malloc(9) = 0x90\n--7-- realloc(0x0,63)malloc(63) = "
                 "0x20\n--7-- _ZnwmSt11align_val_t(size 8, al 64) = 0x40\n--7-- calloc(3,20) = 0x30\n--7-- "
                 "realloc(0x20,0)free(0x20)\n--7--  = 0\n--7-- _ZdlPvm(0x40)\n"),
      ElementsAre(Malloc(0, 10), Realloc(1, kNoBlock, 63), Malloc(2, 8), Calloc(3, 3, 20), Free(1), Free(2)));
  EXPECT_THAT(ImportError("==7== Memcheck\n==7== 24 bytes in 1 blocks are definitely lost\n"),
              HasSubstr("no allocation found; expected lines of the output of valgrind --trace-malloc=yes"));
}

TEST(ImportTest, Ltrace) {
  EXPECT_THAT(Operations("12 malloc(8 <unfinished ...>\n13 a.so->calloc(2, 4) = 0x20\n12 <... malloc resumed> ) = 0x10\n"
                         "12 free(0x20 <unfinished ...>\n13 malloc(5) = 0x20\n12 <... free resumed> ) = <void>\n"
                         "[pid 12] reallocarray(0x10, 7, 9) = 0x30\n12 puts(\"malloc(1)\") = 10\n12 free(0x30) = <void>\n"
                         "12 malloc(1 <no return ...>\n"),
              ElementsAre(Calloc(0, 2, 4), Malloc(1, 8), Free(0), Malloc(0, 5), Realloc(1, 1, 63), Free(1)));
}

TEST(ImportTest, HeaptrackSaysWhichBlockOrNot) {
  const std::string raw = "v 10500 3\nt 1 0\n+ 64 1 a0\n- a0\n+ c8 1 b0\n- b0\n";
  EXPECT_THAT(Operations(raw), ElementsAre(Malloc(0, 100), Free(0), Malloc(0, 200), Free(0)));
  ImportOptions fused;
  fused.fuse_reallocs = true;
  EXPECT_THAT(Operations(raw, fused), ElementsAre(Malloc(0, 100), Realloc(0, 0, 200), Free(0)));
  const std::string interpreted = "v 10500 3\na 64 1\n+ 0\n+ 0\n- 0\n";
  EXPECT_THAT(Operations(interpreted), ElementsAre(Malloc(0, 100), Malloc(1, 100), Free(0)));
  ImportOptions newest;
  newest.newest_first = true;
  EXPECT_THAT(Operations(interpreted, newest), ElementsAre(Malloc(0, 100), Malloc(1, 100), Free(1)));
  EXPECT_THAT(ImportError("v 10500 3\na 64 1\n+ 1\n+ 0\n"), StartsWith("t:3: \"+ 1\"; expected "));
}

TEST(ImportTest, KernelLogsOfAllAges) {
  const std::string old =
      "a-b c-12 [000] 1.5: kmalloc: call_site=ffffffff ptr=ffff8800 bytes_req=60 bytes_alloc=64 gfp_flags=0xd0\n";
  EXPECT_THAT(Operations(old + "cat-1 [001] 1.5: mm_page_alloc: page=ffffea00 pfn=300 order=2 migratetype=0 gfp_flags=0\n"
                               "cat-1 [001] d..1 1.5: mm_page_alloc: page=          (null) pfn=0 order=2 gfp_flags=0\n"
                               "cat-1 [001] d..1 1.6: mm_page_free_batched: page=ffffea00 pfn=300 order=0\n"
                               "cat-1 [001] d..1 1.7: mm_page_free: page=ffffea00 pfn=0x12c order=2\n"
                               "cat 1 [001] 1.7: kmem:kfree: call_site=f+0x1 ptr=0xffff8800\n    ffffffff81 f ([kernel])\n"
                               "cat-1 [001] d..1 1.7: kfree: call_site=f+0x1 ptr=          (null)\n"),
              ElementsAre(Malloc(0, 60), Operation{OpKind::kAllocatePages, 0, 16384, 0}, Operation{OpKind::kFreePages, 0, 0, 0},
                          Free(0)));
  EXPECT_THAT(ImportError(old + "a-1 [0] 1.5: kmalloc: call_site=1 ptr=10 bytes=60\n" + old), StartsWith("t:2: "));
}

TEST(ImportTest, OtherLogs) {
  EXPECT_THAT(Operations("7 7 malloc(8)=0x10\n7 8 posix_memalign(64,100)=0x20\n9 9 malloc(3)=0x90\n7 7 realloc(0x10,64)=0x30\n"
                         "7 7 free(0x30)\n7 7 jemalloc_stats()\n"),
              ElementsAre(Malloc(0, 8), Malloc(1, 100), Realloc(0, 0, 64), Free(0)));
  EXPECT_THAT(Operations("1 1 malloc(8)=#1\n1 1 free(#1)\n"), ElementsAre(Malloc(0, 8), Free(0)));
  EXPECT_THAT(Operations("boot\n[0.002] HEAP: Allocated 8 bytes @ 0x3ffaff6c from task \"main\" on core 0 by:\n0x400d\n"
                         "[0.003] HEAP: Freed bytes @ 0x3ffaff6c from task \"tiT\" on core 1 by:\n"),
              ElementsAre(Malloc(0, 8), Free(0)));
  EXPECT_THAT(Operations("> traceMALLOC(0x20000010, 24)\ntraceFREE(0x20000010, 24)\n"), ElementsAre(Malloc(0, 24), Free(0)));
  EXPECT_THAT(
      Operations("(b'a' 4711 0 b'.' 1.5) alloc entered, size = 64\n(b'a' 4711 0 b'.' 1.5) alloc exited, size = 64, result = "
                 "55d0\n(b'a' 4711 0 b'.' 1.6) free entered, address = 55d0, size = 64\n"),
      ElementsAre(Malloc(0, 64), Free(0)));
  EXPECT_THAT(Operations("Alloc(552),\nAlloc(0), Free(0),\nFree(7),\n"), ElementsAre(Malloc(0, 552), Malloc(1, 0), Free(0)));
}

// --- Policies

constexpr char kUnknown[] = "= Start\n@ [0x1] - 0x1\n@ [0x1] + 0x10 0x8\n@ [0x1] < 0x2\n@ [0x1] > 0x20 0x9\n@ [0x1] - 0x20\n";

TEST(ImportTest, UnknownBlocksAreDroppedRefusedOrMade) {
  EXPECT_THAT(Operations(kUnknown), ElementsAre(Malloc(0, 8), Malloc(1, 9), Free(1)));
  ImportOptions options;
  options.unknown_free = ImportOptions::UnknownFree::kError;
  EXPECT_EQ(ImportError(kUnknown, options),
            "t:2: frees or reallocates a block that is not live; expected an allocation of it before");
  options.unknown_free = ImportOptions::UnknownFree::kSynthesise;
  options.synthesised_bytes = 32;
  EXPECT_THAT(Operations(kUnknown, options),
              ElementsAre(Malloc(0, 32), Malloc(1, 32), Free(0), Malloc(0, 8), Realloc(1, 1, 9), Free(1)));
}

TEST(ImportTest, LeaksAreKeptOrBalanced) {
  ImportOptions options;
  options.balance = true;
  EXPECT_THAT(Operations("= Start\n+ 0x10 0x8\n+ 0x20 0x9\n", options),
              ElementsAre(Malloc(0, 8), Malloc(1, 9), Free(0), Free(1)));
}

TEST(ImportTest, InversionsOfThreadsAreRepaired) {
  const std::string log = "1 1 malloc(8)=0x10\n1 2 malloc(9)=0x10\n1 1 free(0x10)\n1 2 free(0x10)\n1 1 free(0x10)\n";
  EXPECT_THAT(Operations(log), ElementsAre(Malloc(0, 8), Free(0), Malloc(0, 9), Free(0)));
  EXPECT_THAT(Import(log)->notes,
              Contains(HasSubstr("line 2: a block is allocated where another is live; the free that comes late")));
  ImportOptions options;
  options.repair_inversions = false;
  EXPECT_THAT(Operations(log, options), ElementsAre(Malloc(0, 8), Malloc(1, 9), Free(1)));
}

TEST(ImportTest, FailuresAndLargeSizes) {
  ImportOptions options;
  options.keep_failed = true;
  EXPECT_THAT(Operations("= Start\n+ (nil) 0x9\n+ 0x10 0x1ffffffff\n", options),
              ElementsAre(Malloc(0, 9), Free(0), Malloc(0, 0xFFFFFFFF)));
  options.refuse_large = true;
  EXPECT_EQ(ImportError("= Start\n+ 0x10 0x1ffffffff\n", options),
            "t:2: a size of 8589934591 bytes; expected at most 4294967295");
}

// --- Detection and streams

TEST(ImportTest, AFormatCanBeForced) {
  ImportOptions options;
  options.from = "device";
  EXPECT_THAT(Operations("1 2 3\ntraceMALLOC(0x10, 8)\n", options), ElementsAre(Malloc(0, 8)));
  EXPECT_THAT(ImportError("1 2 3\n", options), HasSubstr("no allocation found; expected lines of a heap log of a device"));
}

TEST(ImportTest, OperationsAreHandedOverInPieces) {
  std::string log = "1 1 malloc(8)=0x10\n";
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&log, "1 ", i % 3, " malloc(8)=0x20\n1 1 free(0x20)\n");
  std::size_t operations = 0, most = 0, threads = 0;
  const TraceDrain drain = [&](std::span<const Operation> ops, std::span<const std::uint32_t> of,
                               std::span<const std::uint32_t>) {
    operations += ops.size();
    threads += of.size();
    most = std::max(most, ops.size());
    return absl::OkStatus();
  };
  const absl::StatusOr<Trace> trace = Import(log, {}, drain);
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(operations, 200'001u);
  EXPECT_EQ(threads, 200'001u);
  EXPECT_LT(most, 40'000u);
  EXPECT_TRUE(trace->operations.empty());
  EXPECT_THAT(trace->notes.front(), StartsWith("kept 200001 operations"));
}

TEST(ImportTest, CutAtEveryByteAnswersOrSaysWhy) {
  for (const char* name : {"small.mtrace", "small.valgrind", "small.ltrace", "small.heaptrack.zst", "kernel.ftrace.gz"}) {
    const std::string whole = Sample(name);
    for (std::size_t size = 0; size < std::min<std::size_t>(whole.size(), 3000); size += 7) {
      const absl::StatusOr<Trace> trace = Import(whole.substr(0, size));
      if (!trace.ok()) {
        EXPECT_THAT(std::string(trace.status().message()), StartsWith("t:")) << name << " " << size;
      }
    }
  }
}

TEST(ImportTest, EveryFormatHasANameOfItsOwnAndIsFound) {
  for (const TraceFormat& format : TraceFormats()) {
    EXPECT_EQ(FindTraceFormat(format.name)->title, format.title);
    EXPECT_THAT(ReadableFormats(), HasSubstr(format.title));
  }
  ImportOptions options;
  options.from = "mtrac";
  EXPECT_EQ(ImportError("x", options), "\"mtrac\" is no format of traces; did you mean \"mtrace\"?");
}

}  // namespace
}  // namespace alloclab
