// The recorder on small programs, whose operations are known.
#include "clients/record/recording.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "allocators/workload/alloctrace_reader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint32_t kMark = 1'000'000;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// With the call sites that the file tells, if they are asked for.
std::vector<RecordedOperation> AllOperations(const std::string& path, SiteTable* sites = nullptr) {
  const std::string file = ReadFile(path);
  TraceBytes bytes(file, path, 1 << 30);
  AllocTraceReader reader(bytes, path, 1 << 30);
  EXPECT_TRUE(reader.Start().ok());
  std::vector<RecordedOperation> all, frame;
  while (reader.Next(frame).value()) all.insert(all.end(), frame.begin(), frame.end());
  EXPECT_TRUE(reader.end().has_value());
  if (sites != nullptr) *sites = reader.sites();
  return all;
}

// Those on blocks of marked sizes, as text: "a malloc 5", blocks named by letters in their order, sizes less the mark.
std::vector<std::string> Marked(const std::string& path) {
  std::vector<std::string> lines;
  std::map<std::uint32_t, char> names;  // of live handles
  char next = 'a';
  for (const RecordedOperation& recorded : AllOperations(path)) {
    const Operation& op = recorded.operation;
    const auto known = names.find(op.block);
    if (op.kind == OpKind::kFree) {
      if (known == names.end()) continue;
      lines.push_back(std::string(1, known->second) + " free");
      names.erase(known);
      continue;
    }
    if (op.size < kMark && known == names.end()) continue;
    if (known == names.end() || op.kind != OpKind::kRealloc) names[op.block] = next++;
    std::string line = std::string(1, names[op.block]) + " " + std::string(OpKindName(op.kind)) + " " +
                       std::to_string(static_cast<std::int64_t>(op.size) - kMark);
    if (op.kind == OpKind::kCalloc) line += " x " + std::to_string(op.extra);
    if (op.kind == OpKind::kRealloc && op.extra == kNoBlock) line += " of null";
    if (recorded.alignment_log2 != 0) line += " at " + std::to_string(1u << recorded.alignment_log2);
    lines.push_back(line);
  }
  return lines;
}

class RecordingTest : public ::testing::Test {
 protected:
  RecordResult Run(std::vector<std::string> arguments, bool follow = false, std::uint64_t operations_max = 1'000'000'000,
                   std::uint32_t stack_depth = 0) {
    arguments.insert(arguments.begin(), SUBJECT);
    const absl::StatusOr<RecordResult> result = RecordProgram({.command = std::move(arguments),
                                                               .output = Path(),
                                                               .library = RECORDER_LIBRARY,
                                                               .follow = follow,
                                                               .operations_max = operations_max,
                                                               .stack_depth = stack_depth});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RecordResult{});
  }
  std::string Path() const { return directory_.path() / "app.alloctrace"; }

  TemporaryDirectory directory_;
};

TEST_F(RecordingTest, EveryFunction) {
  const RecordResult result = Run({"functions"});
  EXPECT_EQ(result.exit_status, 0);
  ASSERT_EQ(result.files.size(), 1u);
  EXPECT_THAT(Marked(Path()),
              ElementsAre("a malloc 0", "b calloc 1 x 3", "a realloc 2", "c realloc 3 of null", "c realloc 1000000", "b free",
                          "d malloc 4 at 64", "d free", "e malloc 228800 at 4096", "e free", "f malloc 5 at 32", "f free",
                          "g malloc 6 at 4096", "g free", "h malloc 3520 at 4096", "h free", "a free", "c free"));
  EXPECT_THAT(result.files[0].notes, ElementsAre("an allocation that failed when it was recorded is dropped (2 times)"));
}

TEST_F(RecordingTest, NewAndDeleteInAllForms) {
  Run({"operators"});
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 0", "a free", "b malloc 1", "b free", "c malloc 2", "c free",
                                          "d malloc 0 at 64", "d free", "e malloc 1000000 at 64", "e free"));
}

TEST_F(RecordingTest, BeforeMainAndAfterIt) {
  setenv("SUBJECT_CASE", "early", 1);
  Run({});
  unsetenv("SUBJECT_CASE");
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 1", "a free", "b malloc 3"));
}

