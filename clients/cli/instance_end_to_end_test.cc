// Instances, operations by hand and inspection, from the command line to a real server and back.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "absl/strings/strip.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class InstanceEndToEnd : public EndToEnd {
 protected:
  // An instance of this test's own.
  void Create(const std::string& name, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"instance", "create", name, "--ram", "16Mi", "-q"});
    ASSERT_EQ(Out(std::move(more)), name + "\n");
  }
};

TEST_F(InstanceEndToEnd, CreateListShowDelete) {
  const std::string created = Out({"instance", "create", "first", "--ram", "64Mi", "--param", "heap.engine=literal"});
  EXPECT_THAT(created, HasSubstr("RAM                 64 MiB\n"));
  EXPECT_THAT(created, HasSubstr("heap.engine         literal\n"));
  EXPECT_THAT(Out({"instance", "list"}), HasSubstr("first "));
  EXPECT_EQ(Out({"instance", "list", "-q"}), "first\n");
  EXPECT_EQ(Json<v1::Instance>({"instance", "show", "first"}).config().ram_bytes(), 64u << 20);
  EXPECT_THAT(Out({"instance", "list", "-o", "csv"}),
              StartsWith("name,id,RAM (bytes),page allocator,heap allocator,guarded,operations\nfirst,"));
  EXPECT_THAT(Out({"instance", "list", "-o", "markdown"}), HasSubstr("| name | id |"));
  const ProcessResult removed = Run({"instance", "delete", "first"});
  EXPECT_EQ(removed.exit_code, 0);
  EXPECT_EQ(removed.out, "");
  EXPECT_EQ(removed.err, "deleted instance first\n");
  EXPECT_EQ(Json<v1::ListInstancesResponse>({"instance", "list"}).instances_size(), 0);
}

