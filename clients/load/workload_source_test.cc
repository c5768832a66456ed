#include "clients/load/workload_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "allocators/workload/builtins.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;

TEST(LoadWorkload, MakesTheSameOperationsAsTheLibrary) {
  const absl::StatusOr<LoadedWorkload> loaded = LoadWorkload("steady-state", 0);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->script->operations, MakeBuiltin("steady-state", 0, 0)->operations);
  EXPECT_EQ(loaded->source.builtin().name(), "steady-state");
}

TEST(LoadWorkload, ReadsASpecificationAndSaysWhereItIsWrong) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("spec.yaml",
                                           "name: s\nseed: 3\nphases:\n  - name: a\n    operations: 100\n    live_blocks: 10\n"
                                           "    size: {uniform: {min: 8, max: 64}}\n");
  const absl::StatusOr<LoadedWorkload> loaded = LoadWorkload(path, 0);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->script->operations.size(), 100u);
  directory.Write("spec.yaml", "name: s\nphases:\n  - name: a\n    operations: 100\n    size: {uniform: {min: 9, max: 4}}\n");
  const absl::Status status = LoadWorkload(path, 0).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ":5:"));
}

TEST(LoadWorkload, ARecordedBuiltinHasNoSeed) {
  EXPECT_TRUE(LoadWorkload("sqlite", 0).ok());
  EXPECT_EQ(LoadWorkload("sqlite", 3).status(), absl::InvalidArgumentError("--seed: sqlite is recorded and has no seed"));
}

TEST(LoadWorkload, SaysWhatIsNotThere) {
  EXPECT_TRUE(absl::IsDataLoss(LoadWorkload("no-such-workload", 0).status()));
  EXPECT_TRUE(absl::IsDataLoss(LoadWorkload("./no-such-file.rep", 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(LoadWorkload("sha256:" + std::string(64, 'a'), 0).status()));
}

}  // namespace
}  // namespace alloclab::load