TEST_F(RecordingTest, ThreadsInTheOrderThatTheyHad) {
  const RecordResult result = Run({"threads"});
  EXPECT_EQ(result.files[0].threads, 7u);
  EXPECT_THAT(result.files[0].notes, IsEmpty());
  const std::vector<std::string> lines = Marked(Path());
  ASSERT_EQ(lines.size(), 4u + 4u * 20'000 * 3);
  EXPECT_THAT((std::vector<std::string>(lines.begin(), lines.begin() + 4)),
              ElementsAre("a malloc 0", "b malloc 1", "b free", "a free"));
  std::map<std::uint32_t, int> by_thread;
  for (const RecordedOperation& recorded : AllOperations(Path())) {
    if (recorded.operation.size >= kMark + 10) ++by_thread[recorded.thread];
  }
  for (const auto& [thread, count] : by_thread) EXPECT_EQ(count, 40'000) << thread;
  EXPECT_EQ(by_thread.size(), 4u);
}

TEST_F(RecordingTest, MoreThreadsThanThereAreRings) {
  const RecordResult result = Run({"many-threads"});
  EXPECT_EQ(Marked(Path()).size(), 3000u);
  EXPECT_THAT(result.files[0].notes, IsEmpty());
}

TEST_F(RecordingTest, AForkedChildHasAFileThatBeginsWithWhatItFound) {
  const RecordResult result = Run({"fork"});
  ASSERT_EQ(result.files.size(), 2u);
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 0", "b malloc 1", "b free", "c malloc 3", "a free"));
  const std::string child = directory_.path() / "app.2.alloctrace";
  EXPECT_THAT(Marked(child), ElementsAre("a malloc 0", "a free", "b malloc 2"));
  const auto file = std::find_if(result.files.begin(), result.files.end(), [&](const auto& f) { return f.path == child; });
  ASSERT_NE(file, result.files.end());
  EXPECT_THAT(file->notes, ElementsAre(HasSubstr("the process was forked: ")));
}

TEST_F(RecordingTest, FollowPutsAllInOneFileAndFreesWhatEndedWithItsProcess) {
  const RecordResult result = Run({"fork"}, true);
  ASSERT_EQ(result.files.size(), 1u);
  std::vector<std::string> lines = Marked(Path());
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.ends_with("free"); }), 5);
  EXPECT_EQ(lines.size(), 10u);
}

TEST_F(RecordingTest, AnExecBeginsAnotherFile) {
  const RecordResult result = Run({"exec"});
  EXPECT_EQ(result.files.size(), 2u);
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 0"));
  EXPECT_THAT(Marked(directory_.path() / "app.2.alloctrace"), ElementsAre("a malloc 100", "a free"));
}

TEST_F(RecordingTest, ASpawnedProgramHasAFile) {
  Run({"spawn"});
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 5", "b malloc 6"));
  EXPECT_THAT(Marked(directory_.path() / "app.2.alloctrace"), ElementsAre("a malloc 100", "a free"));
}

TEST_F(RecordingTest, KilledTheTraceIsWhole) {
  const RecordResult result = Run({"killed"});
  EXPECT_TRUE(WIFSIGNALED(result.exit_status) && WTERMSIG(result.exit_status) == SIGKILL);
  EXPECT_EQ(Marked(Path()).size(), 1000u);
}

TEST_F(RecordingTest, SignalHandlersThatAllocateAndLeaveByLongjmp) {
  Run({"signals"});
  std::vector<std::string> expected = {"a malloc 0", "b malloc 1", "b free"};
  for (char name = 'c'; name < 'c' + 10; ++name) expected.push_back(std::string(1, name) + " malloc 2");
  expected.push_back("m malloc 3");
  EXPECT_EQ(Marked(Path()), expected);
}

TEST_F(RecordingTest, LibrariesThatAreLoadedWhileItRuns) {
  Run({"library", PLUGIN});
  EXPECT_THAT(Marked(Path()), ElementsAre("a malloc 0", "b malloc 50", "c malloc 51", "c free", "b free"));
}

TEST_F(RecordingTest, EndsAfterSoManyOperations) {
  const RecordResult result = Run({"killed"}, false, 500);
  EXPECT_EQ(AllOperations(Path()).size(), 500u);
  EXPECT_THAT(result.files[0].notes, IsEmpty());
  EXPECT_THAT(ReadTrace(ReadFile(Path()), "t")->notes,
              ElementsAre("the recording ends after 500 operations, as was asked for"));
}

