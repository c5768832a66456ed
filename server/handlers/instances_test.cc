// Instances, single operations, batches and inspection over a real channel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

v1::OperationReply Malloc(Stubs& stubs, const std::string& instance, std::uint32_t bytes) {
  v1::MallocRequest request;
  request.set_instance(instance);
  request.set_bytes(bytes);
  v1::OperationReply reply;
  const grpc::Status status = With([&](auto& context) { return stubs.heap->Malloc(&context, request, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

v1::OperationReply Free(Stubs& stubs, const std::string& instance, std::uint32_t address) {
  v1::FreeRequest request;
  request.set_instance(instance);
  request.set_address(address);
  v1::OperationReply reply;
  const grpc::Status status = With([&](auto& context) { return stubs.heap->Free(&context, request, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

v1::BatchReply Apply(Stubs& stubs, const v1::Batch& batch) {
  v1::BatchReply reply;
  const grpc::Status status = With([&](auto& context) { return stubs.heap->Apply(&context, batch, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

v1::Statistics Statistics(Stubs& stubs, const std::string& instance) {
  v1::GetStatisticsRequest request;
  request.set_instance(instance);
  v1::Statistics reply;
  const grpc::Status status = With([&](auto& context) { return stubs.inspect->GetStatistics(&context, request, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

TEST(Lab, DescribesItself) {
  TestServer server([](ServerOptions& options) { options.metrics_listen = "127.0.0.1:0"; });
  v1::Server reply;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->GetServer(&context, {}, &reply); }).ok());
  EXPECT_EQ(reply.cost_model(), "i386-v1");
  EXPECT_EQ(reply.instances_max(), 10'000u);
  EXPECT_EQ(reply.metrics_url(), "http://" + server.server().metrics_address() + "/metrics");
  EXPECT_FALSE(reply.version().empty());
}

TEST(Lab, ListsTheCatalogue) {
  TestServer server;
  v1::Catalog catalog;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->GetCatalog(&context, {}, &catalog); }).ok());
  ASSERT_GE(catalog.heap_allocators_size(), 2);
  EXPECT_EQ(catalog.page_allocators(0).name(), "page-runs");
  EXPECT_EQ(catalog.heap_allocators(0).name(), "implicit-heap");
  for (const v1::ParameterInfo& parameter : catalog.heap_allocators(0).parameters()) {
    EXPECT_FALSE(parameter.description().empty() || parameter.expects().empty()) << parameter.name();
  }
}

TEST(Lab, CreatesWithEveryFieldFilledIn) {
  TestServer server;
  const v1::Instance made = server.Create("a");
  EXPECT_EQ(made.config().heap_allocator(), "implicit-heap");
  EXPECT_EQ(made.config().page_allocator(), "page-runs");
  EXPECT_EQ(made.config().parameters().at("heap.engine"), "indexed");
  v1::GetInstanceRequest by_id;
  by_id.set_instance(std::to_string(made.id()));
  v1::Instance found;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->GetInstance(&context, by_id, &found); }).ok());
  EXPECT_EQ(found.name(), "a");
}

TEST(Lab, PicksAName) {
  TestServer server;
  const v1::Instance made = server.Create("");
  EXPECT_EQ(made.name(), "instance-" + std::to_string(made.id()));
}

TEST(Lab, ListsByPages) {
  TestServer server;
  for (const char* name : {"a", "b", "c"}) server.Create(name);
  v1::ListInstancesRequest request;
  request.set_page_size(2);
  v1::ListInstancesResponse first, second;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->ListInstances(&context, request, &first); }).ok());
  ASSERT_THAT(first.instances(), SizeIs(2));
  request.set_page_token(first.next_page_token());
  ASSERT_TRUE(With([&](auto& context) { return server->lab->ListInstances(&context, request, &second); }).ok());
  ASSERT_THAT(second.instances(), SizeIs(1));
  EXPECT_EQ(second.instances(0).name(), "c");
  EXPECT_THAT(second.next_page_token(), IsEmpty());
}

TEST(Lab, RepeatedCreationAnswersWithTheFirst) {
  TestServer server;
  v1::CreateInstanceRequest request;
  request.set_request_id("once");
  request.mutable_config()->set_ram_bytes(512 << 20);
  v1::Instance first, again;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->CreateInstance(&context, request, &first); }).ok());
  ASSERT_TRUE(With([&](auto& context) { return server->lab->CreateInstance(&context, request, &again); }).ok());
  EXPECT_EQ(again.id(), first.id());
  request.mutable_config()->set_ram_bytes(1024 << 20);
  const grpc::Status status = With([&](auto& context) { return server->lab->CreateInstance(&context, request, &again); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS) << status.error_message();
}

TEST(Lab, IdsAreNotReusedAfterARestart) {
  TestServer server;
  const std::uint64_t before = server.Create("a").id();
  server.Restart();
  EXPECT_GT(server.Create("a").id(), before);
}

TEST(Lab, NumberOfInstancesAndPromisedRamAreLimited) {
  TestServer server([](ServerOptions& options) {
    options.instances_max = 2;
    options.promised_ram_max = 40 << 20;
  });
  server.Create("a");
  v1::CreateInstanceRequest request;
  request.mutable_config()->set_ram_bytes(1ull << 32);
  v1::Instance reply;
  grpc::Status status = With([&](auto& context) { return server->lab->CreateInstance(&context, request, &reply); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("--promised-ram-max"));
  server.Create("b");
  status = With([&](auto& context) { return server->lab->CreateInstance(&context, request, &reply); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("--instances-max"));
  v1::DeleteInstanceRequest remove;
  remove.set_instance("a");
  v1::DeleteInstanceResponse removed;
  ASSERT_TRUE(With([&](auto& context) { return server->lab->DeleteInstance(&context, remove, &removed); }).ok());
  server.Create("c");
}

TEST(Heap, OneOperationTellsItsCost) {
  TestServer server;
  server.Create("a");
  const v1::OperationReply first = Malloc(server.stubs(), "a", 100);
  EXPECT_EQ(first.outcome(), v1::OK);
  EXPECT_EQ(first.address(), 0xC0400008u);
  EXPECT_EQ(first.sequence(), 1u);
  EXPECT_GT(first.cost().heap().search_steps(), 0u);
  EXPECT_GT(first.cost().cycles_386(), 0u);
  const v1::OperationReply freed = Free(server.stubs(), "a", first.address());
  EXPECT_EQ(freed.outcome(), v1::OK);
  EXPECT_EQ(freed.cost().heap().search_steps(), 0u);
  EXPECT_EQ(Free(server.stubs(), "a", first.address()).outcome(), v1::DOUBLE_FREE);
  EXPECT_EQ(Free(server.stubs(), "a", 0x1234).outcome(), v1::FOREIGN_POINTER);
}

TEST(Heap, CallocReallocAndPages) {
  TestServer server;
  server.Create("a");
  v1::CallocRequest calloc;
  calloc.set_instance("a");
  calloc.set_count(0x10000);
  calloc.set_bytes(0x10001);
  v1::OperationReply reply;
  ASSERT_TRUE(With([&](auto& context) { return server->heap->Calloc(&context, calloc, &reply); }).ok());
  EXPECT_EQ(reply.outcome(), v1::SIZE_OVERFLOW);
  const std::uint32_t block = Malloc(server.stubs(), "a", 8).address();
  v1::ReallocRequest realloc;
  realloc.set_instance("a");
  realloc.set_address(block);
  realloc.set_bytes(400);
  ASSERT_TRUE(With([&](auto& context) { return server->heap->Realloc(&context, realloc, &reply); }).ok());
  EXPECT_EQ(reply.outcome(), v1::OK);
  EXPECT_NE(reply.address(), block);
  v1::AllocatePagesRequest pages;
  pages.set_instance("a");
  pages.set_bytes(8192);
  ASSERT_TRUE(With([&](auto& context) { return server->heap->AllocatePages(&context, pages, &reply); }).ok());
  EXPECT_EQ(reply.outcome(), v1::OK);
  v1::FreePagesRequest free_pages;
  free_pages.set_instance("a");
  free_pages.set_address(reply.address());
  free_pages.set_bytes(8192);
  ASSERT_TRUE(With([&](auto& context) { return server->heap->FreePages(&context, free_pages, &reply); }).ok());
  EXPECT_EQ(reply.outcome(), v1::OK);
  ASSERT_TRUE(With([&](auto& context) { return server->heap->FreePages(&context, free_pages, &reply); }).ok());
  EXPECT_NE(reply.outcome(), v1::OK);
}

TEST(Heap, BatchAnswersOperationByOperation) {
  TestServer server;
  server.Create("a");
  v1::Batch batch = BatchBuilder("a").Add(v1::MALLOC, 0, 16).Add(v1::MALLOC, 1, 0).Add(v1::FREE, 0).Add(v1::FREE, 0).batch();
  batch.set_sequence(42);
  const v1::BatchReply reply = Apply(server.stubs(), batch);
  EXPECT_EQ(reply.sequence(), 42u);
  EXPECT_EQ(reply.operations(), 4u);
  EXPECT_EQ(reply.failed(), 1u);
  EXPECT_THAT(reply.outcomes(), ElementsAre(v1::OK, v1::ZERO_SIZE, v1::OK, v1::DOUBLE_FREE));
  EXPECT_EQ(reply.addresses(0), 0xC0400008u);
}

TEST(Heap, QuietBatchTellsOutcomesOnlyWhenOneFailed) {
  TestServer server;
  server.Create("a");
  v1::Batch batch = BatchBuilder("a").Add(v1::MALLOC, 0, 16).batch();
  batch.set_quiet(true);
  v1::BatchReply reply = Apply(server.stubs(), batch);
  EXPECT_TRUE(reply.outcomes().empty() && reply.addresses().empty());
  batch = BatchBuilder("a").Add(v1::FREE, 0).Add(v1::FREE, 0).batch();
  batch.set_quiet(true);
  reply = Apply(server.stubs(), batch);
  EXPECT_THAT(reply.outcomes(), ElementsAre(v1::OK, v1::DOUBLE_FREE));
  EXPECT_THAT(reply.addresses(), IsEmpty());
}

TEST(Heap, HandlesOfAllInstancesAreLimited) {
  TestServer server([](ServerOptions& options) { options.handles_max = 1000; });
  server.Create("a");
  Apply(server.stubs(), BatchBuilder("a").Add(v1::MALLOC, 899, 16).batch());
  v1::BatchReply reply;
  const v1::Batch more = BatchBuilder("a").Add(v1::MALLOC, 1000, 16).batch();
  const grpc::Status status = With([&](auto& context) { return server->heap->Apply(&context, more, &reply); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("--handles-max"));
  EXPECT_EQ(Statistics(server.stubs(), "a").counters().operations(), 1u);
}

TEST(Inspect, WalksTheBlocksOfBothAllocators) {
  TestServer server;
  server.Create("a");
  BatchBuilder builder("a");
  for (std::uint32_t i = 0; i < 10'000; ++i) builder.Add(v1::MALLOC, i, 16);
  Apply(server.stubs(), builder.batch());
  v1::WalkBlocksRequest request;
  request.set_instance("a");
  std::vector<v1::Block> blocks;
  grpc::ClientContext context;
  const auto reader = server->inspect->WalkBlocks(&context, request);
  int messages = 0;
  for (v1::BlockList list; reader->Read(&list); ++messages) {
    blocks.insert(blocks.end(), list.blocks().begin(), list.blocks().end());
  }
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_EQ(messages, 3);
  const v1::Statistics statistics = Statistics(server.stubs(), "a");
  EXPECT_EQ(blocks.size(), statistics.heap().blocks());
  for (std::size_t i = 1; i < blocks.size(); ++i)
    ASSERT_EQ(blocks[i].address(), blocks[i - 1].address() + blocks[i - 1].bytes());

  request.set_limit(5);
  request.set_from(blocks[100].address());
  grpc::ClientContext limited;
  const auto some = server->inspect->WalkBlocks(&limited, request);
  v1::BlockList list;
  ASSERT_TRUE(some->Read(&list));
  ASSERT_THAT(list.blocks(), SizeIs(5));
  EXPECT_EQ(list.blocks(0).address(), blocks[100].address());
  EXPECT_FALSE(some->Read(&list));
  ASSERT_TRUE(some->Finish().ok());

  v1::WalkBlocksRequest of_pages;
  of_pages.set_instance("a");
  of_pages.set_allocator(v1::PAGES);
  grpc::ClientContext page_context;
  const auto page_reader = server->inspect->WalkBlocks(&page_context, of_pages);
  v1::BlockList page_blocks;
  ASSERT_TRUE(page_reader->Read(&page_blocks));
  const auto free_blocks = std::count_if(page_blocks.blocks().begin(), page_blocks.blocks().end(),
                                         [](const v1::Block& block) { return block.kind() == v1::Block::FREE; });
  EXPECT_EQ(free_blocks, statistics.pages().free_blocks());
  ASSERT_TRUE(page_reader->Finish().ok());
}

TEST(Inspect, ReadsTranslatesAndChecks) {
  TestServer server;
  server.Create("a");
  Malloc(server.stubs(), "a", 100);
  v1::ReadMemoryRequest read;
  read.set_instance("a");
  read.set_address(0xC0400000);
  read.set_bytes(4);
  v1::ReadMemoryReply virtual_word, physical_word;
  ASSERT_TRUE(With([&](auto& context) { return server->inspect->ReadMemory(&context, read, &virtual_word); }).ok());
  EXPECT_EQ(virtual_word.data(), std::string("\x05\0\0\0", 4)) << "the prologue is 4|1";
  v1::TranslateRequest translate;
  translate.set_instance("a");
  translate.set_address(0xC0400000);
  v1::Translation translation;
  ASSERT_TRUE(With([&](auto& context) { return server->inspect->Translate(&context, translate, &translation); }).ok());
  EXPECT_TRUE(translation.present());
  EXPECT_EQ(translation.directory_index(), 0xC0400000u >> 22);
  read.set_physical(true);
  read.set_address(translation.physical());
  ASSERT_TRUE(With([&](auto& context) { return server->inspect->ReadMemory(&context, read, &physical_word); }).ok());
  EXPECT_EQ(physical_word.data(), virtual_word.data());
  v1::CheckInvariantsRequest check;
  check.set_instance("a");
  v1::CheckInvariantsReply checked;
  ASSERT_TRUE(With([&](auto& context) { return server->inspect->CheckInvariants(&context, check, &checked); }).ok());
  EXPECT_THAT(checked.violations(), IsEmpty());
  EXPECT_GT(checked.heap_blocks(), 0u);
  EXPECT_GT(checked.page_blocks(), 0u);
}

// Each client drives one of two shared instances; every reply carries the number of the operation, so none is lost or doubled.
TEST(Concurrency, ManyClientsOnSharedInstances) {
  TestServer server;
  server.Create("a");
  server.Create("b");
  constexpr int kClients = 8, kCalls = 100;
  std::vector<std::set<std::uint64_t>> sequences(kClients);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      Stubs stubs(server.server().grpc_address());
      for (int i = 0; i < kCalls; ++i) sequences[client].insert(Malloc(stubs, client % 2 == 0 ? "a" : "b", 8).sequence());
    });
  }
  for (std::thread& client : clients) client.join();
  for (const int first : {0, 1}) {
    std::set<std::uint64_t> all;
    for (int client = first; client < kClients; client += 2) all.insert(sequences[client].begin(), sequences[client].end());
    EXPECT_EQ(all.size(), kClients / 2 * kCalls);
    EXPECT_EQ(*all.rbegin(), kClients / 2 * kCalls);
  }
}

// Creating, using and deleting at the same time must not race; refusals are fine, anything else is not.
TEST(Concurrency, DeleteWhileInUse) {
  TestServer server;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Stubs stubs(server.server().grpc_address());
      for (int i = 0; i < 50; ++i) {
        v1::CreateInstanceRequest create;
        create.set_name("shared");
        create.mutable_config()->set_ram_bytes(512 << 20);
        v1::Instance instance;
        const auto created = With([&](auto& context) { return stubs.lab->CreateInstance(&context, create, &instance); });
        EXPECT_TRUE(created.ok() || created.error_code() == grpc::StatusCode::ALREADY_EXISTS) << created.error_message();
        v1::BatchReply reply;
        const v1::Batch batch = BatchBuilder("shared").Add(v1::MALLOC, 0, 64).Add(v1::FREE, 0).batch();
        const auto applied = With([&](auto& context) { return stubs.heap->Apply(&context, batch, &reply); });
        EXPECT_TRUE(applied.ok() || applied.error_code() == grpc::StatusCode::NOT_FOUND) << applied.error_message();
        v1::DeleteInstanceRequest remove;
        remove.set_instance("shared");
        v1::DeleteInstanceResponse removed;
        const auto deleted = With([&](auto& context) { return stubs.lab->DeleteInstance(&context, remove, &removed); });
        EXPECT_TRUE(deleted.ok() || deleted.error_code() == grpc::StatusCode::NOT_FOUND) << deleted.error_message();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace alloclab::server
