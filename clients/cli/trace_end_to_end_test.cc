// `alloclab trace`, by the real program on files, and logs submitted as they are.
#include <google/protobuf/struct.pb.h>

#include <fstream>

#include "alloclab/v1/run.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TraceEndToEnd : public EndToEnd {
 protected:
  std::string Write(const std::string& name, const std::string& content) const {
    const std::string path = folder_.path().string() + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  static std::string Sample(const std::string& name) {
    return std::string(ALLOCLAB_SOURCE_DIR) + "/allocators/workload/testdata/import/" + name;
  }
};

TEST_F(TraceEndToEnd, ALogIsSubmittedAsItIsAndItsReportIsKept) {
  for (const char* name : {"small.mtrace", "kernel.perf.xz", "small.heaptrack.zst"}) {
    EXPECT_THAT(Out({"submit", Sample(name), "--ram", "64Mi"}), HasSubstr("kept ")) << name;
  }
  EXPECT_THAT(Out({"traces", "list"}), AllOf(HasSubstr("mtrace"), HasSubstr("kmem"), HasSubstr("heaptrack")));
}

TEST_F(TraceEndToEnd, ALogIsSubmittedByOtherPoliciesAndItsReportIsKept) {
  const auto plain = Json<v1::Run>({"submit", Sample("small.mtrace"), "--ram", "64Mi"});
  const auto freed = Json<v1::Run>({"submit", Sample("small.mtrace"), "--ram", "64Mi", "--leaks", "balance"});
  EXPECT_EQ(plain.operations_done(), 51u);
  EXPECT_EQ(freed.operations_done(), 51u + 7) << "what is live at the end is freed there";
  const std::string report = freed.result().exact().DebugString();
  EXPECT_THAT(report, AllOf(HasSubstr("kept 58 operations of an mtrace log of glibc"), HasSubstr("read by --leaks balance"),
                            HasSubstr("7 blocks that are live at the end are freed there")));
  const auto again = Json<v1::Run>({"runs", "show", std::to_string(freed.id())});
  EXPECT_EQ(again.result().exact().DebugString(), report);
  EXPECT_EQ(again.label(), "small.mtrace");

  const std::string pages = Out({"submit", Sample("kernel.perf.xz"), "--kernel", "pages", "--failed", "keep", "--ram", "64Mi"});
  EXPECT_THAT(pages, HasSubstr("read by --failed keep --kernel pages"));
  const std::string made = "= Start\n@ [0x1] - 0x1\n@ [0x1] + 0x10 0x8\n";
  const ProcessResult synthesised =
      Run({"submit", "-", "--unknown-free", "synthesise", "--synthesise-size", "32", "--output", "json"}, made);
  EXPECT_EQ(synthesised.exit_code, 0) << synthesised.err;
  EXPECT_THAT(synthesised.out, HasSubstr("1 blocks of 32 bytes that the log frees"));
  EXPECT_THAT(Out({"compare", Sample("small.mtrace"), "--heap", "knr,tlsf", "--leaks", "balance", "--ram", "1Mi"}),
              HasSubstr("SMALL.MTRACE"));
}