TEST_F(InstanceEndToEnd, UnknownInstancesNameTheNearest) {
  const ProcessResult none = Run({"instance", "show", "demo"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(none.err, "alloclab: no instance 'demo': this server has none; make one with `alloclab instance create demo`\n");
  Create("demo");
  for (const char* command : {"heap", "pages", "check", "stats"}) {
    const ProcessResult near = Run({"inspect", command, "dmeo"});
    EXPECT_EQ(near.exit_code, 1) << command;
    EXPECT_EQ(near.err, "alloclab: no instance 'dmeo'; did you mean 'demo'?\n") << command;
  }
  EXPECT_EQ(Run({"malloc", "zzzzzzzz", "1"}).err, "alloclab: no instance 'zzzzzzzz'; there are demo\n");
}

TEST_F(InstanceEndToEnd, WhatTheServerRefusesIsAUsageError) {
  const ProcessResult small = Run({"instance", "create", "small", "--ram", "5000"});
  EXPECT_EQ(small.exit_code, 2);
  EXPECT_THAT(small.err, StartsWith("alloclab: --ram: "));
  const ProcessResult parameter = Run({"instance", "create", "x", "--param", "heap.engin=literal"});
  EXPECT_EQ(parameter.exit_code, 2);
  EXPECT_THAT(parameter.err, HasSubstr("heap.engine"));
  EXPECT_EQ(Run({"instance", "create", "NotAName"}).exit_code, 2);
}

TEST_F(InstanceEndToEnd, OperationsByHand) {
  Create("demo");
  const std::string first = Out({"malloc", "demo", "100"});
  EXPECT_THAT(first, HasSubstr("outcome            ok\naddress            0xC0400008\noperation          1\n"));
  EXPECT_THAT(first, HasSubstr("\nCOST\n"));
  EXPECT_EQ(Out({"calloc", "demo", "10", "8", "-q"}), "0xC0400070\n");
  EXPECT_EQ(Out({"realloc", "demo", "0xC0400008", "200", "-q"}), "0xC04000C4\n");
  EXPECT_EQ(Json<v1::OperationReply>({"free", "demo", "0xC0400070"}).outcome(), v1::OK);
  // What the simulated program does wrong is data, not an error.
  EXPECT_EQ(Json<v1::OperationReply>({"free", "demo", "0xC0400070"}).outcome(), v1::DOUBLE_FREE);
  EXPECT_EQ(Json<v1::OperationReply>({"free", "demo", "0x10"}).outcome(), v1::FOREIGN_POINTER);
  EXPECT_EQ(Json<v1::OperationReply>({"malloc", "demo", "0"}).outcome(), v1::ZERO_SIZE);
  EXPECT_EQ(Json<v1::OperationReply>({"malloc", "demo", "0xFFFFFFFF"}).outcome(), v1::SIZE_OVERFLOW);
  // 16 MiB of RAM cannot hold it: the numbers say why.
  const v1::OperationReply refused = Json<v1::OperationReply>({"calloc", "demo", "1", "32Mi"});
  EXPECT_EQ(refused.outcome(), v1::OUT_OF_MEMORY);
  EXPECT_GE(refused.refusal().needed_bytes(), 32u << 20);
  EXPECT_LT(refused.refusal().frames_left(), 4096u);
  EXPECT_THAT(Out({"calloc", "demo", "1", "32Mi"}), HasSubstr("\nWHY\nneeded                32 MiB\n"));
}

TEST_F(InstanceEndToEnd, PagesByHand) {
  Create("demo");
  const std::uint32_t address = Json<v1::OperationReply>({"pages", "alloc", "demo", "8Ki"}).address();
  EXPECT_EQ(address % 4096, 0u);
  EXPECT_THAT(Out({"pages", "free", "demo", fmt::format("{:x}", address), "8Ki", "-o", "csv"}), HasSubstr("\n,,outcome,ok,\n"));
  EXPECT_EQ(Json<v1::OperationReply>({"pages", "alloc", "demo", "100"}).outcome(), v1::UNALIGNED_LENGTH);
}

TEST_F(InstanceEndToEnd, InspectHeap) {
  Create("demo");
  Out({"malloc", "demo", "100"});
  Out({"malloc", "demo", "1000"});
  Out({"free", "demo", "0xC0400008"});
  const std::string map = Out({"inspect", "heap", "demo"});
  EXPECT_THAT(map, StartsWith("heap of demo: 0xC0400000 to 0xC0401004, 4 KiB; 1 live block, "));
  EXPECT_THAT(map, HasSubstr("0xC0400000  ▒···"));
  EXPECT_THAT(map, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(Out({"inspect", "heap", "demo", "--color", "always"}), HasSubstr("\x1b["));
  EXPECT_THAT(Out({"inspect", "heap", "demo", "--from", "0xC0400060", "--to", "0xC0400080"}), HasSubstr("one cell is 4 B"));
  EXPECT_THAT(Out({"inspect", "heap", "demo", "--list"}),
              HasSubstr("0xC0400004    104  free      -           0x00000068              0\n"
                        "0xC040006C  1,004  live      0xC0400070  0x000003EF              1\n"));
  const v1::BlockList blocks = Json<v1::BlockList>({"inspect", "heap", "demo"});
  EXPECT_EQ(std::count_if(blocks.blocks().begin(), blocks.blocks().end(),
                          [](const v1::Block& block) { return block.kind() == v1::Block::LIVE; }),
            1);
  EXPECT_FALSE(blocks.has_broken());
  const ProcessResult cut = Run({"inspect", "heap", "demo", "--list", "--limit", "2", "-o", "csv"});
  EXPECT_EQ(std::count(cut.out.begin(), cut.out.end(), '\n'), 3);
  EXPECT_EQ(cut.err, "Listing ends after 2; --limit 0 lists all.\n");
  EXPECT_EQ(Run({"inspect", "heap", "demo", "--from", "0xD0000000"}).exit_code, 2);
  EXPECT_EQ(Run({"inspect", "heap", "demo", "--limit", "2"}).err, "alloclab: --limit: only for the table of --list\n");
  EXPECT_EQ(Run({"inspect", "heap", "demo", "--list", "--lines", "2"}).err,
            "alloclab: --lines: only for the picture, not for a list\n");
}

TEST_F(InstanceEndToEnd, AWatchShowsWhatChangesUntilItIsInterrupted) {
  Create("demo");
  Out({"malloc", "demo", "100"});
  Process watch(CommandOf({"inspect", "heap", "demo", "--watch", "--interval", "30ms"}), Environment());
  const auto await = [&watch](const std::string& text) {
    for (int i = 0; i < 1'000 && watch.out().find(text) == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  };
  await("; 1 live block, ");
  Out({"malloc", "demo", "1000"});
  await("; 2 live blocks, ");
  watch.Signal(SIGINT);
  const ProcessResult result = Finish(std::move(watch));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("heap of demo: "));
  EXPECT_THAT(result.out, HasSubstr("; 1 live block, "));
  EXPECT_THAT(result.out, HasSubstr("; 2 live blocks, "));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b[")));
}

TEST_F(InstanceEndToEnd, AWatchThatCannotBeIsRefused) {
  Create("demo");
  EXPECT_EQ(Run({"inspect", "heap", "demo", "--watch", "--list"}).err,
            "alloclab: --watch: only for the picture, not for a list\n");
  EXPECT_EQ(Run({"inspect", "pages", "demo", "--watch", "-o", "json"}).exit_code, 2);
  EXPECT_EQ(Run({"inspect", "pages", "demo", "--interval", "2s"}).err, "alloclab: --interval: only with --watch\n");
  EXPECT_THAT(Run({"inspect", "heap", "dmeo", "--watch"}).err, HasSubstr("did you mean 'demo'?"));
}

TEST_F(InstanceEndToEnd, InspectPages) {
  Create("demo");
  EXPECT_THAT(Out({"inspect", "pages", "demo"}), StartsWith("pages of demo: "));
  const v1::BlockList pages = Json<v1::BlockList>({"inspect", "pages", "demo"});
  ASSERT_EQ(pages.blocks_size(), 1);
  EXPECT_EQ(pages.blocks(0).kind(), v1::Block::FREE);
  EXPECT_THAT(Out({"inspect", "pages", "demo", "--list", "-o", "csv"}),
              HasSubstr(fmt::format("\n0x{:08X},{},free,", pages.blocks(0).address(), pages.blocks(0).bytes())));
}

// The allocator of an unguarded machine takes any page that it is given, the heap's first one too, and fills it with junk.
TEST_F(InstanceEndToEnd, ABrokenHeapIsShownAsBroken) {
  Create("wild", {"--unguarded"});
  Out({"malloc", "wild", "100"});
  const v1::Translation first = Json<v1::Translation>({"inspect", "translate", "wild", "0xC0400000"});
  Out({"pages", "free", "wild", fmt::format("{:x}", first.physical()), "4Ki"});
  const ProcessResult map = Run({"inspect", "heap", "wild", "--color", "always"});
  EXPECT_EQ(map.exit_code, 5);
  EXPECT_THAT(map.out, HasSubstr("\x1b[1;31mThe chain of blocks is broken at 0xC040000"));
  EXPECT_THAT(map.out, HasSubstr("heap of wild: 0xC0400000 to 0xC0401004, 4 KiB; its blocks are unknown"));
  const ProcessResult list = Run({"inspect", "heap", "wild", "--list"});
  EXPECT_EQ(list.exit_code, 5);
  EXPECT_THAT(list.out, HasSubstr("\nThe chain of blocks is broken at 0xC040000"));
  const ProcessResult json = Run({"inspect", "heap", "wild", "-o", "json"});
  EXPECT_EQ(json.exit_code, 5);
  EXPECT_THAT(json.out, HasSubstr("\"broken\": {"));
  EXPECT_EQ(Run({"inspect", "check", "wild"}).exit_code, 5);
  const ProcessResult stats = Run({"inspect", "stats", "wild"});
  EXPECT_EQ(stats.exit_code, 5);
  EXPECT_THAT(stats.out, HasSubstr("\nHeap: The chain of blocks is broken at 0xC040000"));
  EXPECT_THAT(stats.out, ContainsRegex("free blocks now +unknown\n"));
  EXPECT_THAT(stats.out, ContainsRegex("internal fragmentation +unknown\n"));
  const ProcessResult csv = Run({"inspect", "stats", "wild", "-o", "csv"});
  EXPECT_EQ(csv.exit_code, 5);
  EXPECT_THAT(csv.out, HasSubstr("\nheap memory,,free now,,\n"));
  EXPECT_THAT(csv.err, StartsWith("Heap: The chain of blocks is broken at 0xC040000"));
  const ProcessResult as_json = Run({"inspect", "stats", "wild", "-o", "json"});
  EXPECT_EQ(as_json.exit_code, 5);
  EXPECT_THAT(as_json.out, HasSubstr("\"broken\": {\n"));
}

// On an unguarded machine a page may be freed twice: the second time it is filled with junk while it is in the list.
TEST_F(InstanceEndToEnd, ABrokenListOfPagesIsShownAsBroken) {
  ASSERT_EQ(Out({"instance", "create", "twice", "--ram", "1Mi", "--heap-allocator", "none", "--unguarded", "-q"}), "twice\n");
  EXPECT_EQ(Run({"inspect", "stats", "twice"}).exit_code, 0) << "unguarded, but whole";
  const std::string page(absl::StripSuffix(Out({"pages", "alloc", "twice", "4Ki", "-q"}), "\n"));
  Out({"pages", "alloc", "twice", "4Ki"});  // so that the page before stays a free block of its own
  Out({"pages", "free", "twice", page, "4Ki"});
  EXPECT_EQ(Json<v1::OperationReply>({"pages", "free", "twice", page, "4Ki"}).outcome(), v1::PANIC);
  const ProcessResult stats = Run({"inspect", "stats", "twice"});
  EXPECT_EQ(stats.exit_code, 5) << stats.out;
  EXPECT_THAT(stats.out, HasSubstr("\nPages: The chain of blocks is broken at 0x000FF000: the list has a block of"));
  EXPECT_THAT(stats.out, ContainsRegex("largest free block +unknown\n"));
  EXPECT_EQ(Run({"inspect", "stats", "twice", "-q"}).out, "twice\n");
}

TEST_F(InstanceEndToEnd, InspectMemoryAndTranslate) {
  Create("demo");
  EXPECT_THAT(Out({"inspect", "memory", "demo", "0xC0400000", "--bytes", "16", "--words"}),
              HasSubstr("0xC0400000  00000005 00001000"));
  const v1::Translation translation = Json<v1::Translation>({"inspect", "translate", "demo", "0xC0400000"});
  EXPECT_TRUE(translation.present());
  EXPECT_EQ(translation.directory_index(), 769u);
  EXPECT_THAT(Out({"inspect", "memory", "demo", fmt::format("{:x}", translation.physical()), "--physical", "--bytes", "4"}),
              HasSubstr("05 00 00 00"));
  EXPECT_THAT(Out({"inspect", "translate", "demo", "0xC0400000"}), HasSubstr("P RW S"));
  EXPECT_EQ(Out({"inspect", "translate", "demo", "0xC0400000", "-q"}), fmt::format("0x{:08X}\n", translation.physical()));
  EXPECT_EQ(Out({"inspect", "translate", "demo", "0x1000", "-q"}), "");
  EXPECT_THAT(Out({"inspect", "translate", "demo", "0x1000"}), HasSubstr("not mapped; a touch is a page fault"));
  const ProcessResult absent = Run({"inspect", "memory", "demo", "0x1000"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("not present"));
}

TEST_F(InstanceEndToEnd, StatsAndCheck) {
  Create("demo");
  Out({"malloc", "demo", "100"});
  EXPECT_EQ(Json<v1::Statistics>({"inspect", "stats", "demo"}).counters().operations(), 1u);
  EXPECT_THAT(Out({"inspect", "stats", "demo"}), HasSubstr("HEAP SEARCH\n"));
  EXPECT_EQ(Out({"inspect", "stats", "demo", "-q"}), "demo\n");
  EXPECT_THAT(Out({"inspect", "heap", "demo", "-q"}), StartsWith("0xC0400000\n0xC0400004\n0xC040006C\n"));
  EXPECT_EQ(Out({"inspect", "check", "demo"}), "no broken invariant in 3 heap blocks and 1 page block of demo\n");
}

TEST_F(InstanceEndToEnd, BrokenInvariantsHaveTheirExitCode) {
  Create("wild", {"--unguarded", "--param", "heap.engine=literal", "--param", "heap.assertions=false"});
  // The size wraps to an empty block, and the zeroes for the 4 GiB asked for run over its neighbours.
  EXPECT_EQ(Json<v1::OperationReply>({"calloc", "wild", "1", "0xFFFFFFFF"}).outcome(), v1::MACHINE_FAULT);
  const ProcessResult check = Run({"inspect", "check", "wild"});
  EXPECT_EQ(check.exit_code, 5) << check.out << check.err;
  EXPECT_THAT(check.out, StartsWith("broken invariants in "));
  EXPECT_THAT(check.out, HasSubstr("\nH1  "));
}

TEST_F(InstanceEndToEnd, AnInstanceWithoutHeap) {
  Create("pages-only", {"--heap-allocator", "none"});
  EXPECT_EQ(Json<v1::OperationReply>({"malloc", "pages-only", "1"}).outcome(), v1::UNSUPPORTED);
  const ProcessResult map = Run({"inspect", "heap", "pages-only"});
  EXPECT_EQ(map.exit_code, 1);
  EXPECT_EQ(map.err, "alloclab: instance pages-only has no heap\n");
}

}  // namespace
}  // namespace alloclab::client
