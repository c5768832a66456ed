// What one user of a shared lab may have of what all share, and what is left for another then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/http/http_transport.h"
#include "server/limits.h"
#include "server/testing/eventually.h"
#include "server/testing/owners_fixture.h"
#include "server/web/live_stream.h"

namespace alloclab::server {
namespace {

// Bob's batches take long, and there are more of them than threads.
TEST_F(Owners, StreamsTakeTurns) {
  constexpr int kStreams = 8;
  v1::CreateInstanceRequest create;
  create.set_name("slow");
  create.mutable_config()->set_ram_bytes(16 << 20);
  create.mutable_config()->mutable_parameters()->insert({"heap.engine", "literal"});
  v1::Instance made;
  ASSERT_TRUE(Create(bob_, create, made).ok());
  create.set_name("hers");
  ASSERT_TRUE(Create(ada_, create, made).ok());
  BatchBuilder fill("slow"), slow("slow"), quick("hers");
  for (std::uint32_t i = 0; i < 3000; ++i) fill.Add(v1::MALLOC, i, 16);
  for (std::uint32_t i = 0; i < kBatchOperationsMax; ++i) slow.Add(v1::MALLOC, 3000, 0x7FFFFFF);  // looks at all, in vain
  quick.Add(v1::MALLOC, 0, 16);
  ASSERT_TRUE(As(bob_, [&](auto& context) {
                v1::BatchReply reply;
                return server_->heap->Apply(&context, fill.batch(), &reply);
              }).ok());
  struct OpenStream {
    OpenStream(v1::Heap::Stub& heap, const std::string& user, const v1::Batch& batch) {
      context.AddMetadata("authorization", user);
      stream = heap.Stream(&context);
      EXPECT_TRUE(stream->Write(batch));
    }
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::Batch, v1::BatchReply>> stream;
  };
  std::vector<std::unique_ptr<OpenStream>> of_bob;
  std::atomic<int> answered{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kStreams; ++i) {
    of_bob.push_back(std::make_unique<OpenStream>(*server_->heap, bob_, slow.batch()));
    readers.emplace_back([&answered, stream = of_bob.back()->stream.get()] {
      v1::BatchReply reply;
      answered += stream->Read(&reply);
    });
  }
  OpenStream of_ada(*server_->heap, ada_, quick.batch());
  v1::BatchReply reply;
  EXPECT_TRUE(of_ada.stream->Read(&reply));
  EXPECT_LE(answered, kStreams / 2) << "she would have waited for all of bob's but one of each thread";
  for (const auto& stream : of_bob) stream->context.TryCancel();
  for (std::thread& reader : readers) reader.join();
}

// What takes long of the page, more often than may wait.
TEST_F(Owners, NobodyHasAllTheThreadsOfThePage) {
  const v1::Run run = Submit(bob_, EndlessRun());
  ASSERT_EQ(Post(bob_, absl::StrCat("/api/runs/", run.id(), "/cancel")), 200);
  ASSERT_EQ(Post(bob_, absl::StrCat("/api/runs/", run.id(), "/open")), 200);
  const std::string far = absl::StrCat("/api/instances/run-", run.id(), "/seek?operation=", run.operations_total());
  std::atomic<int> served{0}, refused{0}, other{0};
  std::vector<std::thread> askers;
  for (std::size_t i = 0; i < kHttpThreads + kTurnsWaitingMax; ++i) {
    askers.emplace_back([&] {
      const int status = Post(bob_, far);
      ++(status == 200 ? served : status == 503 ? refused : other);
    });
  }
  EXPECT_TRUE(Eventually([&] { return refused > 0; })) << "at once, while the others are at it";
  EXPECT_EQ(Get(server_.server().web_address(), "/api/runs", absl::StrCat("Authorization: ", ada_, "\r\n")).status, 200);
  for (std::thread& asker : askers) asker.join();
  EXPECT_GE(served, kHttpThreads / 2);
  EXPECT_EQ(other, 0);
}

// All come by the same address, as through a proxy.
TEST_F(Owners, NobodyHasAllTheLiveStreamsOfAnAddress) {
  v1::CreateInstanceRequest create;
  create.set_name("watched");
  create.mutable_config()->set_ram_bytes(1 << 20);
  v1::Instance made;
  ASSERT_TRUE(Create(ada_, create, made).ok());
  const std::string& host = server_.server().web_address();
  std::vector<std::unique_ptr<Connection>> open;
  const auto status_of = [&](const std::string& user) {
    open.push_back(std::make_unique<Connection>(host));
    open.back()->Send(
        absl::StrCat("GET /api/instances/watched/live HTTP/1.1\r\nHost: ", host, "\r\nAuthorization: ", user, "\r\n\r\n"));
    return open.back()->ReceiveSome().substr(9, 3);
  };
  for (std::size_t i = 0; i < kLiveStreamsMax / 2; ++i) EXPECT_EQ(status_of(bob_), "200") << i;
  EXPECT_EQ(status_of(bob_), "503");
  EXPECT_EQ(status_of(ada_), "200");
}

TEST_F(Owners, NobodyHasAllTheMemoryAndHandles) {
  v1::CreateInstanceRequest create;
  create.mutable_config()->set_ram_bytes(1u << 30);
  const auto fill = [&](const std::string& user, const v1::Batch& batch) {
    v1::BatchReply reply;
    return As(user, [&](auto& context) { return server_->heap->Apply(&context, batch, &reply); });
  };
  const auto make = [&](const std::string& user, const std::string& name) {
    create.set_name(name);
    v1::Instance made;
    EXPECT_TRUE(Create(user, create, made).ok()) << name;
    return BatchBuilder(name);
  };
  const auto all = make(bob_, "greedy").Add(v1::MALLOC, 3 * kHandlesOfAll / 4, 16).batch();
  const grpc::Status handles = fill(bob_, all);
  EXPECT_EQ(handles.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(handles.error_message(), testing::HasSubstr("in use by instances of bob"));
  const auto large = make(bob_, "large").Add(v1::CALLOC, 0, 1, kMemoryOfAll / 4 * 3).batch();
  const grpc::Status memory = fill(bob_, large);
  EXPECT_EQ(memory.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(memory.error_message(), testing::HasSubstr("--owner-memory-max"));
  const auto some = make(ada_, "some").Add(v1::MALLOC, 0, 1 << 20).batch();
  EXPECT_TRUE(fill(ada_, some).ok());
}

}  // namespace
}  // namespace alloclab::server
