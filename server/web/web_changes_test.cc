// What the web page changes, over real HTTP, on a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "alloclab/v1/web.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/testing/web_server_fixture.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

TEST_F(WebServerTest, StartsRepeatsAndCancelsRuns) {
  const std::string address = server().server().web_address();
  const auto post = [](const std::string& target) { return Post(target); };
  const auto run_of = [](const RawResponse& response) {
    v1::Run run;
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(response.body, &run).ok()) << response.body;
    return run;
  };
  const v1::Run run = run_of(post(
      "/api/"
      "runs?workload=steady-state&operations=1000&seed=3&heap=next-fit&ram=4Mi&parameters=heap.limit_bytes=4Mi&label=a%20b"));
  EXPECT_EQ(run.workload().builtin().operations(), 1000);
  EXPECT_EQ(run.workload().builtin().seed(), 3);
  EXPECT_EQ(run.config().heap_allocator(), "next-fit");
  EXPECT_EQ(run.config().ram_bytes(), 4u << 20);
  EXPECT_EQ(run.config().parameters().at("heap.limit_bytes"), "4194304");
  EXPECT_EQ(run.label(), "a b");
  const v1::Run again = run_of(post(absl::StrCat("/api/runs/", run.id(), "/repeat")));
  EXPECT_NE(again.id(), run.id());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(again.config(), run.config())) << again.ShortDebugString();
  EXPECT_EQ(again.label(), "a b");
  EXPECT_EQ(run_of(post(absl::StrCat("/api/runs/", again.id(), "/cancel"))).id(), again.id());
  const v1::Run renamed = run_of(post(absl::StrCat("/api/runs/", run.id(), "/repeat?label=other")));
  EXPECT_EQ(renamed.label(), "other");
  server().AwaitEnd(renamed.id());
  const std::string update = absl::StrCat("/api/runs/", renamed.id(), "/update");
  EXPECT_TRUE(run_of(post(update + "?pinned=1")).pinned());
  const v1::Run kept = run_of(post(update + "?label=to%20keep"));
  EXPECT_EQ(kept.label(), "to keep");
  EXPECT_TRUE(kept.pinned());
  EXPECT_FALSE(run_of(post(update + "?pinned=0&label=")).pinned());
  EXPECT_EQ(Read<v1::RunDetail>(absl::StrCat("/api/runs/", renamed.id())).run().label(), "");
  for (const std::string bad : {"", "?pinned=2", "?pinned=", "?colour=red"}) EXPECT_EQ(post(update + bad).status, 400) << bad;
  EXPECT_EQ(post(absl::StrCat(update, "?label=", std::string(129, 'x'))).status, 400);
  EXPECT_EQ(post(absl::StrCat("/api/runs/", renamed.id(), "/delete")).status, 200);
  EXPECT_EQ(Ask(absl::StrCat("/api/runs/", renamed.id())).status, 404);

  const struct {
    const char *target, *says;
    int status;
  } refused[] = {{"/api/runs", "unknown built-in workload", 404},
                 {"/api/runs?workload=no-such", "no-such", 404},
                 {"/api/runs?workload=sqlite&heap=no-such", "heap_allocator", 400},
                 {"/api/runs?workload=sqlite&parameters=heap.engine", "expected NAME=VALUE", 400},
                 {"/api/runs?workload=sqlite&unguarded=2", "unguarded", 400},
                 {"/api/runs?workload=sha256:12&seed=1", "stored trace", 400},
                 {"/api/runs?workload=sqlite&colour=red", "colour", 400},
                 {"/api/runs/x/repeat", "not the number of a run", 400},
                 {"/api/runs/999999/cancel", "999999", 404},
                 {"/api/runs/999999/delete", "999999", 404},
                 {"/api/runs/999999/update?pinned=1", "999999", 404},
                 {"/api/server", "/api/runs[/ID/repeat|cancel|update|delete|open]", 404}};
  for (const auto& each : refused) {
    const RawResponse response = post(each.target);
    EXPECT_EQ(response.status, each.status) << each.target << response.body;
    EXPECT_THAT(response.body, HasSubstr(each.says)) << each.target;
  }
  EXPECT_EQ(Exchange(address, absl::StrCat("POST /api/runs?workload=sqlite HTTP/1.1\r\nHost: ", address, "\r\n\r\n")).status,
            403);
}

