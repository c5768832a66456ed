// A real scrape: what it says, that the documentation says the same, and that it stays small.
#include <gmock/gmock.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"
#include "server/testing/scrape.h"
#include "server/testing/test_lab.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The labels that every series of a machine has, of the default allocators.
std::string LabelsOf(const std::string& lab_instance) {
  return "lab_instance=\"" + lab_instance + "\",heap_allocator=\"implicit-heap\",page_allocator=\"page-runs\"";
}

// Every counter that an allocator declares is a series of the same value. `value` finds one by name and further labels.
template <class Value>
void ExpectDeclared(const std::string& prefix, const google::protobuf::RepeatedPtrField<v1::Counter>& counters, Value value) {
  EXPECT_FALSE(counters.empty()) << prefix;
  for (const v1::Counter& counter : counters) {
    std::string labels;
    for (const v1::Label& label : counter.labels()) labels += "," + label.name() + "=\"" + label.value() + "\"";
    EXPECT_EQ(value(prefix + counter.name() + "_total", labels), counter.value()) << counter.name() << labels;
  }
}

TEST(Metrics, ASilentClientDoesNotKeepAnotherFromAScrape) {
  TestServer server(WithMetrics);
  std::deque<Connection> silent;
  for (int i = 0; i < 10; ++i) silent.emplace_back(server.server().metrics_address()).Send("GET /metr");
  const absl::Time began = absl::Now();
  EXPECT_THAT(server.Scrape(), HasSubstr("alloclab_server_info"));
  EXPECT_LT(absl::Now() - began, absl::Seconds(10));
}

TEST(Metrics, OtherPathsAreNotFound) {
  TestServer server(WithMetrics);
  const RawResponse response = Get(server.server().metrics_address(), "/metric");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("expected /metrics"));
}

TEST(Metrics, PromtoolFindsNothingWrong) {
  if (std::system("command -v promtool > /dev/null") != 0) GTEST_SKIP() << "promtool is not installed";
  TestServer server(WithMetrics);
  DoSomething(server);
  ASSERT_EQ(server.RunToEnd(SmallRun()).state(), v1::Run::SUCCEEDED);
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "scrape";
  std::ofstream(file) << server.Scrape();
  EXPECT_EQ(std::system(("promtool check metrics < " + file.string()).c_str()), 0);
}

