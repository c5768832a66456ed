// Figures over a real channel: what cannot be known is absent, a refusal tells what bears on it, an operation costs the same
// wherever it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

v1::Statistics Statistics(TestServer& server, const std::string& instance) {
  v1::GetStatisticsRequest request;
  request.set_instance(instance);
  v1::Statistics reply;
  const grpc::Status status = With([&](auto& context) { return server->inspect->GetStatistics(&context, request, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

v1::OperationReply Malloc(TestServer& server, const std::string& instance, std::uint32_t bytes) {
  v1::MallocRequest request;
  request.set_instance(instance);
  request.set_bytes(bytes);
  v1::OperationReply reply;
  EXPECT_TRUE(With([&](auto& context) { return server->heap->Malloc(&context, request, &reply); }).ok());
  return reply;
}

v1::OperationReply AllocatePages(TestServer& server, const std::string& instance, std::uint32_t bytes) {
  v1::AllocatePagesRequest request;
  request.set_instance(instance);
  request.set_bytes(bytes);
  v1::OperationReply reply;
  EXPECT_TRUE(With([&](auto& context) { return server->heap->AllocatePages(&context, request, &reply); }).ok());
  return reply;
}

void Unguarded(v1::InstanceConfig& config) { config.set_unguarded(true); }

TEST(Figures, OfABrokenHeapAreAbsentAndItSaysWhere) {
  TestServer server;
  server.Create("wreck", Unguarded);
  const std::uint32_t block = Malloc(server, "wreck", 1000).address();
  const v1::HeapShape whole = Statistics(server, "wreck").heap();
  EXPECT_FALSE(whole.has_broken());
  EXPECT_EQ(whole.live_blocks(), 1u);
  EXPECT_TRUE(whole.has_free_bytes());
  server.BreakHeap("wreck", block);
  const v1::Statistics statistics = Statistics(server, "wreck");
  const v1::HeapShape& heap = statistics.heap();
  EXPECT_EQ(heap.broken().address(), heap.start());
  EXPECT_THAT(heap.broken().what(), HasSubstr("does not lead to a next chunk"));
  EXPECT_FALSE(heap.has_blocks() || heap.has_live_blocks() || heap.has_live_block_bytes() || heap.has_free_blocks() ||
               heap.has_free_bytes() || heap.has_largest_free_bytes() || heap.free_blocks_by_size_size() > 0)
      << heap.ShortDebugString();
  EXPECT_GT(heap.brk(), heap.start());
  EXPECT_FALSE(statistics.pages().has_broken()) << "a page was freed twice over, but the list is whole";
}

// Freed twice, the page is in the list twice: more would be free than there is.
TEST(Figures, OfABrokenListOfPagesAreAbsentAndItSaysWhere) {
  TestServer server;
  server.Create("pages", [](v1::InstanceConfig& config) {
    Unguarded(config);
    config.set_heap_allocator("none");
    config.clear_parameters();
  });
  v1::FreePagesRequest free;
  free.set_instance("pages");
  free.set_address(AllocatePages(server, "pages", 8192).address() + 4096);
  free.set_bytes(4096);
  AllocatePages(server, "pages", 4096);
  v1::OperationReply reply;
  ASSERT_TRUE(With([&](auto& context) { return server->heap->FreePages(&context, free, &reply); }).ok());
  const v1::PageShape whole = Statistics(server, "pages").pages();
  EXPECT_FALSE(whole.has_broken());
  EXPECT_TRUE(whole.has_free_bytes());
  free.set_address(free.address() - 4096);
  free.set_bytes(12288);  // over the free page
  ASSERT_TRUE(With([&](auto& context) { return server->heap->FreePages(&context, free, &reply); }).ok());
  const v1::PageShape pages = Statistics(server, "pages").pages();
  ASSERT_TRUE(pages.has_broken()) << pages.ShortDebugString();
  EXPECT_FALSE(pages.has_free_bytes() || pages.has_free_blocks() || pages.has_largest_free_bytes()) << pages.ShortDebugString();
  EXPECT_EQ(pages.arena_bytes(), whole.arena_bytes());
}

TEST(Figures, ARefusalTellsThoseThatBearOnIt) {
  TestServer server;
  server.Create("a");
  const v1::OperationReply overflow = Malloc(server, "a", 0xFFFFFFFF);
  ASSERT_EQ(overflow.outcome(), v1::SIZE_OVERFLOW);
  EXPECT_EQ(overflow.refusal().needed_bytes(), 0xFFFFFFFFu);
  EXPECT_LT(overflow.refusal().request_max_bytes(), 0xFFFFFFFFu);
  EXPECT_GT(overflow.refusal().request_max_bytes(), 0u);
  EXPECT_FALSE(overflow.refusal().has_free_bytes() || overflow.refusal().has_growth_bytes());
  const v1::OperationReply heap = Malloc(server, "a", 9 << 20);
  ASSERT_EQ(heap.outcome(), v1::HEAP_LIMIT);
  EXPECT_TRUE(heap.refusal().has_growth_bytes() && heap.refusal().has_free_bytes() && heap.refusal().has_frames_left());
  EXPECT_FALSE(heap.refusal().has_request_max_bytes());
  const v1::OperationReply pages = AllocatePages(server, "a", 128 << 20);
  ASSERT_EQ(pages.outcome(), v1::OUT_OF_MEMORY);
  EXPECT_EQ(pages.refusal().needed_bytes(), 128u << 20);
  EXPECT_TRUE(pages.refusal().has_frames_left());
  EXPECT_FALSE(pages.refusal().has_growth_bytes()) << "pages know nothing of the heap's break";
}

TEST(Figures, AnOperationCostsTheSameWhereverItIsTold) {
  TestServer server;
  server.Create("a");
  std::uint64_t cycles = 0, faults = 0;
  for (const std::uint32_t bytes : {100u, 5000u, 40'000u}) {
    const v1::OperationReply reply = Malloc(server, "a", bytes);
    faults += reply.cost().page_faults();
    cycles += reply.cost().cycles_386();
  }
  EXPECT_GT(faults, 0u);
  const v1::Statistics statistics = Statistics(server, "a");
  ASSERT_EQ(statistics.counters().cycles_size(), 1);
  EXPECT_EQ(statistics.counters().cycles(0).cycles_386().sum(), cycles);
  const v1::Run run = server.RunToEnd(SmallRun());
  std::uint64_t sum = 0;
  for (const v1::Cycles& operation : run.result().exact().counters().cycles()) sum += operation.cycles_386().sum();
  EXPECT_EQ(sum, run.result().exact().cycles_386());
}

}  // namespace
}  // namespace alloclab::server
