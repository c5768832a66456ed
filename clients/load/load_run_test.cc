// Whole loads against the real server.
#include "clients/load/load_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "allocators/common/sha256.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/run.h"
#include "allocators/workload/workload_spec.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/load/load_config.h"
#include "clients/load/temporary_server.h"

namespace alloclab::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;

const TemporaryServer& Server() {
  static const TemporaryServer server;
  return server;
}

client::Connection Connect(const std::string& address = Server().address()) {
  return client::Connection({.server = address, .timeout = seconds(20), .wait = {}});
}

v1::LoadConfig Config() {
  v1::LoadConfig config;
  config.set_connections(1);
  config.set_instances(1);
  config.set_batch(256);
  config.set_window(4);
  config.set_repeat(1);
  config.set_timeout_seconds(20);
  config.mutable_instance_config()->set_ram_bytes(64 << 20);
  return config;
}

Trace SmallTrace(std::uint64_t operations) { return *MakeBuiltin("steady-state", 0, operations); }

LoadSetup SetupFor(const v1::LoadConfig& config, const Trace& trace, const std::string& address = Server().address()) {
  LoadSetup setup{.connection = {.server = address, .timeout = seconds(20), .wait = {}},
                  .config = config,
                  .script = std::make_shared<const Script>(MakeScript("test", trace)),
                  .names = {},
                  .meter = [](const std::string&) { return std::make_shared<Meter>(); }};
  for (std::uint32_t i = 0; config.instance().empty() && i < config.instances(); ++i) {
    setup.names.push_back("load-test-" + std::to_string(i));
  }
  return setup;
}

LoadRun::Result Execute(LoadSetup setup) {
  absl::StatusOr<std::unique_ptr<LoadRun>> run = LoadRun::Start(std::move(setup));
  if (!run.ok()) return {.report = {}, .error = run.status()};
  while (!(*run)->WaitFor(milliseconds(50))) {
  }
  return (*run)->Finish();
}

std::vector<std::string> InstancesThere() {
  const auto list = Connect().Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
  std::vector<std::string> names;
  for (const v1::Instance& instance : list->instances()) names.push_back(instance.name());
  return names;
}