TEST(Metrics, CountWhatABatchDid) {
  TestServer server(WithMetrics);
  DoSomething(server);
  const std::string apply = "grpc_service=\"alloclab.v1.Heap\",grpc_method=\"Apply\",grpc_type=\"unary\"";
  auto series = Series(server.Scrape());
  // The end of a call is counted after the caller has its reply.
  EXPECT_TRUE(Eventually([&] {
    series = Series(server.Scrape());
    return series.at("grpc_server_handling_seconds_count{" + apply + "}") == 1;
  }));
  const std::string heap = LabelsOf("a");
  EXPECT_EQ(series.at("alloclab_heap_operations_total{" + heap + ",operation=\"malloc\",result=\"ok\"}"), 2);
  EXPECT_EQ(series.at("alloclab_heap_operations_total{" + heap + ",operation=\"free\",result=\"failed\"}"), 1);
  EXPECT_EQ(series.at("alloclab_heap_failures_total{" + heap + ",outcome=\"double_free\"}"), 1);
  EXPECT_EQ(series.at("alloclab_heap_live_requested_bytes{" + heap + "}"), 50);
  EXPECT_EQ(series.at("alloclab_heap_request_size_bytes_count{" + heap + "}"), 2);
  EXPECT_EQ(series.at("alloclab_heap_request_size_bytes_bucket{" + heap + ",le=\"64\"}"), 1);
  EXPECT_EQ(series.at("alloclab_heap_request_size_bytes_sum{" + heap + "}"), 150);
  EXPECT_EQ(series.at("grpc_server_started_total{" + apply + "}"), 1);
  EXPECT_EQ(series.at("grpc_server_msg_received_total{" + apply + "}"), 1);
  EXPECT_EQ(series.at("grpc_server_msg_sent_total{" + apply + "}"), 1);
  EXPECT_EQ(series.at("grpc_server_handled_total{" + apply + ",grpc_code=\"OK\"}"), 1);
  EXPECT_GT(series.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(series.at("process_threads"), 1);
}

TEST(Metrics, SeriesExistAtZeroBeforeTheFirstOperation) {
  TestServer server(WithMetrics);
  server.Create("fresh");
  const auto series = Series(server.Scrape());
  const std::string heap = LabelsOf("fresh");
  for (const std::string& name :
       {"alloclab_heap_splits_total{" + heap + "}", "alloclab_heap_steps_per_search_count{" + heap + "}",
        "alloclab_heap_failures_total{" + heap + ",outcome=\"fragmented\"}",
        "alloclab_heap_merges_total{" + heap + ",with=\"both\"}",
        "alloclab_machine_page_faults_total{" + heap + ",kind=\"demand\"}"}) {
    ASSERT_TRUE(series.contains(name)) << name;
    EXPECT_EQ(series.at(name), 0) << name;
  }
}

TEST(Metrics, UnknownMethodsAreOther) {
  TestServer server(WithMetrics);
  grpc::ClientContext context;
  v1::Server reply;
  const grpc::internal::RpcMethod method("/alloclab.v1.Lab/Nonsense", grpc::internal::RpcMethod::NORMAL_RPC);
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall<v1::GetServerRequest, v1::Server>(server->channel.get(), method, &context, {}, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  const std::string scrape = server.Scrape();
  EXPECT_THAT(scrape, Not(HasSubstr("Nonsense")));
  EXPECT_EQ(Series(scrape).at("grpc_server_started_total{grpc_service=\"other\",grpc_method=\"other\",grpc_type=\"unary\"}"),
            1);
}

// The counters of a run, read back from /metrics, are those of its result.
TEST(Metrics, SeriesOfARunEqualItsResult) {
  TestServer server(WithMetrics);
  v1::SubmitRunRequest request = SmallRun(50'000);
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->mutable_mix()->set_malloc(2);
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->mutable_mix()->set_realloc(1);
  const v1::Run run = server.RunToEnd(request);
  ASSERT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
  const v1::Counters& counters = run.result().exact().counters();
  const auto series = Series(server.Scrape());
  const std::string heap = LabelsOf("run-" + std::to_string(run.id()));
  const auto value = [&](const std::string& name, const std::string& labels = "") {
    const std::string key = name + "{" + heap + labels + "}";
    EXPECT_TRUE(series.contains(key)) << key;
    return series.contains(key) ? static_cast<std::uint64_t>(series.at(key)) : 0;
  };
  std::map<std::string, std::uint64_t> ok;
  for (const v1::OutcomeCount& count : counters.outcomes()) {
    if (count.outcome() == "ok" || count.outcome() == "zero_size") ok[count.operation()] += count.count();
  }
  EXPECT_EQ(value("alloclab_heap_operations_total", ",operation=\"malloc\",result=\"ok\""), ok["malloc"]);
  EXPECT_EQ(value("alloclab_heap_operations_total", ",operation=\"realloc\",result=\"ok\""), ok["realloc"]);
  EXPECT_EQ(value("alloclab_heap_operations_total", ",operation=\"free\",result=\"ok\""), ok["free"]);
  EXPECT_GT(ok["realloc"], 0u);
  EXPECT_EQ(value("alloclab_heap_steps_per_search_sum"), counters.heap_search_steps().sum());
  ExpectDeclared("alloclab_heap_", counters.heap(), value);
  ExpectDeclared("alloclab_pages_", counters.pages(), value);
  ExpectDeclared("alloclab_machine_", counters.machine(), value);
  EXPECT_EQ(value("alloclab_heap_size_peak_bytes"), counters.heap_size_peak_bytes());
  EXPECT_EQ(value("alloclab_heap_live_requested_peak_bytes"), counters.live_requested_peak_bytes());
  EXPECT_EQ(value("alloclab_heap_free_bytes"), run.result().exact().heap().free_bytes());
}

// Blocks that cannot be counted are no series, and no zeros.
TEST(Metrics, SayThatAHeapIsBroken) {
  TestServer server(WithMetrics);
  server.Create("wreck", [](v1::InstanceConfig& config) { config.set_unguarded(true); });
  v1::MallocRequest malloc;
  malloc.set_instance("wreck");
  malloc.set_bytes(1000);
  v1::OperationReply first;
  ASSERT_TRUE(With([&](auto& context) { return server->heap->Malloc(&context, malloc, &first); }).ok());
  const std::string broken = "alloclab_heap_broken{" + LabelsOf("wreck") + "}";
  const std::string live = "alloclab_heap_live_blocks{" + LabelsOf("wreck") + "}";
  EXPECT_EQ(Series(server.Scrape()).at(broken), 0);
  EXPECT_EQ(Series(server.Scrape()).at(live), 1);
  server.BreakHeap("wreck", first.address());
  const auto series = Series(server.Scrape());
  EXPECT_EQ(series.at(broken), 1);
  EXPECT_FALSE(series.contains(live));
  EXPECT_FALSE(series.contains("alloclab_heap_free_bytes{" + LabelsOf("wreck") + "}"));
  EXPECT_FALSE(series.contains("alloclab_heap_free_blocks_by_size{" + LabelsOf("wreck") + ",up_to=\"+Inf\"}"));
  EXPECT_EQ(series.at("alloclab_heap_live_requested_bytes{" + LabelsOf("wreck") + "}"), 1000);
  EXPECT_EQ(series.at("alloclab_pages_broken{" + LabelsOf("wreck") + "}"), 0);
}

TEST(Metrics, DeletedInstancesLingerAndANewOneTakesTheName) {
  TestServer server(WithMetrics);
  DoSomething(server);
  v1::DeleteInstanceRequest remove;
  remove.set_instance("a");
  v1::DeleteInstanceResponse removed;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->DeleteInstance(&context, remove, &removed); }).ok());
  const std::string allocs = "alloclab_heap_operations_total{" + LabelsOf("a") + ",operation=\"malloc\",result=\"ok\"}";
  EXPECT_EQ(Series(server.Scrape()).at(allocs), 2);
  server.Create("a");
  EXPECT_EQ(Series(server.Scrape()).at(allocs), 0);
}

