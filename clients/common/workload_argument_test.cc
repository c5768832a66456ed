#include "clients/common/workload_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "allocators/workload/import/format.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;

// A file in the test's own folder.
std::string Write(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "workload_argument_" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string Error(const std::string& argument) {
  const auto read = ReadWorkloadArgument(argument);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << argument;
  return std::string(read.status().message());
}

TEST(WorkloadArgument, AWordIsABuiltin) {
  const auto read = ReadWorkloadArgument("steady-state");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::get<BuiltinName>(*read).name, "steady-state");
}

TEST(WorkloadArgument, ADigestIsAStoredTrace) {
  const auto read = ReadWorkloadArgument("sha256:00ff");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::get<StoredTrace>(*read).sha256, "00ff");
}

TEST(WorkloadArgument, TracesAreKeptAsTheyAre) {
  for (const auto& [name, content] : std::vector<std::pair<std::string, std::string>>{{"a.rep", "20\n1\n2\n1\na 0 8\nf 0\n"},
                                                                                      {"b", "\x1f\x8b\x08 gzip"},
                                                                                      {"c", "  0\n1\n2\n"},
                                                                                      {"d", std::string("\n\x06\0a", 4)},
                                                                                      {"e", "a 0 16\nf 0\n"},
                                                                                      {"f",
                                                                                       "\xEF\xBB\xBF"
                                                                                       "1\n1\n"},
                                                                                      {"g", "= Start\n"},
                                                                                      {"h", "--1-- malloc(8) = 0x4A4A040"}}) {
    const std::string path = Write(name, content);
    const auto read = ReadWorkloadArgument(path);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_TRUE(std::holds_alternative<TraceFile>(*read)) << name;
    EXPECT_EQ(std::get<TraceFile>(*read).bytes, content);
    std::remove(path.c_str());
  }
}

TEST(WorkloadArgument, ATextThatIsNoTraceIsASpecification) {
  for (const std::string start : {"", "\n\n", "# what malloc(16) costs \u2014 often\n", "---\n"}) {
    const std::string path = Write("s", start + "name: x\n");
    const auto read = ReadWorkloadArgument(path);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_TRUE(std::holds_alternative<SpecificationFile>(*read)) << start;
    EXPECT_EQ(std::get<SpecificationFile>(*read).spec.name(), "x");
    EXPECT_TRUE(CanBeReadAgain(*read));
    std::remove(path.c_str());
  }
}

TEST(WorkloadArgument, WhatComesFromAPipeCannotBeReadAgain) {
  for (const std::string content : {"1\n1\n1\n0\na 0 8\n", "name: x\n"}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(ends[1]);
    const auto read = ReadWorkloadArgument("/dev/fd/" + std::to_string(ends[0]));
    close(ends[0]);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(std::holds_alternative<TraceFile>(*read), content[0] == '1');
    EXPECT_FALSE(CanBeReadAgain(*read));
  }
  EXPECT_TRUE(CanBeReadAgain(BuiltinName{"sqlite"}));
  EXPECT_TRUE(CanBeReadAgain(StoredTrace{"00"}));
}

TEST(WorkloadArgument, SpecificationsAreRead) {
  for (const std::string name : {"s.yaml", "s.yml", "s.json", "s"}) {
    const std::string path = Write(name, "{\"name\": \"x\", \"phases\": [{\"operations\": 5}]}");
    const auto read = ReadWorkloadArgument(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(std::get<SpecificationFile>(*read).spec.phases(0).operations(), 5u);
    std::remove(path.c_str());
  }
}

TEST(WorkloadArgument, AFileMayNameABuiltinOrAStoredTrace) {
  const std::string builtin = Write("b.yaml", "builtin: {name: larson, seed: 7, operations: 1k}\n");
  const auto read = ReadWorkloadArgument(builtin);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(std::holds_alternative<BuiltinName>(*read));
  EXPECT_EQ(std::get<BuiltinName>(*read).name, "larson");
  EXPECT_EQ(std::get<BuiltinName>(*read).seed, 7u);
  EXPECT_EQ(std::get<BuiltinName>(*read).operations, 1000u);
  const std::string stored = Write("t.yaml", "trace_sha256: 00ff\n");
  EXPECT_EQ(std::get<StoredTrace>(*ReadWorkloadArgument(stored)).sha256, "00ff");
  const std::string nameless = Write("n.yaml", "builtin: {seed: 7}\n");
  EXPECT_THAT(Error(nameless), HasSubstr("n.yaml:1:1: builtin: expected its name"));
  const std::string both = Write("2.yaml", "builtin: {name: larson}\ntrace_sha256: 00ff\n");
  EXPECT_THAT(Error(both), HasSubstr("2.yaml:2:1: 'trace_sha256' and 'builtin' exclude each other"));
  for (const std::string& path : {builtin, stored, nameless, both}) std::remove(path.c_str());
}

TEST(WorkloadArgument, LargeFilesAreReadWhole) {
  const std::string content(3 << 20, '7');
  const std::string path = Write("large.rep", content);
  const auto read = ReadWorkloadArgument(path);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(std::get<TraceFile>(*read).bytes == content);
  std::remove(path.c_str());
}

TEST(WorkloadArgument, OfATextThatIsNeitherItIsSaidWhatIsRead) {
  for (const std::string text :
       {"hello\n", "size,address\n16,0x10\n", "alloc 1 16\nfree 1\n", "pid: 17\ncalls: 4\n", "[1, 2"}) {
    const std::string path = Write("odd.txt", text);
    EXPECT_THAT(
        Error(path),
        testing::StartsWith(path + ": neither a trace of a known format nor a specification; expected " + ReadableFormats() +
                            "; or a specification in YAML or JSON\nRead as a specification: " + path + ":1:"))
        << text;
    std::remove(path.c_str());
  }
  const std::string yaml = Write("odd.yaml", "hello\n");
  EXPECT_THAT(Error(yaml),
              testing::EndsWith("odd.yaml:1:1: expected a mapping with the keys name, seed, phases, found a value"));
  EXPECT_THAT(Error(yaml), testing::Not(HasSubstr("trace")));
  std::remove(yaml.c_str());
}

TEST(WorkloadArgument, BadFilesAreNamed) {
  EXPECT_EQ(Error("nowhere/app.rep"), "nowhere/app.rep: No such file or directory");
  EXPECT_EQ(Error("app.yaml"), "app.yaml: No such file or directory");
  EXPECT_THAT(Error(testing::TempDir()), HasSubstr("is a directory; expected a trace or a specification"));
  const std::string empty = Write("empty", "");
  EXPECT_THAT(Error(empty), HasSubstr("empty; expected a trace or a specification"));
  const std::string typo = Write("typo.yaml", "name: x\nphaes: []\n");
  EXPECT_THAT(Error(typo), HasSubstr("typo.yaml:2:1: unknown key 'phaes'; did you mean 'phases'?"));
  std::remove(empty.c_str());
  std::remove(typo.c_str());
}

}  // namespace
}  // namespace alloclab::client