TEST_F(RecordingTest, TellsWhatItRecorded) {
  const RecordResult result = Run({"exit-7"});
  EXPECT_EQ(WEXITSTATUS(result.exit_status), 7);
  const std::string file = ReadFile(Path());
  TraceBytes bytes(file, "t", 1 << 20);
  AllocTraceReader reader(bytes, "t", 1 << 20);
  ASSERT_TRUE(reader.Start().ok());
  std::map<std::string, std::string> attributes(reader.attributes().begin(), reader.attributes().end());
  EXPECT_THAT(attributes["program"], HasSubstr("record_subject"));
  EXPECT_THAT(attributes["command"], HasSubstr("record_subject exit-7"));
}

// Sizes less the mark of those operations that have it, and the functions of the subject that called them, up to main.
std::vector<std::string> MarkedSites(const std::string& path) {
  SiteTable sites;
  const std::vector<RecordedOperation> all = AllOperations(path, &sites);
  std::vector<std::string> lines;
  for (const RecordedOperation& recorded : all) {
    if (recorded.operation.kind == OpKind::kFree || recorded.operation.size < kMark) continue;
    std::string line = std::to_string(recorded.operation.size - kMark);
    for (const std::uint32_t number : sites.sites.at(recorded.site - 1)) {
      const CallFrame& call = sites.frames.at(number);
      if (!call.module.ends_with("record_subject")) continue;
      const std::string name = call.function.substr(call.function.rfind(':') + 1);  // of "(anonymous namespace)::Name()"
      line += " " + name.substr(0, name.find('('));
      if (name == "main") break;
    }
    lines.push_back(line);
  }
  return lines;
}

TEST_F(RecordingTest, CallStacksThroughFunctionsLibrariesAndSignals) {
  const RecordResult result = Run({"sites"}, false, 1'000'000'000, 16);
  EXPECT_GE(result.files.at(0).sites, 5u);
  EXPECT_THAT(MarkedSites(Path()),
              ElementsAre("0 InnerSite OuterSite Sites main", "1 OuterSite Sites main", "2 OuterSite Sites main",
                          "10 InnerSite OuterSite Sites main", "11 OuterSite Sites main", "12 OuterSite Sites main",
                          "20 InnerSite OuterSite Sites main", "21 OuterSite Sites main", "22 OuterSite Sites main",
                          "60 InnerSite SiteInSignal Sites main", "70 Sites main"));
}

TEST_F(RecordingTest, AForkedChildKnowsTheCallSitesOfWhatItFound) {
  Run({"fork"}, false, 1'000'000'000, 16);
  EXPECT_THAT(MarkedSites(directory_.path() / "app.2.alloctrace"), ElementsAre("0 Fork main", "2 Fork main"));
}

TEST_F(RecordingTest, ErrorsNameTheOffender) {
  const auto error = [](RecordOptions options) { return std::string(RecordProgram(options).status().message()); };
  EXPECT_EQ(error({.command = {"/nowhere/app"}, .output = Path(), .library = RECORDER_LIBRARY, .operations_max = 1}),
            "/nowhere/app: No such file or directory");
  EXPECT_EQ(error({.command = {SUBJECT}, .output = Path(), .library = "/nowhere/library.so", .operations_max = 1}),
            "/nowhere/library.so: No such file or directory; expected the recorder's library");
  EXPECT_EQ(
      error({.command = {SUBJECT}, .output = "/nowhere/app.alloctrace", .library = RECORDER_LIBRARY, .operations_max = 1}),
      "/nowhere/app.alloctrace: No such file or directory");
}

TEST(NumberedPathTest, TheNumberStandsBeforeTheEnding) {
  EXPECT_EQ(NumberedPath("a/app.alloctrace", 1), "a/app.alloctrace");
  EXPECT_EQ(NumberedPath("a/app.alloctrace", 2), "a/app.2.alloctrace");
  EXPECT_EQ(NumberedPath("a.b/app", 12), "a.b/app.12");
}

}  // namespace
}  // namespace alloclab::client