TEST_F(WebServerTest, MakesPokesAndDeletesInstances) {
  const auto reply_of = [](const RawResponse& response) {
    v1::OperationReply reply;
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(response.body, &reply).ok()) << response.body;
    return reply;
  };
  v1::Instance made;
  const RawResponse created = Post("/api/instances?name=poked&ram=4Mi&heap=tlsf&pages=binary-buddy");
  ASSERT_EQ(created.status, 200) << created.body;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(created.body, &made).ok()) << created.body;
  EXPECT_EQ(made.name(), "poked");
  EXPECT_EQ(made.config().heap_allocator(), "tlsf");
  EXPECT_EQ(made.config().ram_bytes(), 4u << 20);

  const std::uint32_t block = reply_of(Post("/api/instances/poked/malloc?bytes=1000")).address();
  EXPECT_NE(block, 0u);
  EXPECT_EQ(reply_of(Post("/api/instances/poked/calloc?count=10&bytes=4")).outcome(), v1::OK);
  const std::uint32_t moved = reply_of(Post(absl::StrCat("/api/instances/poked/realloc?bytes=2000&address=", block))).address();
  const v1::OperationReply freed = reply_of(Post(absl::StrCat("/api/instances/poked/free?address=", moved)));
  EXPECT_EQ(freed.outcome(), v1::OK);
  EXPECT_EQ(freed.sequence(), 4);
  EXPECT_NE(reply_of(Post(absl::StrCat("/api/instances/poked/free?address=", moved))).outcome(), v1::OK);
  const std::uint32_t pages = reply_of(Post("/api/instances/poked/allocate-pages?bytes=8192")).address();
  EXPECT_EQ(reply_of(Post(absl::StrCat("/api/instances/poked/free-pages?bytes=8192&address=", pages))).outcome(), v1::OK);
  const v1::OperationReply refused = reply_of(Post("/api/instances/poked/malloc?bytes=100Mi"));
  EXPECT_TRUE(refused.has_refusal()) << refused.ShortDebugString();

  for (const auto& [target, says] : {std::pair{"/api/instances/poked/malloc", "bytes"},
                                     {"/api/instances/poked/malloc?bytes=4294967296", "bytes"},
                                     {"/api/instances/poked/malloc?bytes=1&address=2", "address"},
                                     {"/api/instances/poked/free?bytes=1", "bytes"},
                                     {"/api/instances/poked/realloc?bytes=1", "address"},
                                     {"/api/instances?name=Poked", "Poked"},
                                     {"/api/instances?heap=no-such", "no-such"},
                                     {"/api/instances?name=x&operations=1", "operations"}}) {
    const RawResponse response = Post(target);
    EXPECT_EQ(response.status, 400) << target << response.body;
    EXPECT_THAT(response.body, HasSubstr(says)) << target;
  }
  EXPECT_EQ(Post("/api/instances/nobody/malloc?bytes=1").status, 404);
  EXPECT_EQ(Post("/api/instances/poked/trample?bytes=1").status, 404);
  EXPECT_EQ(Post("/api/instances/poked/delete").status, 200);
  EXPECT_EQ(Ask("/api/instances/poked").status, 404);
  EXPECT_EQ(Post("/api/instances/poked/delete").status, 404);
}

TEST_F(WebServerTest, TakesATraceAndReplaysIt) {
  const std::string file = "20000\n2\n4\n1\na 0 100\na 1 50\nf 0\nf 1\n";
  const auto upload = [&](const std::string& query, const std::string& bytes) {
    return Post(absl::StrCat("/api/traces", query), absl::StrCat("Content-Length: ", bytes.size(), "\r\n"), bytes);
  };
  const RawResponse response = upload("?name=dropped.trace", file);
  ASSERT_EQ(response.status, 200) << response.body;
  v1::TraceInfo info;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(response.body, &info).ok()) << response.body;
  EXPECT_EQ(info.name(), "dropped.trace");
  EXPECT_EQ(info.operations(), 4);
  const auto list = Read<v1::ListTracesResponse>("/api/traces?page_size=1");
  ASSERT_EQ(list.traces_size(), 1);
  EXPECT_EQ(list.traces(0).sha256(), info.sha256());
  EXPECT_EQ(Read<v1::WebServerInfo>("/api/server").trace_upload_bytes_max(), 256u << 20);
  EXPECT_EQ(Post(absl::StrCat("/api/runs?workload=sha256:", info.sha256())).status, 200);

  EXPECT_EQ(upload("?name=bad", "no trace at all").status, 400);
  EXPECT_EQ(upload("?name=", file).status, 400);
  EXPECT_EQ(upload("?label=x", file).status, 400);
  EXPECT_EQ(Post("/api/traces?name=empty").status, 400);
  const RawResponse large = Post("/api/traces?name=large", "Content-Length: 268435457\r\n");
  EXPECT_EQ(large.status, 503);
  EXPECT_THAT(large.body, HasSubstr("the trace file is larger than 268435456 bytes"));
  EXPECT_EQ(Post("/api/runs?workload=sqlite", "Content-Length: 2\r\n", "{}").status, 400) << "no other POST has a body";
}

TEST_F(WebServerTest, TellsWhereTwoRunsPart) {
  const auto submit = [](const std::string& fit) {
    v1::SubmitRunRequest request = SmallRun();
    (*request.mutable_config()->mutable_parameters())["heap.fit"] = fit;
    return server().RunToEnd(request).id();
  };
  const std::uint64_t first = submit("first"), best = submit("best");
  const auto diff = Read<v1::DiffRunsReply>(absl::StrCat("/api/runs/", first, "/diff?with=", best));
  EXPECT_FALSE(diff.identical());
  EXPECT_GT(diff.first_operation(), 0);
  EXPECT_THAT(diff.first_difference(), HasSubstr(absl::StrCat("run ", best)));
  EXPECT_TRUE(Read<v1::DiffRunsReply>(absl::StrCat("/api/runs/", first, "/diff?with=", first)).identical());
  EXPECT_EQ(Ask(absl::StrCat("/api/runs/", first, "/diff")).status, 404) << "there is no run 0";
  EXPECT_EQ(Ask(absl::StrCat("/api/runs/", first, "/diff?with=x")).status, 400);
}

}  // namespace
}  // namespace alloclab::server
