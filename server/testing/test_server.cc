#include "server/testing/test_server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "allocators/common/check.h"
#include "server/server/library_logs.h"
#include "server/testing/http_client.h"

namespace alloclab::server {

Stubs::Stubs(const std::string& address)
    : channel(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
      lab(v1::Lab::NewStub(channel)),
      heap(v1::Heap::NewStub(channel)),
      inspect(v1::Inspect::NewStub(channel)),
      workloads(v1::Workloads::NewStub(channel)),
      runs(v1::Runs::NewStub(channel)) {}

ServerOptions TestOptions(const std::filesystem::path& data_dir) {
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.metrics_listen = "";
  options.web_listen = "";
  options.data_dir = data_dir.string();
  return options;
}

TestServer::TestServer() : TestServer([](ServerOptions&) {}) {}

TestServer::TestServer(const std::function<void(ServerOptions&)>& change) : options_(TestOptions(directory_.path())) {
  ConfigureLog(LogFormat::kText, LogLevel::kError);
  RouteLibraryLogs();
  change(options_);
  Start();
}

void TestServer::Start() {
  auto started = LabServer::Start(options_);
  ALLOCLAB_CHECK_EQ(started.status().message(), "");
  server_ = *std::move(started);
  stubs_ = std::make_unique<Stubs>(server_->grpc_address());
}

void TestServer::Restart() {
  server_->Stop(MonotonicTime::Now());
  server_.reset();
  Start();
}

v1::Instance TestServer::Create(const std::string& name, const std::function<void(v1::InstanceConfig&)>& change) {
  v1::CreateInstanceRequest request;
  request.set_name(name);
  request.mutable_config()->set_ram_bytes(16 << 20);
  (*request.mutable_config()->mutable_parameters())["heap.limit_bytes"] = "8388608";
  change(*request.mutable_config());
  v1::Instance instance;
  const grpc::Status status = With([&](auto& context) { return stubs_->lab->CreateInstance(&context, request, &instance); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return instance;
}

void TestServer::BreakHeap(const std::string& instance, std::uint32_t block) {
  v1::TranslateRequest translate;
  translate.set_instance(instance);
  translate.set_address(block & ~0xFFFu);
  v1::Translation translation;
  ASSERT_TRUE(With([&](auto& context) { return stubs_->inspect->Translate(&context, translate, &translation); }).ok());
  v1::FreePagesRequest free;
  free.set_instance(instance);
  free.set_address(translation.physical());
  free.set_bytes(4096);
  v1::OperationReply freed;
  ASSERT_TRUE(With([&](auto& context) { return stubs_->heap->FreePages(&context, free, &freed); }).ok());
  EXPECT_EQ(freed.outcome(), v1::OK);
}

v1::Run TestServer::AwaitEnd(std::uint64_t id) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::WatchRunRequest request;
  request.set_id(id);
  const auto reader = stubs_->runs->WatchRun(&context, request);
  v1::Run run, last;
  while (reader->Read(&run)) last = run;
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return last;
}

v1::Run TestServer::RunToEnd(const v1::SubmitRunRequest& request) {
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return stubs_->runs->SubmitRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return AwaitEnd(run.id());
}

std::string TestServer::Scrape() {
  ALLOCLAB_CHECK(!server_->metrics_address().empty());
  return Get(server_->metrics_address(), "/metrics").body;
}

BatchBuilder& BatchBuilder::Add(v1::OpKind kind, std::uint32_t block, std::uint32_t size, std::uint32_t extra) {
  batch_.mutable_kinds()->push_back(static_cast<char>(kind));
  batch_.add_blocks(block);
  batch_.add_sizes(size);
  batch_.add_extras(extra);
  return *this;
}

v1::SubmitRunRequest SmallRun(std::uint64_t operations, std::uint64_t seed) {
  v1::SubmitRunRequest request;
  request.mutable_config()->set_ram_bytes(64 << 20);
  (*request.mutable_config()->mutable_parameters())["heap.limit_bytes"] = "33554432";
  v1::WorkloadSpec& spec = *request.mutable_workload()->mutable_spec();
  spec.set_name("small");
  spec.set_seed(seed);
  v1::Phase& phase = *spec.add_phases();
  phase.set_name("only");
  phase.set_operations(operations);
  phase.set_live_blocks(static_cast<std::uint32_t>(std::min<std::uint64_t>(1000, operations / 2)));
  phase.mutable_size()->mutable_uniform()->set_min(16);
  phase.mutable_size()->mutable_uniform()->set_max(256);
  return request;
}

v1::SubmitRunRequest EndlessRun() {
  v1::SubmitRunRequest request = SmallRun(20'000'000);
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->set_live_blocks(100'000);
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->set_operations(2'000'000);
  (*request.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  return request;
}

}  // namespace alloclab::server
