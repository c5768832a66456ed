// Lists of runs over a real channel: their order, their pages, filters, and the few numbers that they show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(RunLists, NewestFirstByPages) {
  TestServer server;
  for (int i = 0; i < 3; ++i) server.RunToEnd(SmallRun(1000));
  v1::ListRunsRequest request;
  request.set_page_size(2);
  v1::ListRunsResponse page;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->ListRuns(&context, request, &page); }).ok());
  ASSERT_THAT(page.runs(), SizeIs(2));
  EXPECT_EQ(page.runs(0).id(), 3u);
  EXPECT_FALSE(page.runs(0).has_result());
  request.set_page_token(page.next_page_token());
  page.Clear();
  ASSERT_TRUE(With([&](auto& context) { return server->runs->ListRuns(&context, request, &page); }).ok());
  ASSERT_THAT(page.runs(), SizeIs(1));
  EXPECT_EQ(page.runs(0).id(), 1u);
  EXPECT_THAT(page.next_page_token(), IsEmpty());
}

std::vector<std::uint64_t> List(TestServer& server, const v1::ListRunsRequest& request) {
  v1::ListRunsResponse page;
  const grpc::Status status = With([&](auto& context) { return server->runs->ListRuns(&context, request, &page); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  std::vector<std::uint64_t> ids;
  for (const v1::Run& run : page.runs()) ids.push_back(run.id());
  return ids;
}

// The runs that pass one filter.
std::vector<std::uint64_t> Filtered(TestServer& server, const std::function<void(v1::ListRunsRequest&)>& filter) {
  v1::ListRunsRequest request;
  filter(request);
  return List(server, request);
}

TEST(RunLists, CanBeFiltered) {
  TestServer server;
  v1::SubmitRunRequest spec = SmallRun(1000), builtin, pages;  // runs 1, 2 and 3
  spec.mutable_workload()->mutable_spec()->set_name("mine");
  spec.set_label("before the change");
  builtin.mutable_workload()->mutable_builtin()->set_name("sqlite");
  builtin.set_label("after the change");
  pages.mutable_workload()->mutable_builtin()->set_name("fork-exec-exit");
  pages.mutable_workload()->mutable_builtin()->set_operations(1000);
  pages.mutable_config()->set_heap_allocator("none");
  for (const v1::SubmitRunRequest& request : {spec, builtin, pages}) server.RunToEnd(request);
  v1::Run endless;  // run 4
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, EndlessRun(), &endless); }).ok());
  v1::CancelRunRequest cancel;
  cancel.set_id(endless.id());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->CancelRun(&context, cancel, &endless); }).ok());

  EXPECT_THAT(Filtered(server, [](auto&) {}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_workload("mine"); }), ElementsAre(1));
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_workload("sqlite"); }), ElementsAre(2));
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_workload("SQLit"); }), ElementsAre(2)) << "a part of it, in either case";
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_workload("after"); }), IsEmpty()) << "a label is no name of a built-in";
  EXPECT_THAT(Filtered(server, [](auto& r) { r.add_states(v1::Run::CANCELLED); }), ElementsAre(4));
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_label("The change"); }), ElementsAre(2, 1));
  EXPECT_THAT(Filtered(server, [](auto& r) { r.set_allocator("none"); }), ElementsAre(3));
  EXPECT_THAT(Filtered(server,
                       [](auto& r) {
                         r.set_label("change");
                         r.add_states(v1::Run::SUCCEEDED);
                         r.set_page_size(1);
                       }),
              ElementsAre(2));
  const auto refuse = [&](const std::function<void(v1::ListRunsRequest&)>& filter) {
    v1::ListRunsRequest request;
    filter(request);
    v1::ListRunsResponse page;
    return With([&](auto& context) { return server->runs->ListRuns(&context, request, &page); }).error_message();
  };
  EXPECT_THAT(refuse([](auto& r) { r.add_states(static_cast<v1::Run::State>(9)); }), HasSubstr("states: 9; expected"));
  EXPECT_EQ(refuse([](auto& r) { r.set_allocator("page-run"); }),
            "allocator: unknown allocator \"page-run\"; did you mean \"page-runs\"?");
}

TEST(RunLists, ShowWhatWasFoundInAFewNumbers) {
  TestServer server;
  const v1::Run run = server.RunToEnd(SmallRun());
  v1::ListRunsResponse page;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->ListRuns(&context, {}, &page); }).ok());
  ASSERT_THAT(page.runs(), SizeIs(1));
  EXPECT_FALSE(page.runs(0).has_result());
  const v1::RunSummary& summary = page.runs(0).summary();
  EXPECT_EQ(summary.cycles_386(), run.result().exact().cycles_386());
  EXPECT_EQ(summary.heap_peak_bytes(), run.result().exact().counters().heap_size_peak_bytes());
  EXPECT_EQ(summary.live_peak_bytes(), run.result().exact().counters().live_requested_peak_bytes());
  EXPECT_EQ(summary.replay_ns(), run.result().measured().replay_ns());
  EXPECT_EQ(summary.failed_operations(), 0u);
}

}  // namespace
}  // namespace alloclab::server
