// Host memory: taken before it is touched, refused without a change, given back at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint32_t kMiB = 1 << 20;

class MemoryLimits : public testing::Test {
 protected:
  void Create(const std::string& name) {
    server_.Create(name, [](v1::InstanceConfig& config) {
      config.set_ram_bytes(256 * kMiB);
      (*config.mutable_parameters())["heap.limit_bytes"] = "134217728";
    });
  }
  grpc::Status Calloc(const std::string& instance, std::uint32_t mib, v1::OperationReply& reply) {
    v1::CallocRequest request;
    request.set_instance(instance);
    request.set_count(mib);
    request.set_bytes(kMiB);
    return With([&](auto& context) { return server_->heap->Calloc(&context, request, &reply); });
  }
  grpc::Status Free(const std::string& instance, std::uint32_t address, v1::OperationReply& reply) {
    v1::FreeRequest request;
    request.set_instance(instance);
    request.set_address(address);
    return With([&](auto& context) { return server_->heap->Free(&context, request, &reply); });
  }
  std::uint64_t Operations(const std::string& instance) {
    v1::GetInstanceRequest request;
    request.set_instance(instance);
    v1::Instance reply;
    EXPECT_TRUE(With([&](auto& context) { return server_->lab->GetInstance(&context, request, &reply); }).ok());
    return reply.operations();
  }

  TestServer server_{[](ServerOptions& options) { options.memory_max = 100 * kMiB; }};
};

TEST_F(MemoryLimits, OfManyThatAskAtOnceOnlyThoseForWhomThereIsMemoryAreServed) {
  constexpr int kCallers = 4;
  std::vector<v1::OperationReply> replies(kCallers);
  std::vector<grpc::Status> statuses(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) Create("c" + std::to_string(i));
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] { statuses[i] = Calloc("c" + std::to_string(i), 60, replies[i]); });
  }
  for (std::thread& caller : callers) caller.join();
  int served = 0;
  for (int i = 0; i < kCallers; ++i) {
    const std::string name = "c" + std::to_string(i);
    if (statuses[i].ok()) {
      ++served;
      EXPECT_EQ(replies[i].outcome(), v1::OK);
      v1::OperationReply freed;
      EXPECT_TRUE(Free(name, replies[i].address(), freed).ok());
      EXPECT_EQ(freed.outcome(), v1::OK);
    } else {
      EXPECT_EQ(statuses[i].error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_THAT(statuses[i].error_message(), HasSubstr("--memory-max"));
      EXPECT_EQ(Operations(name), 0u) << "a refused call must change nothing";
    }
  }
  EXPECT_EQ(served, 1);
  v1::OperationReply reply;
  EXPECT_EQ(Calloc("c0", 200, reply).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(MemoryLimits, ABatchSaysHowFarItGotAndAStreamEndsThere) {
  Create("toy");
  BatchBuilder batch("toy");
  for (std::uint32_t i = 0; i < 40; ++i) batch.Add(v1::CALLOC, i, kMiB, 10);
  v1::BatchReply reply;
  ASSERT_TRUE(With([&](auto& context) { return server_->heap->Apply(&context, batch.batch(), &reply); }).ok());
  EXPECT_GT(reply.operations(), 0u);
  EXPECT_LT(reply.operations(), 10u);
  EXPECT_THAT(reply.stopped(), HasSubstr("--memory-max"));
  EXPECT_EQ(reply.outcomes().size(), reply.operations());
  EXPECT_EQ(reply.addresses_size(), static_cast<int>(reply.operations()));
  const std::uint64_t applied = Operations("toy");
  EXPECT_EQ(applied, reply.operations());

  grpc::ClientContext context;
  const auto stream = server_->heap->Stream(&context);
  BatchBuilder first("toy"), later("");
  for (std::uint32_t i = 0; i < applied; ++i) first.Add(v1::FREE, i);
  first.Add(v1::CALLOC, 0, kMiB, 120);
  later.Add(v1::MALLOC, 0, 8);
  ASSERT_TRUE(stream->Write(first.batch()));
  stream->Write(later.batch());
  stream->WritesDone();
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.operations(), applied) << "what gives back is served whatever is held";
  EXPECT_THAT(reply.stopped(), Not(IsEmpty()));
  EXPECT_FALSE(stream->Read(&reply)) << "later batches have their place behind the rest of this one";
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Operations("toy"), 2 * applied);
}

TEST_F(MemoryLimits, UploadsAndWorkloadsAreTakenFromItToo) {
  v1::SubmitRunRequest run = SmallRun(20'000'000);
  run.mutable_workload()->mutable_spec()->mutable_phases(0)->set_live_blocks(1000);
  const v1::Run ended = server_.RunToEnd(run);
  EXPECT_EQ(ended.state(), v1::Run::FAILED) << "320 MB of operations";
  EXPECT_THAT(ended.error(), HasSubstr("--memory-max"));

  grpc::ClientContext context;
  v1::TraceInfo info;
  const auto writer = server_->workloads->UploadTrace(&context, &info);
  v1::UploadTraceRequest chunk;
  chunk.set_name("large.rep");
  chunk.set_data(std::string(kMiB, ' '));
  int sent = 0;
  while (sent < 200 && writer->Write(chunk)) ++sent;
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--memory-max"));
  EXPECT_EQ(server_.RunToEnd(SmallRun(1000)).state(), v1::Run::SUCCEEDED) << "all was given back";
}

TEST_F(MemoryLimits, AWalkDoesNotKeepAnInstanceThatWasDeleted) {
  Create("toy");
  BatchBuilder fill("toy");
  for (std::uint32_t i = 0; i < 60'000; ++i) fill.Add(v1::MALLOC, 0, 4);
  v1::BatchReply reply;
  ASSERT_TRUE(With([&](auto& context) { return server_->heap->Apply(&context, fill.batch(), &reply); }).ok());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(With([&](auto& context) { return server_->heap->Apply(&context, fill.batch(), &reply); }).ok());
  }
  grpc::ClientContext context;
  v1::WalkBlocksRequest walk;
  walk.set_instance("toy");
  walk.set_allocator(v1::HEAP);
  const auto reader = server_->inspect->WalkBlocks(&context, walk);
  v1::BlockList list;
  ASSERT_TRUE(reader->Read(&list));
  v1::DeleteInstanceRequest request;
  request.set_instance("toy");
  v1::DeleteInstanceResponse deleted;
  ASSERT_TRUE(With([&](auto& ctx) { return server_->lab->DeleteInstance(&ctx, request, &deleted); }).ok());
  int messages = 0;
  while (reader->Read(&list)) ++messages;
  EXPECT_LT(messages, 160) << "600,000 blocks are more";
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace alloclab::server
