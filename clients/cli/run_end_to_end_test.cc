// submit and runs, from the command line to a real server and back: workloads of every kind, and what goes wrong with them.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "allocators/workload/trace_testing.h"
#include "alloclab/v1/run.pb.h"
#include "clients/cli/end_to_end.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// 4 operations in the text format of the CMU malloc lab.
constexpr const char kTrace[] = "20000\n2\n4\n1\na 0 512\na 1 128\nf 0\nf 1\n";

class RunEndToEnd : public EndToEnd {
 protected:
  // Longer than any test waits: the literal engine walks a heap that grows.
  std::vector<std::string> EndlessSubmission() const {
    const std::string file =
        folder_.Write("endless.yaml", "name: endless\nphases: [{operations: 2M, live_blocks: 1M, size: {fixed: 16}}]\n");
    return {"submit", file, "--param", "heap.engine=literal"};
  }
  // The newest run once it is in that state and has done something.
  v1::Run WaitForState(v1::Run::State state) const {
    for (int i = 0; i < 500; ++i) {
      const auto list = Json<v1::ListRunsResponse>({"runs", "list", "--limit", "1"});
      if (list.runs_size() == 1 && list.runs(0).state() == state && list.runs(0).operations_done() > 0) return list.runs(0);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "no run came to the state " << v1::Run::State_Name(state);
    return {};
  }
};

TEST_F(RunEndToEnd, ABuiltinAndTheCommandThatReproducesIt) {
  const ProcessResult first =
      Run({"submit", "steady-state", "--operations", "2000", "--ram", "64Mi", "--digest-at", "1/4,100", "--label", "one"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  for (const char* part :
       {"run 1: steady-state, succeeded", "OUTCOMES", "HEAP MEMORY", "peak utilisation", "external fragmentation",
        "HEAP SEARCH", "blocks looked at per search", "merges with below", "VIRTUAL MEMORY", "per operation", "PROVENANCE",
        "trace sha256", "label                        one"}) {
    EXPECT_THAT(first.out, HasSubstr(part));
  }
  const std::string reproduce = LastLine(first.out);
  EXPECT_EQ(reproduce,
            "alloclab submit steady-state --operations 2000 --seed 1 --ram 64Mi --page-allocator page-runs --heap-allocator "
            "implicit-heap --digest-at 1/4,100");
  std::vector<std::string> words = absl::StrSplit(reproduce, ' ');
  words.erase(words.begin());
  Out(words);
  EXPECT_EQ(Out({"runs", "diff", "1", "2"}), "runs 1 and 2 agree in everything exact\n");
}

TEST_F(RunEndToEnd, ResultsInEveryFormat) {
  const v1::Run run = Json<v1::Run>({"submit", "larson", "--operations", "1000", "--seed", "7"});
  EXPECT_EQ(run.state(), v1::Run::SUCCEEDED);
  EXPECT_EQ(run.result().exact().seed(), 7u);
  EXPECT_EQ(run.result().exact().counters().operations(), run.operations_done());
  EXPECT_THAT(Out({"runs", "show", "1", "-o", "json"}),
              HasSubstr("\"reproduce\": \"alloclab submit larson --operations 1000 --seed 7 "));
  EXPECT_THAT(Out({"runs", "show", "1", "-o", "csv"}), StartsWith("section,row,name,value,unit\nworkload,,workload,larson,\n"));
  EXPECT_THAT(Out({"runs", "show", "1", "-o", "markdown"}), HasSubstr("### heap memory\n\n| name | value |"));
}

TEST_F(RunEndToEnd, ATraceFile) {
  for (const auto& [name, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"a.rep", kTrace}, {"a.rep.gz", Gzip(kTrace)}}) {
    const v1::Run run = Json<v1::Run>({"submit", folder_.Write(name, bytes)});
    EXPECT_EQ(run.operations_done(), 4u);
    EXPECT_EQ(run.result().exact().trace_format(), "cmu-rep-a");
    // The same operations whatever the file; and the server has them now.
    EXPECT_EQ(Json<v1::Run>({"submit", "sha256:" + run.result().exact().trace_sha256()}).result().exact().trace_sha256(),
              run.result().exact().trace_sha256());
  }
  EXPECT_EQ(Out({"runs", "diff", "1", "3", "-q"}), "identical\n");
  EXPECT_EQ(Json<v1::Run>({"runs", "show", "1"}).label(), "a.rep") << "a file's name is its label";
  EXPECT_EQ(Json<v1::Run>({"runs", "show", "2"}).label(), "a.rep") << "the server has the name as well";
  EXPECT_THAT(LastLine(Out({"runs", "show", "2"})), StartsWith("alloclab submit sha256:"));
}

TEST_F(RunEndToEnd, WhatIsOddInATraceFileIsSaidInItsResult) {
  const std::string file = folder_.Write("odd", "a 0 512\na 1\na 2\nf 0\n");
  const std::string note = "line 2: an allocation without a size gets the size before it (2 times)";
  EXPECT_THAT(Out({"submit", file}), HasSubstr("line 1: no header; ids and operations are as many\n"));
  EXPECT_THAT(Out({"runs", "show", "1"}), HasSubstr("line 2: an allocation without a size gets the size\n"));
  const v1::Run run = Json<v1::Run>({"runs", "show", "1"});
  ASSERT_EQ(run.result().exact().trace_notes_size(), 2);
  EXPECT_EQ(run.result().exact().trace_notes(1), note);
  EXPECT_THAT(Run({"submit", "--detach", file}).err, HasSubstr(note));
}

TEST_F(RunEndToEnd, ATraceFromAPipeIsReproducedFromTheServer) {
  const std::string reproduce = LastLine(Out({"submit", "-"}, kTrace));
  EXPECT_THAT(reproduce, StartsWith("alloclab submit sha256:"));
  std::vector<std::string> words = absl::StrSplit(reproduce, ' ');
  words.erase(words.begin());
  Out(words);
  EXPECT_THAT(Out({"runs", "diff", "1", "2"}), StartsWith("runs 1 and 2 agree in everything exact"));
}

TEST_F(RunEndToEnd, AFalseHeaderIsABadTraceHoweverLarge) {
  const ProcessResult result = Run({"submit", folder_.Write("false.rep", "20000\n2\n99999999999\n1\na 0 512\na 1 128\n")});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(result.err, "alloclab: false.rep:7: the file ends after 2 operations; expected 99999999999\n");
}

TEST_F(RunEndToEnd, ASpecificationAndItsWayBack) {
  const std::string file =
      folder_.Write("w.yaml", "name: mine\nseed: 3\nphases: [{operations: 1k, live_blocks: 100, size: {fixed: 64}}]\n");
  EXPECT_THAT(LastLine(Out({"submit", file})), StartsWith("alloclab submit " + file + " --seed 3 --ram 512Mi"));
  const std::string workload = Out({"runs", "show", "1", "--workload"});
  EXPECT_THAT(workload, StartsWith("name: mine\nseed: 3\nphases:\n  - operations: 1000\n"));
  EXPECT_THAT(LastLine(Out({"submit", "-"}, workload)), StartsWith("alloclab runs show 2 --workload | alloclab submit - "));
  EXPECT_EQ(Out({"runs", "diff", "1", "2", "-q"}), "identical\n");
  EXPECT_EQ(Json<v1::Run>({"runs", "show", "1"}).label(), "w.yaml");
  EXPECT_EQ(Json<v1::Run>({"runs", "show", "2"}).label(), "");
}

TEST_F(RunEndToEnd, TheWorkloadOfEveryRunCanBeSubmittedAgain) {
  std::vector<std::vector<std::string>> submissions = {{"larson", "--seed", "5", "--operations", "3k"},
                                                       {folder_.Write("a.rep", kTrace)}};
  const auto builtins = Json<v1::ListBuiltinsResponse>({"workload", "list"});
  for (const v1::Builtin& builtin : builtins.builtins()) {
    submissions.push_back({builtin.name(), "--operations", "2k"});
    if (builtin.has_spec()) Out({"submit", "-q", "-"}, Out({"workload", "show", builtin.name()}));
  }
  for (std::vector<std::string>& submission : submissions) {
    submission.insert(submission.begin(), {"submit", "-q"});
    const std::string first(absl::StripSuffix(Out(submission), "\n"));
    const std::string again(absl::StripSuffix(Out({"submit", "-q", "-"}, Out({"runs", "show", first, "--workload"})), "\n"));
    EXPECT_EQ(Out({"runs", "diff", first, again}), fmt::format("runs {} and {} agree in everything exact\n", first, again));
  }
}

TEST_F(RunEndToEnd, TyposInASpecificationHaveTheirPlace) {
  const std::string file = folder_.Write("typo.yaml", "name: x\nphaes: []\n");
  const ProcessResult typo = Run({"submit", file});
  EXPECT_EQ(typo.exit_code, 4);
  EXPECT_EQ(typo.out, "");
  EXPECT_EQ(typo.err, fmt::format("alloclab: {}:2:1: unknown key 'phaes'; did you mean 'phases'?\n", file));
  // Found by the server, but placed in the file.
  const ProcessResult range = Run({"submit", "-"}, "phases:\n  - operations: 10\n    size: {uniform: {min: 9, max: 4}}\n");
  EXPECT_EQ(range.exit_code, 4);
  EXPECT_THAT(range.err, StartsWith("alloclab: <stdin>:3:12: phases[0].size.uniform: "));
}

TEST_F(RunEndToEnd, WhatIsWrongWithTheMachineIsNoErrorOfTheWorkload) {
  const ProcessResult result = Run({"submit", "-", "--ram", "3"}, "phases: [{operations: 1, size: {fixed: 1}}]\n");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, StartsWith("alloclab: --ram: "));
}

TEST_F(RunEndToEnd, WorkloadsThatAreNone) {
  const ProcessResult typo = Run({"submit", "stedy-state"});
  EXPECT_EQ(typo.exit_code, 4);
  EXPECT_EQ(typo.err, "alloclab: 'stedy-state' is neither a file nor a built-in workload; did you mean 'steady-state'?\n");
  const ProcessResult missing = Run({"submit", "no/such.rep"});
  EXPECT_EQ(missing.exit_code, 4);
  EXPECT_EQ(missing.err, "alloclab: no/such.rep: No such file or directory\n");
  const ProcessResult stored = Run({"submit", "sha256:" + std::string(64, '0')});
  EXPECT_EQ(stored.exit_code, 4);
  EXPECT_THAT(stored.err, HasSubstr("no trace with digest"));
}

TEST_F(RunEndToEnd, DamagedTracesSayWhere) {
  const std::string gzip = Gzip(kTrace);
  const ProcessResult cut = Run({"submit", folder_.Write("cut.rep.gz", gzip.substr(0, gzip.size() / 2))});
  EXPECT_EQ(cut.exit_code, 4);
  EXPECT_THAT(cut.err, HasSubstr("cut.rep.gz: byte"));
  const ProcessResult early = Run({"submit", folder_.Write("early.rep", "20000\n2\n4\n1\na 0 512\na 1 128\n")});
  EXPECT_EQ(early.exit_code, 4);
  EXPECT_THAT(early.err, HasSubstr("early.rep:"));
  const ProcessResult word = Run({"submit", folder_.Write("word.rep", "20000\n1\n1\n1\nx 0 512\n")});
  EXPECT_EQ(word.exit_code, 4);
  EXPECT_THAT(word.err, HasSubstr("word.rep:5"));
  EXPECT_EQ(Json<v1::ListRunsResponse>({"runs", "list"}).runs_size(), 0);  // nothing half done
}

TEST_F(RunEndToEnd, OptionsThatDoNotFitTheWorkload) {
  const std::string trace = folder_.Write("a.rep", kTrace);
  EXPECT_EQ(Run({"submit", trace, "--seed", "1"}).err, "alloclab: --seed: a recorded trace has no seed\n");
  EXPECT_EQ(Run({"submit", trace, "--operations", "1"}).exit_code, 2);
  EXPECT_EQ(Run({"submit", "sqlite", "--seed", "1"}).err, "alloclab: --seed: sqlite is recorded and has no seed\n");
  const ProcessResult heapless = Run({"submit", "larson", "--heap-allocator", "none"});
  EXPECT_EQ(heapless.exit_code, 2);
  EXPECT_EQ(heapless.err, "alloclab: --heap-allocator: none, but every operation of this workload needs a heap\n");
  const ProcessResult digest = Run({"submit", trace, "--digest-at", "2/1"});
  EXPECT_EQ(digest.exit_code, 2);
  EXPECT_THAT(digest.err, HasSubstr("2/1"));
}

TEST_F(RunEndToEnd, ATraceForMoreMemoryThanTheMachineHas) {
  std::string trace = "20000\n2000\n2000\n1\n";
  for (int i = 0; i < 2000; ++i) trace += fmt::format("a {} 4000\n", i);
  const std::string file = folder_.Write("big.rep", trace);
  const v1::Run run = Json<v1::Run>({"submit", file, "--ram", "4Mi"});  // what the simulation does is a result: exit code 0
  std::map<std::string, std::uint64_t> counts;
  for (const v1::OutcomeCount& outcome : run.result().exact().counters().outcomes())
    counts[outcome.outcome()] = outcome.count();
  EXPECT_GT(counts["ok"], 800u);
  EXPECT_EQ(counts["ok"] + counts["out_of_memory"], 2000u);
  EXPECT_THAT(Out({"runs", "show", "1"}), HasSubstr(fmt::format("{} operations found no memory left in this machine of 4 MiB",
                                                                Count(counts["out_of_memory"]))));
}

TEST_F(RunEndToEnd, DetachWatchListCancelDelete) {
  std::vector<std::string> arguments = EndlessSubmission();
  arguments.push_back("--detach");
  const ProcessResult detached = Run(arguments);
  EXPECT_EQ(detached.out, "1\n");
  EXPECT_EQ(detached.err, "Watch it with: alloclab runs watch 1\n");
  const ProcessResult busy = Run({"runs", "delete", "1"});
  EXPECT_EQ(busy.exit_code, 1);
  EXPECT_THAT(busy.err, HasSubstr("run 1 is"));
  EXPECT_THAT(Out({"runs", "cancel", "1"}), HasSubstr("endless.yaml"));
  const ProcessResult watched = Run({"runs", "watch", "1"});
  EXPECT_EQ(watched.exit_code, 1);
  EXPECT_THAT(watched.out, StartsWith("run 1: specification endless, cancelled"));
  EXPECT_THAT(Out({"runs", "list"}), HasSubstr("cancelled"));
  EXPECT_EQ(Out({"runs", "list", "--workload", "no such"}), "\nNo run fits.\n");
  EXPECT_EQ(Run({"runs", "delete", "1"}).err, "deleted run 1\n");
  const ProcessResult gone = Run({"runs", "show", "1"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, HasSubstr("run 1 does not exist"));
}

TEST_F(RunEndToEnd, RunsThatEndedAreLabelledAndPinned) {
  Out({"submit", "larson", "--operations", "2k", "-q"});
  Out({"submit", "larson", "--operations", "2k", "-q"});
  EXPECT_THAT(Out({"runs", "list"}), Not(HasSubstr("pinned")));
  EXPECT_EQ(Run({"runs", "pin", "1", "2"}).err, "pinned run 1\npinned run 2\n");
  EXPECT_EQ(Run({"runs", "unpin", "2"}).err, "unpinned run 2\n");
  EXPECT_EQ(Run({"runs", "label", "1", "a larger pool"}).err, "run 1 is labelled a larger pool\n");
  EXPECT_THAT(Out({"runs", "list"}), AllOf(HasSubstr("pinned"), HasSubstr("a larger pool")));
  const v1::Run run = Json<v1::Run>({"runs", "show", "1"});
  EXPECT_TRUE(run.pinned());
  EXPECT_EQ(run.label(), "a larger pool");
  EXPECT_TRUE(run.has_result());
  EXPECT_FALSE(Json<v1::Run>({"runs", "show", "2"}).pinned());
  EXPECT_EQ(Run({"runs", "label", "1", ""}).err, "run 1 has no label now\n");
  const auto pinned = Json<v1::ListRunsResponse>({"runs", "pin", "2", "1"});
  ASSERT_EQ(pinned.runs_size(), 2);
  EXPECT_EQ(pinned.runs(0).id(), 2u);
  EXPECT_TRUE(pinned.runs(0).pinned());
  const ProcessResult gone = Run({"runs", "pin", "9"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, HasSubstr("run 9 does not exist"));
  EXPECT_THAT(Run({"runs", "label", "1", std::string(129, 'x')}).err, HasSubstr("label"));
}

TEST_F(RunEndToEnd, CancellingARunThatHasEndedShowsItsFigures) {
  Out({"submit", "larson", "--operations", "2k", "-q"});
  const ProcessResult cancelled = Run({"runs", "cancel", "1"});
  EXPECT_EQ(cancelled.exit_code, 0);
  EXPECT_EQ(cancelled.err, "Run 1 had ended already.\n");
  EXPECT_EQ(cancelled.out, Out({"runs", "list"}));
  EXPECT_EQ(Out({"runs", "cancel", "1", "-q"}), "1\n");
  EXPECT_EQ(Out({"runs", "cancel", "1", "-o", "csv"}), Out({"runs", "list", "-o", "csv"}));
  const v1::Run json = Json<v1::Run>({"runs", "cancel", "1"}), listed = Json<v1::ListRunsResponse>({"runs", "list"}).runs(0);
  EXPECT_EQ(json.summary().SerializeAsString(), listed.summary().SerializeAsString());
}

TEST_F(RunEndToEnd, TheFirstInterruptCancelsAndShowsWhatWasFound) {
  Process submit(CommandOf(EndlessSubmission()), Environment());
  WaitForState(v1::Run::RUNNING);
  submit.Signal(SIGINT);
  const ProcessResult result = Finish(std::move(submit));
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.out, StartsWith("run 1: specification endless, cancelled"));
  EXPECT_THAT(result.out, ContainsRegex("Cancelled after .* of 2,000,000"));
  EXPECT_THAT(result.out, HasSubstr("HEAP SEARCH"));
  EXPECT_EQ(WaitForState(v1::Run::CANCELLED).id(), 1u);
}

TEST_F(RunEndToEnd, InterruptingAWatchLeavesTheRunAlone) {
  std::vector<std::string> arguments = EndlessSubmission();
  arguments.push_back("--detach");
  Out(arguments);
  WaitForState(v1::Run::RUNNING);
  Process watch(CommandOf({"runs", "watch", "1"}), Environment());
  for (int i = 0; i < 1'000 && watch.err().find("replaying") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  watch.Signal(SIGINT);
  const ProcessResult result = Finish(std::move(watch));
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("interrupted; run 1 goes on"));
  WaitForState(v1::Run::RUNNING);
  Out({"runs", "cancel", "1"});
}

TEST_F(RunEndToEnd, DifferentRunsDiffer) {
  Out({"submit", folder_.Write("a.rep", kTrace)});
  Out({"submit", folder_.Write("b.rep", "20000\n1\n1\n1\na 0 512\n")});
  const ProcessResult diff = Run({"runs", "diff", "1", "2"});
  EXPECT_EQ(diff.exit_code, 6);
  EXPECT_THAT(diff.out, StartsWith("runs 1 and 2 differ: they replayed different operations\n"));
  EXPECT_THAT(diff.out, HasSubstr("\noperations "));
  EXPECT_LT(std::count(diff.out.begin(), diff.out.end(), '\n'), 16);
  EXPECT_THAT(diff.out, HasSubstr(" more: --all shows them.\n"));
  const ProcessResult all = Run({"runs", "diff", "1", "2", "--all"});
  EXPECT_GT(std::count(all.out.begin(), all.out.end(), '\n'), 20);
  EXPECT_EQ(Run({"runs", "diff", "1", "2", "-q"}).out, "different\n");
  EXPECT_EQ(Run({"runs", "diff", "1", "99"}).exit_code, 1);
}

TEST_F(RunEndToEnd, EnginesDifferInTheirConfigurationOnly) {
  Out({"submit", "larson", "--operations", "2k"});
  Out({"submit", "larson", "--operations", "2k", "--param", "heap.engine=literal"});
  EXPECT_EQ(Out({"runs", "diff", "1", "2"}),
            "runs 1 and 2 found the same; only their machines differ\n\n"
            "what           run 1    run 2\n"
            "heap.engine  indexed  literal\n");
}

TEST_F(RunEndToEnd, TheFirstOperationThatDiffersIsNamedByTheRuns) {
  Out({"submit", "larson", "--operations", "20k"});
  Out({"submit", "larson", "--operations", "20k", "--param", "heap.initial_bytes=8192"});
  const ProcessResult diff = Run({"runs", "diff", "1", "2"});
  EXPECT_EQ(diff.exit_code, 6);
  EXPECT_THAT(diff.out, StartsWith("runs 1 and 2 part ways at operation "));
  const std::string words = absl::StrReplaceAll(diff.out, {{"\n", " "}});  // wherever the lines end
  EXPECT_THAT(words, HasSubstr("in run 1, "));
  EXPECT_THAT(words, HasSubstr("in run 2"));
  EXPECT_THAT(words, Not(HasSubstr("in a,")));
}

TEST_F(RunEndToEnd, ListsTellRunsApart) {
  Out({"submit", folder_.Write("app.rep", kTrace)});
  Out({"submit", "larson", "--operations", "1k", "--param", "heap.engine=literal", "--label", "slow"});
  const std::string list = Out({"runs", "list"});
  EXPECT_THAT(list, HasSubstr("heap.engine"));
  EXPECT_THAT(list, HasSubstr("literal"));
  EXPECT_THAT(list, HasSubstr("app.rep"));
  EXPECT_THAT(list, HasSubstr("slow"));
  EXPECT_THAT(list, HasSubstr("\nAll: heap allocator implicit-heap, page allocator page-runs, RAM 512 MiB,"));
  EXPECT_THAT(list, HasSubstr("386 cycles"));
  EXPECT_EQ(Out({"runs", "list", "-q"}), "2\n1\n");
  EXPECT_EQ(Out({"runs", "list", "-q", "--workload", "larson"}), "2\n");
  EXPECT_EQ(Out({"runs", "list", "-q", "--label", "app"}), "1\n");
  EXPECT_EQ(Out({"runs", "list", "-q", "--state", "failed"}), "");
  EXPECT_EQ(Out({"runs", "list", "-q", "--allocator", "implicit-heap"}), "2\n1\n");
  const ProcessResult typo = Run({"runs", "list", "--allocator", "implicit-hep"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean \"implicit-heap\"?"));
  EXPECT_THAT(
      Out({"runs", "list", "-o", "csv"}),
      StartsWith("run,workload,label,state,heap allocator,page allocator,RAM (bytes),guarded,parameters,operations,failed,"));
}

TEST_F(RunEndToEnd, WhatAMachineWithoutHeapCannotDoIsSaid) {
  const std::string mixed = folder_.Write("mixed.yaml",
                                          "name: mixed\nphases:\n  - {operations: 30, live_blocks: 30, size: {fixed: 8}}\n"
                                          "  - {operations: 10, live_blocks: 10, size: {fixed: 1}, pages: true}\n");
  const std::string out = Out({"submit", mixed, "--heap-allocator", "none"});
  EXPECT_THAT(out, StartsWith("run 1: specification mixed, succeeded, but 30 of 40 operations were unsupported\n"));
  EXPECT_THAT(out, HasSubstr("Unsupported operations did nothing: this machine has no heap.\n"));
}

TEST_F(RunEndToEnd, QuietIsTheNumberOfTheRun) {
  const ProcessResult result = Run({"submit", folder_.Write("a.rep", kTrace), "-q"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "1\n");
  EXPECT_EQ(Out({"runs", "show", "1", "-q"}), "1\n");
  EXPECT_EQ(Out({"runs", "watch", "1", "-q"}), "1\n");
}

}  // namespace
}  // namespace alloclab::client