// What is not named is summed, and the sum never goes down.
TEST(Metrics, InstancesBeyondTheNamedOnesAreSummedAsOther) {
  TestServer server([](ServerOptions& options) {
    WithMetrics(options);
    options.named_instances_max = 1;
  });
  server.Create("named");
  const std::string allocs = "alloclab_heap_operations_total{" + LabelsOf("other") + ",operation=\"malloc\",result=\"ok\"}";
  const std::string live = "alloclab_heap_live_requested_bytes{" + LabelsOf("other") + "}";
  for (const char* name : {"b", "c"}) {
    server.Create(name);
    v1::BatchReply reply;
    const v1::Batch batch = BatchBuilder(name).Add(v1::MALLOC, 0, 100).batch();
    ASSERT_TRUE(With([&](auto& context) { return server->heap->Apply(&context, batch, &reply); }).ok());
  }
  auto series = Series(server.Scrape());
  EXPECT_EQ(series.at(allocs), 2);
  EXPECT_EQ(series.at(live), 200);
  v1::DeleteInstanceRequest remove;
  remove.set_instance("b");
  v1::DeleteInstanceResponse removed;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->DeleteInstance(&context, remove, &removed); }).ok());
  series = Series(server.Scrape());
  EXPECT_EQ(series.at(allocs), 2);
  EXPECT_EQ(series.at(live), 100);
}

