// Requests that no client of ours would send: mutated and random bytes to every method. The server answers each with a status
// that means something, and lives.
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <array>
#include <future>
#include <memory>
#include <random>
#include <vector>

#include "proto/converters/methods_testing.h"
#include "server/http/listener.h"
#include "server/limits.h"
#include "server/server/health_check.h"
#include "server/testing/eventually.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

// Messages that mean something, as a start for mutations.
std::vector<std::string> Seeds() {
  v1::CreateInstanceRequest create;
  create.set_name("mutant");
  create.mutable_config()->set_ram_bytes(1 << 20);
  (*create.mutable_config()->mutable_parameters())["heap.limit_bytes"] = "4194304";
  const v1::Batch batch = BatchBuilder("a").Add(v1::MALLOC, 0, 16).Add(v1::REALLOC, 0, 32).Add(v1::FREE, 0).batch();
  v1::ReadMemoryRequest read;
  read.set_instance("a");
  read.set_address(0xC0400000);
  read.set_bytes(64);
  v1::UploadTraceRequest upload;
  upload.set_name("t.rep");
  upload.set_data("20000000\n1\n2\n1\na 0 100\nf 0\n");
  return {create.SerializeAsString(), batch.SerializeAsString(), read.SerializeAsString(), upload.SerializeAsString(),
          SmallRun(100).SerializeAsString()};
}

std::string Mutate(std::string bytes, std::mt19937& random) {
  for (unsigned i = 0; i <= random() % 3; ++i) {
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    switch (random() % 4) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 2:
        bytes.erase(at, random() % 4);
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

grpc::Status Send(grpc::GenericStub& stub, const std::string& path, const std::string& bytes) {
  grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer reply;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, path, {}, &request, &reply, [&](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

TEST(HostileBytes, AreRefusedByEveryMethod) {
  TestServer server;
  server.Create("a");
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto methods = AllMethods();
  const std::vector<std::string> seeds = Seeds();
  grpc::GenericStub stub(server->channel);
  for (int i = 0; i < 3000; ++i) {
    const std::string path = PathOf(*methods[random() % methods.size()]);
    const grpc::Status status = Send(stub, path, Mutate(seeds[random() % seeds.size()], random));
    ASSERT_NE(status.error_code(), grpc::StatusCode::UNKNOWN) << path << ": " << status.error_message();
    ASSERT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << path << ": " << status.error_message();
    ASSERT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << path;
  }
  EXPECT_TRUE(CheckHealth(*ParseBindAddress(server.server().grpc_address()), "").ok());
}

TEST(HostileBytes, BytesThatAreNoMessageAreInternal) {
  TestServer server;
  grpc::GenericStub stub(server->channel);
  for (const auto* method : AllMethods()) {
    if (method->client_streaming() || method->server_streaming()) continue;
    const grpc::Status status = Send(stub, PathOf(*method), "\xff\xff");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL) << method->full_name() << ": " << status.error_message();
  }
}

// By IPv6 too, where there is one: the server knows its clients by the names that gRPC gives them.
TEST(HostileCalls, WhoCancelsTooOftenIsHungUpOn) {
  for (const char* listen : {"127.0.0.1:0", "[::1]:0"}) {
    if (!Listener::Open("--listen", *ParseBindAddress(listen)).ok()) continue;
    TestServer server([&](ServerOptions& options) {
      options.listen = listen;
      options.metrics_listen = "127.0.0.1:0";
    });
    const auto is_hung_up_on = [&] {
      return server.Scrape().find("alloclab_server_connections_ended_total{reason=\"cancels\"} 0") == std::string::npos;
    };
    EXPECT_FALSE(is_hung_up_on());
    for (std::uint32_t i = 0; i < kCancelsAtOnceMax && !is_hung_up_on(); ++i) {
      std::array<grpc::ClientContext, 24> contexts;  // at once, so that a busy machine makes them fast enough
      std::vector<std::unique_ptr<grpc::ClientReaderWriter<v1::Batch, v1::BatchReply>>> streams;
      for (grpc::ClientContext& context : contexts) streams.push_back(server->heap->Stream(&context));
      for (grpc::ClientContext& context : contexts) context.TryCancel();
      for (const auto& stream : streams) stream->Finish();
    }
    EXPECT_TRUE(is_hung_up_on()) << listen;
    EXPECT_TRUE(Eventually([&] { return CheckHealth(*ParseBindAddress(server.server().grpc_address()), "").ok(); }))
        << "who comes again is let in";
  }
}

}  // namespace
}  // namespace alloclab::server
