#include "clients/load/load_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace alloclab::load {
namespace {

using ::testing::HasSubstr;

v1::LoadConfig GoodConfig() {
  v1::LoadConfig config;
  config.set_connections(4);
  config.set_instances(2);
  config.set_batch(100);
  config.set_window(8);
  config.set_timeout_seconds(10);
  return config;
}

struct BadConfig {
  const char* flag;  // that the error names
  void (*spoil)(v1::LoadConfig&);
};

TEST(CheckConfig, NamesWhatIsOutOfRange) {
  EXPECT_TRUE(CheckConfig(GoodConfig()).ok());
  const BadConfig cases[] = {
      {"--connections 0", [](v1::LoadConfig& c) { c.set_connections(0); }},
      {"--connections 257", [](v1::LoadConfig& c) { c.set_connections(257); }},
      {"--instances 5", [](v1::LoadConfig& c) { c.set_instances(5); }},
      {"--instances 0", [](v1::LoadConfig& c) { c.set_instances(0); }},
      {"--batch 0", [](v1::LoadConfig& c) { c.set_batch(0); }},
      {"--batch 65537", [](v1::LoadConfig& c) { c.set_batch(65'537); }},
      {"--window 1025", [](v1::LoadConfig& c) { c.set_window(1'025); }},
      {"--rate 2000000000: expected 1 to 1000000000", [](v1::LoadConfig& c) { c.set_rate(2e9); }},
      {"--rate", [](v1::LoadConfig& c) { c.set_rate(std::numeric_limits<double>::quiet_NaN()); }},
      {"--duration 277777h46m40s: expected 0 to 8784h", [](v1::LoadConfig& c) { c.set_duration_seconds(1e9); }},
      {"--warmup -1s", [](v1::LoadConfig& c) { c.set_warmup_seconds(-1); }},
      {"--timeout 0: expected 1ms to 8784h", [](v1::LoadConfig& c) { c.set_timeout_seconds(0); }},
      {"--catch-up", [](v1::LoadConfig& c) { c.set_catch_up(true); }},
      {"--arrival", [](v1::LoadConfig& c) { c.set_arrival(v1::LoadConfig::POISSON); }},
  };
  for (const BadConfig& bad : cases) {
    v1::LoadConfig config = GoodConfig();
    bad.spoil(config);
    const absl::Status status = CheckConfig(config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.flag;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.flag));
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected"));
  }
}

TEST(CheckScript, RefusesNothingToDoAndTooManyHandles) {
  Script script{.name = "w", .trace_sha256 = "", .operations = {}, .frees = {}};
  EXPECT_TRUE(absl::IsDataLoss(CheckScript(GoodConfig(), script)));
  script.operations.resize(1);
  script.heap_handles = 1 << 25;
  EXPECT_TRUE(CheckScript(GoodConfig(), script).ok());  // two connections for each instance
  script.heap_handles += 1;
  EXPECT_TRUE(absl::IsInvalidArgument(CheckScript(GoodConfig(), script)));
}

TEST(CheckMachine, RefusesAWorkloadOfWhichItCanDoNothing) {
  Script script{
      .name = "w", .trace_sha256 = "", .operations = {{.kind = OpKind::kMalloc}, {.kind = OpKind::kFree}}, .frees = {}};
  v1::InstanceConfig machine;
  machine.set_heap_allocator("implicit-heap");
  v1::LoadConfig config = GoodConfig();
  EXPECT_TRUE(CheckMachine(config, machine, script).ok());
  machine.set_heap_allocator("none");
  EXPECT_EQ(CheckMachine(config, machine, script).message(),
            "--heap-allocator: none, but every operation of this workload needs a heap; expected another one");
  config.set_instance("bare");
  EXPECT_EQ(CheckMachine(config, machine, script).message(),
            "--instance bare: it has no heap, but every operation of this workload needs one; expected another instance");
  script.operations.push_back({.kind = OpKind::kAllocatePages});
  EXPECT_TRUE(CheckMachine(config, machine, script).ok());
}

v1::LoadConfig AtRate(double rate, std::uint32_t connections, double duration_seconds = 0, std::uint64_t operations = 0) {
  v1::LoadConfig config = GoodConfig();
  config.set_instances(1);
  config.set_rate(rate);
  config.set_connections(connections);
  config.set_duration_seconds(duration_seconds);
  config.set_operations(operations);
  return config;
}

TEST(DefaultBatch, IsTenMillisecondsOfTheRate) {
  EXPECT_EQ(DefaultBatch(AtRate(0, 7)), 4096u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 1)), 1'000u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 10)), 100u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 10), 0.05), 500u);
  EXPECT_EQ(DefaultBatch(AtRate(5, 1)), 1u);
  EXPECT_EQ(DefaultBatch(AtRate(1e9, 1)), 4096u);
}

TEST(DefaultBatch, IsNoLongerThanTheLoad) {
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 1, 0.002)), 200u);
  EXPECT_EQ(DefaultBatch(AtRate(100'000, 4, 0, 500)), 125u);
  EXPECT_EQ(DefaultBatch(AtRate(0, 1, 0, 500)), 4096u);  // a closed loop sends what there is
}

TEST(CheckConfig, RefusesABatchLongerThanTheLoadAtTheRate) {
  const auto check = [](v1::LoadConfig config, std::uint32_t batch) {
    config.set_batch(batch);
    return std::string(CheckConfig(config).message());
  };
  EXPECT_EQ(check(AtRate(100, 1, 10), 1'000), "");
  EXPECT_EQ(check(AtRate(100, 1, 10), 1'001),
            "--batch 1001: at --rate 100 one batch is 10.01s of load, more than --duration 10s; expected a --batch of at most "
            "1000");
  EXPECT_EQ(check(AtRate(100, 4, 10), 250), "");
  EXPECT_EQ(
      check(AtRate(100, 4, 10), 65'536),
      "--batch 65536: at --rate 100 over 4 connections one batch is 43m41.44s of load, more than --duration 10s; expected "
      "a --batch of at most 250");
  EXPECT_EQ(check(AtRate(1'000, 2, 0, 300), 151),
            "--batch 151: at --rate 1000 over 2 connections one batch is 302ms of load, more than --operations 300; expected a "
            "--batch of at most 150");
  EXPECT_THAT(check(AtRate(1, 4, 0.5), 1), HasSubstr("expected a longer load or fewer connections"));
  EXPECT_EQ(check(AtRate(1'000, 1), 65'536), "");  // until the workload ends, or for ever
  EXPECT_EQ(check(AtRate(0, 1, 0, 10), 4'096), "");
}

}  // namespace
}  // namespace alloclab::load