// A long batch of the literal engine does not hold the scrape up.
TEST(Metrics, DoNotWaitForALongBatch) {
  TestServer server(WithMetrics);
  server.Create("busy", [](v1::InstanceConfig& config) {
    config.set_ram_bytes(64 << 20);
    (*config.mutable_parameters())["heap.engine"] = "literal";
    (*config.mutable_parameters())["heap.limit_bytes"] = "33554432";
  });
  BatchBuilder builder("busy");
  for (std::uint32_t i = 0; i < 24'000; ++i) builder.Add(v1::MALLOC, i, 16);
  std::atomic<bool> done{false};
  std::thread client([&] {
    v1::BatchReply reply;
    EXPECT_TRUE(With([&](auto& context) { return server->heap->Apply(&context, builder.batch(), &reply); }).ok());
    done = true;
  });
  absl::SleepFor(absl::Milliseconds(100));
  int scrapes_meanwhile = 0;
  while (!done && scrapes_meanwhile < 5) {
    EXPECT_THAT(server.Scrape(), HasSubstr("lab_instance=\"busy\""));
    if (!done) ++scrapes_meanwhile;
  }
  client.join();
  EXPECT_GE(scrapes_meanwhile, 2) << "each scrape waited for the batch";
}

// A clock that the test sets says how old the shared scrape is.
TEST(Metrics, ScrapersOfManyInstancesShareAScrapeForASecond) {
  TestLab lab;
  InstanceRegistry instances(lab.ids, lab.heaps, lab.budget, kOthersReadMax + 2);
  RpcMetrics rpcs;
  const MetricsSources sources{
      lab.heaps, instances, lab.runs, rpcs, *lab.budget, [] { return 0; }, [] { return ConnectionFigures{}; }};
  MonotonicTime now = MonotonicTime::Now();
  AnswerCache<std::string> cache([&] { return now; }, kScrapeAgeMax);
  const auto seen = [&] { return Series(ScrapeText(sources, cache)).at("alloclab_server_instances"); };
  const auto create = [&] { ASSERT_TRUE(instances.Create({"", SmallMachine(), "", ""}).ok()); };
  for (std::size_t i = 0; i < kOthersReadMax; ++i) create();
  EXPECT_EQ(seen(), kOthersReadMax);
  create();
  EXPECT_EQ(seen(), kOthersReadMax + 1) << "what few instances say is shared by nobody";
  create();
  now = now + kScrapeAgeMax;
  EXPECT_EQ(seen(), kOthersReadMax + 1);
  now = now + absl::Nanoseconds(1);
  EXPECT_EQ(seen(), kOthersReadMax + 2);
}

TEST(Metrics, TenThousandInstancesMakeFewSeries) {
  TestServer server(WithMetrics);
  for (int i = 0; i < 10'000; ++i) {
    v1::CreateInstanceRequest request;
    v1::Instance reply;
    ASSERT_TRUE(With([&](auto& context) { return server->lab->CreateInstance(&context, request, &reply); }).ok());
  }
  v1::CreateInstanceRequest one_more;
  v1::Instance refused;
  EXPECT_EQ(With([&](auto& context) { return server->lab->CreateInstance(&context, one_more, &refused); }).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  const absl::Time began = absl::Now();
  const std::string scrape = server.Scrape();
  const absl::Duration took = absl::Now() - began;
  const std::size_t series = Series(scrape).size();
  std::printf("10,000 instances: %zu series, %zu bytes, %s\n", series, scrape.size(), absl::FormatDuration(took).c_str());
  EXPECT_LT(series, 2000u);
  EXPECT_LT(scrape.size(), 1u << 20);
  EXPECT_LT(took, absl::Seconds(2)) << "200 ms on an idle machine";
}

}  // namespace
}  // namespace alloclab::server
