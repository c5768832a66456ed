// The stream of batches over a real channel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

v1::Batch Batch(const std::string& instance, std::uint64_t sequence, std::uint32_t operations) {
  BatchBuilder builder(instance);
  for (std::uint32_t i = 0; i < operations; ++i) builder.Add(i % 2 == 0 ? v1::MALLOC : v1::FREE, i / 2, 32);
  v1::Batch batch = builder.batch();
  batch.set_sequence(sequence);
  return batch;
}

TEST(HeapStream, AnswersInOrder) {
  TestServer server;
  server.Create("a");
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  constexpr std::uint64_t kBatches = 200;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kBatches; ++i) EXPECT_TRUE(stream->Write(Batch(i == 1 ? "a" : "", i, 64)));
    stream->WritesDone();
  });
  v1::BatchReply reply;
  std::uint64_t replies = 0;
  while (stream->Read(&reply)) {
    EXPECT_EQ(reply.sequence(), ++replies);
    EXPECT_EQ(reply.operations(), 64u);
    EXPECT_EQ(reply.failed(), 0u);
  }
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(replies, kBatches);
}

// Quick batches and long ones are worked on by different threads.
TEST(HeapStream, AnswersBatchesOfEverySizeInOrder) {
  TestServer server;
  server.Create("a");
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::uint32_t> sizes;
  for (int i = 0; i < 400; ++i) sizes.push_back(static_cast<std::uint32_t>(random() % (random() % 8 == 0 ? 20'000 : 16)));
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  std::thread writer([&] {
    for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_TRUE(stream->Write(Batch("a", i, sizes[i])));
    stream->WritesDone();
  });
  v1::BatchReply reply;
  std::size_t replies = 0;
  for (; replies < sizes.size() && stream->Read(&reply); ++replies) {
    EXPECT_EQ(reply.sequence(), replies);
    EXPECT_EQ(reply.operations(), sizes[replies]);
    EXPECT_EQ(static_cast<std::uint32_t>(reply.addresses_size()), sizes[replies]);
  }
  writer.join();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(replies, sizes.size());
}

TEST(HeapStream, WhatCameBeforeABadBatchIsAnswered) {
  TestServer server;
  server.Create("a");
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  v1::Batch bad = Batch("a", 99, 4);
  (*bad.mutable_kinds())[3] = 99;
  constexpr std::uint64_t kGood = 20;
  for (std::uint64_t i = 0; i < kGood; ++i) ASSERT_TRUE(stream->Write(Batch("a", i, i % 2 == 0 ? 3 : 3000)));
  ASSERT_TRUE(stream->Write(bad));
  v1::BatchReply reply;
  std::uint64_t replies = 0;
  while (stream->Read(&reply)) EXPECT_EQ(reply.sequence(), replies++);
  EXPECT_EQ(replies, kGood);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(HeapStream, BadBatchEndsItAndChangesNothing) {
  TestServer server;
  server.Create("a");
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  v1::BatchReply reply;
  ASSERT_TRUE(stream->Write(Batch("a", 1, 4)));
  ASSERT_TRUE(stream->Read(&reply));
  v1::Batch bad = Batch("", 2, 4);
  (*bad.mutable_kinds())[3] = 99;
  ASSERT_TRUE(stream->Write(bad));
  EXPECT_FALSE(stream->Read(&reply));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("kinds[3]: 99"));
  v1::GetInstanceRequest request;
  request.set_instance("a");
  v1::Instance a;
  ASSERT_TRUE(With([&](auto& call) { return server->lab->GetInstance(&call, request, &a); }).ok());
  EXPECT_EQ(a.operations(), 4u);
}

grpc::Status StatusOf(TestServer& server, const std::vector<v1::Batch>& batches) {
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  v1::BatchReply reply;
  for (const v1::Batch& batch : batches) {
    if (!stream->Write(batch) || !stream->Read(&reply)) break;
  }
  stream->WritesDone();
  return stream->Finish();
}

TEST(HeapStream, RefusesTheWrongInstance) {
  TestServer server;
  server.Create("a");
  server.Create("b");
  EXPECT_EQ(StatusOf(server, {Batch("nope", 1, 2)}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(StatusOf(server, {Batch("", 1, 2)}).error_message(), HasSubstr("instance: not set"));
  EXPECT_THAT(StatusOf(server, {Batch("a", 1, 2), Batch("b", 2, 2)}).error_message(), HasSubstr("drives \"a\""));
  EXPECT_TRUE(StatusOf(server, {Batch("a", 1, 2), Batch("a", 2, 0), Batch("", 3, 2)}).ok());
}

TEST(HeapStream, EndsWhenItsInstanceIsDeleted) {
  TestServer server;
  server.Create("a");
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  v1::BatchReply reply;
  ASSERT_TRUE(stream->Write(Batch("a", 1, 2)));
  ASSERT_TRUE(stream->Read(&reply));
  v1::DeleteInstanceRequest remove;
  remove.set_instance("a");
  v1::DeleteInstanceResponse removed;
  ASSERT_TRUE(With([&](auto& call) { return server->lab->DeleteInstance(&call, remove, &removed); }).ok());
  stream->Write(Batch("", 2, 2));
  EXPECT_FALSE(stream->Read(&reply));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("\"a\" was deleted"));
}

TEST(HeapStream, NumberOfStreamsIsLimited) {
  TestServer server([](ServerOptions& options) { options.streams_max = 1; });
  server.Create("a");
  grpc::ClientContext context;
  const auto first = server->heap->Stream(&context);
  v1::BatchReply reply;
  ASSERT_TRUE(first->Write(Batch("a", 1, 2)));
  ASSERT_TRUE(first->Read(&reply));
  const grpc::Status status = StatusOf(server, {Batch("a", 1, 2)});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--streams-max"));
  EXPECT_THAT(status.error_details(), HasSubstr("google.rpc.RetryInfo")) << "it says when to try again";
  first->WritesDone();
  ASSERT_TRUE(first->Finish().ok());
}

TEST(HeapStream, SurvivesClientsThatLeave) {
  TestServer server;
  server.Create("a");
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    const auto stream = server->heap->Stream(&context);
    for (std::uint64_t batch = 1; batch < 10; ++batch) stream->Write(Batch("a", batch, 512));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(StatusOf(server, {Batch("a", 1, 2)}).ok());
}

TEST(HeapStream, IdleStreamEndsWhenTheServerStops) {
  TestServer server;
  server.Create("a");
  grpc::ClientContext context;
  const auto stream = server->heap->Stream(&context);
  v1::BatchReply reply;
  ASSERT_TRUE(stream->Write(Batch("a", 1, 2)));
  ASSERT_TRUE(stream->Read(&reply));
  const MonotonicTime began = MonotonicTime::Now();
  server.server().Stop(began + absl::Seconds(20));
  EXPECT_LT(MonotonicTime::Now() - began, absl::Seconds(5)) << "an idle stream held the server up";
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// Several streams on one instance: all operations are applied, each once.
TEST(HeapStream, ManyStreamsOnOneInstance) {
  TestServer server;
  server.Create("a");
  constexpr int kStreams = 6;
  constexpr std::uint64_t kBatches = 50;
  std::vector<std::thread> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.emplace_back([&] {
      Stubs stubs(server.server().grpc_address());
      grpc::ClientContext context;
      const auto stream = stubs.heap->Stream(&context);
      v1::BatchReply reply;
      for (std::uint64_t batch = 1; batch <= kBatches; ++batch) {
        ASSERT_TRUE(stream->Write(Batch("a", batch, 100)));
        ASSERT_TRUE(stream->Read(&reply));
      }
      stream->WritesDone();
      EXPECT_TRUE(stream->Finish().ok());
    });
  }
  for (std::thread& client : clients) client.join();
  v1::GetInstanceRequest request;
  request.set_instance("a");
  v1::Instance a;
  ASSERT_TRUE(With([&](auto& call) { return server->lab->GetInstance(&call, request, &a); }).ok());
  EXPECT_EQ(a.operations(), kStreams * kBatches * 100);
}

}  // namespace
}  // namespace alloclab::server