// The digest of the heap's metadata, as run.h defines it, from what the server shows of the instance.
std::string DigestOf(const std::string& instance) {
  const client::Connection connection = Connect();
  v1::Inspect::Stub stub(connection.channel());
  v1::WalkBlocksRequest request;
  request.set_instance(instance);
  request.set_allocator(v1::HEAP);
  const auto context = connection.MakeContext();
  const auto reader = stub.WalkBlocks(context.get(), request);
  std::string words;
  for (v1::BlockList list; reader->Read(&list);) {
    EXPECT_EQ(list.field_names(0), "header");
    for (const v1::Block& block : list.blocks()) {
      for (int shift = 0; shift < 32; shift += 8) words.push_back(static_cast<char>(block.fields(0) >> shift));
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  Sha256 digest;
  digest.Update(words);
  return digest.HexDigest();
}

void ExpectCounts(const google::protobuf::RepeatedPtrField<v1::Counter>& told, const std::vector<Count>& counts) {
  ASSERT_EQ(static_cast<std::size_t>(told.size()), counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(told[static_cast<int>(i)].name(), counts[i].info->name);
    EXPECT_EQ(told[static_cast<int>(i)].value(), counts[i].value) << counts[i].info->name;
  }
}

TEST(LoadRun, GoesWhereTheServerWasFoundWhateverItsNameIs) {
  const std::string address = "ipv4:" + Server().address();
  const client::Connection found(
      {.server = "no-such-host.invalid:7411", .timeout = seconds(20), .wait = {}, .address = address});
  EXPECT_TRUE(found.Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest()).ok());
}

TEST(LoadRun, OneConnectionGivesWhatTheSameRunInProcessGives) {
  const Trace trace = SmallTrace(50'000);
  LoadSetup setup = SetupFor(Config(), trace);
  setup.keep = true;
  const LoadRun::Result result = Execute(std::move(setup));
  ASSERT_TRUE(result.error.ok()) << result.error;
  InstanceConfig machine;
  machine.ram_bytes = 64 << 20;
  const absl::StatusOr<RunResult> in_process = ExecuteRun(trace, machine, {});
  ASSERT_TRUE(in_process.ok());

  const v1::LoadReport& report = result.report;
  EXPECT_TRUE(report.order_is_trace());
  EXPECT_EQ(report.operations(), trace.operations.size());
  EXPECT_EQ(report.lost_operations(), 0u);
  ASSERT_EQ(report.instances_size(), 1);
  const v1::Statistics& statistics = report.instances(0).statistics();
  const DriverCounters& counters = in_process->counters;
  EXPECT_EQ(statistics.counters().operations(), trace.operations.size());
  EXPECT_EQ(statistics.counters().requested_bytes(),
            std::accumulate(counters.requested_bytes.begin(), counters.requested_bytes.end(), std::uint64_t{0}));
  EXPECT_EQ(statistics.counters().live_blocks(), counters.live_blocks);
  EXPECT_EQ(statistics.counters().live_requested_peak_bytes(), counters.live_requested_peak_bytes);
  ExpectCounts(statistics.counters().heap(), in_process->heap_counts);
  ExpectCounts(statistics.counters().pages(), in_process->page_counts);
  const Checkpoint& end = in_process->checkpoints.back();
  EXPECT_EQ(statistics.heap().brk(), end.heap.brk.raw());
  EXPECT_EQ(statistics.heap().free_bytes(), end.heap.free_bytes);
  EXPECT_EQ(DigestOf("load-test-0"), end.metadata_sha256);

  // And what the client counted is what the driver counted.
  for (const v1::OutcomeCount& outcome : report.outcomes()) {
    std::uint64_t counted = 0;
    for (std::uint32_t kind = 0; kind < kOpKinds; ++kind) {
      for (std::uint32_t number = 0; number < kOutcomeSlots; ++number) {
        if (OpKindName(static_cast<OpKind>(kind)) != outcome.operation()) continue;
        if (OutcomeName(static_cast<Outcome>(number)) == outcome.outcome()) counted += counters.outcomes[kind][number];
      }
    }
    EXPECT_EQ(outcome.count(), counted) << outcome.ShortDebugString();
  }
  v1::DeleteInstanceRequest request;
  request.set_instance("load-test-0");
  EXPECT_TRUE(Connect().Call(&v1::Lab::Stub::DeleteInstance, request).ok());
}

TEST(LoadRun, EveryPassBeginsOnAFreshInstance) {
  const Trace trace = SmallTrace(5'000);
  const LoadRun::Result once = Execute(SetupFor(Config(), trace));
  v1::LoadConfig config = Config();
  config.set_repeat(3);
  const LoadRun::Result thrice = Execute(SetupFor(config, trace));
  ASSERT_TRUE(once.error.ok() && thrice.error.ok()) << once.error << thrice.error;
  EXPECT_EQ(thrice.report.passes(), 3u);
  EXPECT_EQ(thrice.report.operations(), 3 * trace.operations.size());
  EXPECT_EQ(thrice.report.instances(0).statistics().counters().SerializeAsString(),
            once.report.instances(0).statistics().counters().SerializeAsString());
  EXPECT_GT(thrice.report.between_passes_seconds(), 0);
}

TEST(LoadRun, ConnectionsThatShareAnInstanceDoNotMeet) {
  const Trace trace = SmallTrace(5'000);
  v1::LoadConfig config = Config();
  config.set_connections(3);
  config.set_repeat(2);
  const LoadRun::Result result = Execute(SetupFor(config, trace));
  ASSERT_TRUE(result.error.ok()) << result.error;
  EXPECT_FALSE(result.report.order_is_trace());
  EXPECT_EQ(result.report.failed_operations(), 0u);
  const std::size_t left = FreesOfWhatIsLeft(trace).size();
  EXPECT_EQ(result.report.operations(), 3 * (2 * trace.operations.size() + left));
  EXPECT_EQ(result.report.instances(0).statistics().counters().live_blocks(), 3 * left);
}

TEST(LoadRun, LeavesNoInstanceBehind) {
  v1::LoadConfig config = Config();
  config.set_connections(4);
  config.set_instances(2);
  ASSERT_TRUE(Execute(SetupFor(config, SmallTrace(1'000))).error.ok());
  EXPECT_THAT(InstancesThere(), IsEmpty());
}

TEST(LoadRun, KeepsAnInstanceThatIsNotItsOwn) {
  v1::CreateInstanceRequest request;
  request.set_name("mine");
  ASSERT_TRUE(Connect().Call(&v1::Lab::Stub::CreateInstance, request).ok());
  v1::LoadConfig config = Config();
  config.set_instance("mine");
  config.set_instances(0);
  const LoadRun::Result result = Execute(SetupFor(config, SmallTrace(1'000)));
  EXPECT_TRUE(result.error.ok()) << result.error;
  EXPECT_THAT(InstancesThere(), testing::ElementsAre("mine"));
  v1::DeleteInstanceRequest gone;
  gone.set_instance("mine");
  EXPECT_TRUE(Connect().Call(&v1::Lab::Stub::DeleteInstance, gone).ok());
}

TEST(LoadRun, DoesExactlyTheOperationsAskedFor) {
  v1::LoadConfig config = Config();
  config.set_connections(3);
  config.set_instances(3);
  config.set_operations(12'346);
  config.set_repeat(0);
  const LoadRun::Result result = Execute(SetupFor(config, SmallTrace(1'000)));
  ASSERT_TRUE(result.error.ok()) << result.error;
  EXPECT_EQ(result.report.operations(), 12'346u);
  EXPECT_THAT(InstancesThere(), IsEmpty());
}

// What was due is known exactly, however busy the machine: sent or dropped, it is all in the report.
TEST(LoadRun, AccountsForTheWholeScheduleAtARate) {
  v1::LoadConfig config = Config();
  config.set_rate(20'000);
  config.set_batch(100);
  config.set_duration_seconds(0.5);
  config.set_repeat(0);
  for (const bool poisson : {false, true}) {
    config.set_arrival(poisson ? v1::LoadConfig::POISSON : v1::LoadConfig::CONSTANT);
    const LoadRun::Result result = Execute(SetupFor(config, SmallTrace(100'000)));
    ASSERT_TRUE(result.error.ok()) << result.error;
    const v1::LoadSchedule& schedule = result.report.schedule();
    EXPECT_NEAR(static_cast<double>(schedule.scheduled()), 10'000, poisson ? 4'000 : 0);
    EXPECT_EQ(schedule.scheduled(), result.report.operations() + schedule.dropped_overrun() +
                                        schedule.dropped_inflight_limit() + schedule.dropped_aborted());
    EXPECT_EQ(schedule.lag().count(), result.report.response().count());
    EXPECT_GE(result.report.response().max_seconds(), result.report.service().max_seconds() * 0.99);
  }
}

TEST(LoadRun, IsHonestAboveCapacity) {
  v1::LoadConfig config = Config();
  config.set_rate(900'000'000);
  config.set_batch(1'000);
  config.set_window(1);
  config.set_duration_seconds(0.3);
  config.set_repeat(0);
  const LoadRun::Result result = Execute(SetupFor(config, SmallTrace(100'000)));
  ASSERT_TRUE(result.error.ok()) << result.error;
  const v1::LoadSchedule& schedule = result.report.schedule();
  EXPECT_GT(result.report.operations(), 0u);
  EXPECT_GT(schedule.dropped_inflight_limit() + schedule.dropped_overrun(), result.report.operations());
  EXPECT_LT(result.report.operations_per_second(), 900'000'000);
}

// 30 batches are due in the warm-up and 30 after it, however late this machine is with the first ones.
TEST(LoadRun, MeasuresWhatIsDueAfterTheWarmUp) {
  v1::LoadConfig config = Config();
  config.set_rate(10'000);
  config.set_batch(100);
  config.set_warmup_seconds(0.3);
  config.set_duration_seconds(0.3);
  config.set_repeat(0);
  const LoadRun::Result result = Execute(SetupFor(config, SmallTrace(100'000)));
  ASSERT_TRUE(result.error.ok()) << result.error;
  EXPECT_GT(result.report.warmup_operations(), 0u);
  EXPECT_GE(result.report.elapsed_seconds(), 0.29);
  EXPECT_EQ(result.report.instances(0).operations(), result.report.operations() + result.report.warmup_operations());
  const v1::LoadSchedule& schedule = result.report.schedule();
  EXPECT_EQ(schedule.scheduled(), 3'000u);
  EXPECT_EQ(schedule.scheduled(), result.report.operations() + schedule.dropped_overrun() + schedule.dropped_inflight_limit() +
                                      schedule.dropped_aborted());
  EXPECT_EQ(schedule.lag().count(), result.report.response().count());
}

TEST(LoadRun, DrainsWhenInterrupted) {
  v1::LoadConfig config = Config();
  config.set_rate(10'000);
  config.set_repeat(0);
  auto run = LoadRun::Start(SetupFor(config, SmallTrace(100'000)));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_FALSE((*run)->WaitFor(milliseconds(200)));
  (*run)->Drain();
  EXPECT_TRUE((*run)->WaitFor(seconds(20)));
  const LoadRun::Result result = (*run)->Finish();
  EXPECT_TRUE(result.error.ok()) << result.error;
  EXPECT_GT(result.report.operations(), 0u);
  EXPECT_EQ(result.report.lost_operations(), 0u);
  EXPECT_THAT(InstancesThere(), IsEmpty());
}

TEST(LoadRun, CountsOutOfMemoryAsAnOutcome) {
  v1::LoadConfig config = Config();
  config.mutable_instance_config()->set_ram_bytes(1 << 20);
  Trace trace;
  for (std::uint32_t i = 0; i < 100; ++i) trace.operations.push_back({.kind = OpKind::kMalloc, .block = i, .size = 64 << 10});
  trace.heap_handles = 100;
  const LoadRun::Result result = Execute(SetupFor(config, trace));
  EXPECT_TRUE(result.error.ok()) << result.error;
  EXPECT_EQ(result.report.operations(), 100u);
  EXPECT_GT(result.report.failed_operations(), 0u);
  EXPECT_LT(result.report.failed_operations(), 100u);
}

TEST(LoadRun, TellsANullForNoBytesFromABlock) {
  Trace trace;
  for (std::uint32_t i = 0; i < 10; ++i)
    trace.operations.push_back({.kind = OpKind::kMalloc, .block = i, .size = i < 4 ? 0u : 8u});
  trace.heap_handles = 10;
  const LoadRun::Result result = Execute(SetupFor(Config(), trace));
  ASSERT_TRUE(result.error.ok()) << result.error;
  EXPECT_EQ(result.report.failed_operations(), 0u);
  ASSERT_EQ(result.report.outcomes_size(), 2);
  EXPECT_EQ(result.report.outcomes(0).count(), 6u);
  EXPECT_EQ(result.report.outcomes(1).outcome(), "zero_size");
  EXPECT_EQ(result.report.outcomes(1).count(), 4u);
}

TEST(LoadRun, SaysWhatIsWrongWithTheInstance) {
  v1::LoadConfig config = Config();
  config.mutable_instance_config()->set_heap_allocator("no-such-heap");
  EXPECT_TRUE(absl::IsInvalidArgument(Execute(SetupFor(config, SmallTrace(1'000))).error));
  config = Config();
  config.set_instance("nobody");
  EXPECT_TRUE(absl::IsNotFound(Execute(SetupFor(config, SmallTrace(1'000))).error));
  EXPECT_THAT(InstancesThere(), IsEmpty());
}

TEST(LoadRun, ReportsWhatWasLostWhenTheServerDies) {
  TemporaryServer server;
  v1::LoadConfig config = Config();
  config.set_connections(2);
  config.set_instances(2);
  config.set_repeat(0);
  auto run = LoadRun::Start(SetupFor(config, SmallTrace(100'000), server.address()));
  ASSERT_TRUE(run.ok()) << run.status();
  while ((*run)->Read().counts.Answered() == 0) EXPECT_FALSE((*run)->WaitFor(milliseconds(10)));
  server.Kill();
  while (!(*run)->WaitFor(milliseconds(50))) {
  }
  const LoadRun::Result result = (*run)->Finish();
  EXPECT_TRUE(absl::IsUnavailable(result.error)) << result.error;
  EXPECT_GT(result.report.operations(), 0u);
  ASSERT_EQ(result.report.errors_size(), 1);
  EXPECT_EQ(result.report.errors(0).code(), "UNAVAILABLE");
}

}  // namespace
}  // namespace alloclab::load