TEST_F(TraceEndToEnd, PoliciesThatFitNothingAreRefused) {
  const std::string unknown = Write("u.mtrace", "= Start\n@ [0x1] + 0x10 0x8\n@ [0x1] - 0x1\n");
  const ProcessResult refused = Run({"submit", unknown, "--unknown-free", "error"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.err, HasSubstr("u.mtrace:3: frees or reallocates a block that is not live"));
  for (const char* workload : {"sqlite", "larson"}) {
    const ProcessResult builtin = Run({"submit", workload, "--leaks", "keep"});
    EXPECT_EQ(builtin.exit_code, 2);
    EXPECT_THAT(builtin.err, HasSubstr("--leaks keep: only for the file of a trace"));
  }
  EXPECT_EQ(Run({"submit", unknown, "--from", "mtrac"}).exit_code, 2);
  EXPECT_EQ(Run({"submit", unknown, "--from", "ltrace"}).exit_code, 4);
  EXPECT_EQ(Json<v1::ListTracesResponse>({"traces", "list"}).traces_size(), 0) << "nothing was uploaded";
}

TEST_F(TraceEndToEnd, ShowsWhatIsInATrace) {
  EXPECT_THAT(
      Out({"trace", "show", Sample("small.valgrind")}),
      AllOf(HasSubstr("LIVE BYTES OVER THE OPERATIONS"), HasSubstr("LONGEST LIVED BLOCKS"), HasSubstr("it does not tell")));
  const auto json = Json<google::protobuf::Struct>({"trace", "show", "sqlite"});
  EXPECT_EQ(json.fields().at("operations").number_value(), 53354);
  EXPECT_THAT(Out({"trace", "formats"}), AllOf(HasSubstr("heaptrack"), HasSubstr("wee-alloc"), HasSubstr("cmu-rep")));
}

TEST_F(TraceEndToEnd, LintsForAMachine) {
  const std::string file = Write("odd.rep", "a 0 3000000\na 0 8\nf 0\n");
  EXPECT_THAT(Out({"trace", "lint", file, "--ram", "1Mi"}),
              AllOf(HasSubstr("an id is allocated again while it is live"), HasSubstr("request above RAM"),
                    HasSubstr("suggested: --ram 8Mi")));
  const auto json = Json<google::protobuf::Struct>({"trace", "lint", file});
  EXPECT_EQ(json.fields().at("suggested_ram_bytes").number_value(), 8 << 20);
}

TEST_F(TraceEndToEnd, ConvertsAndCompares) {
  const std::string rep = folder_.path().string() + "/a.rep", bench = folder_.path().string() + "/a.trace",
                    packed = folder_.path().string() + "/a.rep.gz";
  Out({"trace", "convert", Sample("small.valgrind"), "--into", rep});
  Out({"trace", "convert", Sample("small.valgrind"), "--into", bench});
  Out({"trace", "convert", rep, "--into", packed, "--as", "rep-c"});
  EXPECT_THAT(Out({"trace", "diff", rep, packed}), HasSubstr("the same operations"));
  const std::string own = folder_.path().string() + "/a.alloctrace";
  Out({"trace", "convert", bench, "--into", own});
  EXPECT_THAT(Out({"trace", "diff", bench, own}), HasSubstr("the same operations"));
  const ProcessResult differ = Run({"trace", "diff", rep, bench});
  EXPECT_EQ(differ.exit_code, 6);
  EXPECT_THAT(differ.out, HasSubstr("operation 2: malloc of block 1, 60 bytes in the first, calloc of block 1, 20"));
}

TEST_F(TraceEndToEnd, Transforms) {
  const std::string file = Write("a.rep", "a 0 100\na 1 10\nf 0\na 2 7\nf 1\n");
  EXPECT_EQ(Out({"trace", "slice", file, "--from", "3", "--to", "4"}), "1\n3\n4\n0\na 0 100\na 1 10\nf 0\na 2 7\n");
  EXPECT_EQ(Out({"trace", "filter", file, "--size-max", "9"}), "1\n1\n1\n0\na 0 7\n");
  EXPECT_EQ(Out({"trace", "scale", file, "--sizes", "0.5"}), "1\n3\n5\n0\na 0 50\na 1 5\nf 0\na 2 4\nf 1\n");
  EXPECT_EQ(Out({"trace", "interleave", file, file}).substr(0, 25), "1\n6\n10\n0\na 0 100\na 1 100\n");
  EXPECT_EQ(Out({"trace", "strip", file, "--as", "c"}).substr(0, 10), "#include <");
}

TEST_F(TraceEndToEnd, MinimizesToACTest) {
  const std::string file = Write("a.rep", "1\n5\n8\n0\na 0 100\na 1 900000\na 2 7\nf 2\na 3 900000\nf 0\na 4 300000\nf 4\n");
  const std::string c = folder_.path().string() + "/least.c";
  const ProcessResult least = Run({"trace", "minimize", file, "--until", "outcome=out_of_memory", "--ram", "4Mi",
                                   "--heap-allocator", "freertos-heap4", "--param", "heap.arena_bytes=1Mi", "--c-test", c});
  EXPECT_EQ(least.exit_code, 0) << least.err;
  EXPECT_EQ(least.out, "1\n2\n2\n0\na 0 900000\na 1 900000\n") << least.err;
  std::string text;
  std::getline(std::ifstream(c), text, '\0');
  EXPECT_THAT(text, HasSubstr("b[0] = malloc(900000u);"));
  const ProcessResult none = Run({"trace", "minimize", file, "--until", "outcome=double_free"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("the trace does not show that"));
}

TEST_F(TraceEndToEnd, BadFilesAreExitCode4) {
  const std::string damaged = Write("a.mtrace", "= Start\n@ [0x1] + 0x10 0x64\n@ [0x1] * 0x10\n@ [0x1] - 0x10\n");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"trace", "show", damaged}, {"trace", "lint", damaged}, {"trace", "convert", damaged}}) {
    const ProcessResult result = Run(command);
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_THAT(result.err, HasSubstr("a.mtrace:3: \"@ [0x1] * 0x10\"; expected "));
  }
  EXPECT_EQ(Run({"trace", "show", "no-such"}).exit_code, 4);
  EXPECT_EQ(Run({"trace", "show", Write("a.zip", "PK\x03\x04 abc")}).exit_code, 4);
  const ProcessResult unknown = Run({"trace", "show", "--from", "mtrac", damaged});
  EXPECT_EQ(unknown.exit_code, 2);
  const ProcessResult refused = Run({"trace", "show", "--unknown-free", "error", Write("u.mtrace", "= Start\n- 0x1\n")});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.err, HasSubstr("u.mtrace:2: frees or reallocates a block that is not live"));
}

TEST_F(TraceEndToEnd, AProfileIsASpecificationThatIsReplayed) {
  const std::string file = (folder_.path() / "profile.yaml").string();
  const std::string fit = Out({"trace", "profile", "cc1", "--into", file});
  EXPECT_THAT(fit, AllOf(HasSubstr("lifetimes, largest distance"), HasSubstr("nothing else of the trace")));
  EXPECT_THAT(Out({"workload", "preview", file}), AllOf(HasSubstr("53,521"), HasSubstr("█")));
  EXPECT_EQ(Run({"submit", file, "--ram", "64Mi"}).exit_code, 0);
  const ProcessResult yaml = Run({"trace", "profile", "cc1", "--phases", "3"});
  EXPECT_THAT(yaml.out, AllOf(HasSubstr("name: part 3"), Not(HasSubstr("part 4"))));
  EXPECT_THAT(yaml.err, HasSubstr("Kolmogorov-Smirnov"));
}

TEST_F(TraceEndToEnd, APreviewSaysWhatAWorkloadStandsFor) {
  EXPECT_THAT(Out({"workload", "preview", "game-tick"}), AllOf(HasSubstr("Game Engine Architecture"), HasSubstr("█")));
  EXPECT_THAT(Out({"workload", "preview", "process-mix", "--operations", "5000"}), HasSubstr("allocate_pages"));
  EXPECT_THAT(Out({"workload", "preview", "robson"}), HasSubstr("Robson's bounds for 1048576 bytes live"));
  const ProcessResult missing = Run({"workload", "preview", "game-tock"});
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_THAT(missing.err, HasSubstr("game-tick"));
}

}  // namespace
}  // namespace alloclab::client
