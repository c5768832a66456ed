// The web page over real HTTP, from a real server.
#include "server/web/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "allocators/workload/builtins.h"
#include "alloclab/v1/web.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/testing/eventually.h"
#include "server/testing/web_server_fixture.h"

namespace alloclab::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(WebServerTest, ServesItsFilesWithTypesAndTags) {
  const struct {
    const char *path, *type, *holds;
  } files[] = {{"/", "text/html", "<title>alloclab</title>"},
               {"/index.html", "text/html", "main.js"},
               {"/style.css", "text/css", "prefers-color-scheme: dark"},
               {"/views/overview.js", "text/javascript", "export function open"},
               {"/icon.svg", "image/svg+xml", "<svg"}};
  for (const auto& file : files) {
    const RawResponse response = Ask(file.path);
    EXPECT_EQ(response.status, 200) << file.path;
    EXPECT_THAT(response.headers, AllOf(HasSubstr(file.type), HasSubstr("ETag: \""), HasSubstr("Content-Security-Policy:")));
    EXPECT_THAT(response.body, HasSubstr(file.holds));
  }
}

// The policy forbids inline scripts and styles and other hosts: no file may need them.
TEST_F(WebServerTest, FilesKeepToTheirOwnPolicy) {
  for (const char* path : {"/", "/style.css", "/map.css", "/main.js", "/api.js", "/dom.js"}) {
    const std::string body = Ask(path).body;
    EXPECT_THAT(body, AllOf(Not(HasSubstr(" style=")), Not(HasSubstr("<style")), Not(HasSubstr("onclick=")),
                            Not(HasSubstr("innerHTML")), Not(HasSubstr("eval(")), Not(HasSubstr("://cdn"))))
        << path;
  }
}

TEST_F(WebServerTest, TellsAboutTheServer) {
  const auto info = Read<v1::WebServerInfo>("/api/server");
  EXPECT_EQ(info.server().cost_model(), "i386-v1");
  EXPECT_EQ(info.prometheus_url(), "http://127.0.0.1:7414");
  EXPECT_EQ(info.grafana_url(), "");
  EXPECT_THAT(info.server().web_url(), HasSubstr(server().server().web_address()));
  EXPECT_GT(info.time().seconds(), 0);
}

TEST_F(WebServerTest, ShowsTheCatalogue) {
  const auto catalog = Read<v1::Catalog>("/api/catalog");
  EXPECT_EQ(catalog.heap_allocators(0).name(), "implicit-heap");
  EXPECT_EQ(catalog.page_allocators(0).name(), "page-runs");
  EXPECT_GE(catalog.heap_allocators(0).example().blocks_size(), 4);
  EXPECT_EQ(Read<v1::ListBuiltinsResponse>("/api/workloads").builtins_size(), static_cast<int>(BuiltinWorkloads().size()));
}

TEST_F(WebServerTest, ShowsAnInstanceAndItsMap) {
  server().Create("shown");
  const std::uint32_t address = Malloc("shown", 100'000);
  const auto detail = Read<v1::InstanceDetail>("/api/instances/shown");
  EXPECT_EQ(detail.instance().name(), "shown");
  EXPECT_EQ(detail.instance().operations(), 1);
  EXPECT_EQ(detail.statistics().counters().live_requested_bytes(), 100'000);

  const auto map = Read<v1::MemoryMap>("/api/instances/shown/map?cells=256");
  std::uint64_t live = 0;
  for (const std::uint32_t cell : map.heap().live_bytes()) live += cell;
  EXPECT_EQ(live, detail.statistics().heap().live_block_bytes());
  EXPECT_EQ(map.heap().brk(), detail.statistics().heap().brk());

  // One answer: the cells, and the block in the cell of an address.
  const auto looked = Read<v1::MemoryMap>(absl::StrCat("/api/instances/shown/map?cells=256&at=", address + 5000)).heap();
  EXPECT_EQ(looked.at(), address + 5000);
  ASSERT_EQ(looked.at_blocks_size(), 1);
  EXPECT_EQ(looked.at_blocks(0).address(), address - 4);
  EXPECT_EQ(looked.at_blocks(0).kind(), v1::Block::LIVE);
  EXPECT_EQ(looked.at_blocks(0).payload(), address);
  ASSERT_EQ(looked.at_blocks(0).fields_size(), looked.field_names_size());
  EXPECT_FALSE(looked.at_more());
}

// Equal machines have equal JSON, maps included: a hash table's order would change from one message to the next.
TEST_F(WebServerTest, WritesMapsInTheOrderOfTheirKeys) {
  server().Create("ordered", [](v1::InstanceConfig& config) {
    (*config.mutable_parameters())["pages.engine"] = "literal";
    (*config.mutable_parameters())["heap.engine"] = "literal";
  });
  for (int i = 0; i < 20; ++i) {
    const std::string body = Ask("/api/instances/ordered").body;
    EXPECT_LT(body.find("\"heap.engine\""), body.find("\"pages.engine\"")) << body;
  }
}

TEST_F(WebServerTest, ListsInstancesInPages) {
  for (int i = 0; i < 5; ++i) server().Create(absl::StrCat("listed-", i));
  std::string token;
  int seen = 0, pages = 0;
  do {
    const auto list = Read<v1::InstanceSummaries>(absl::StrCat("/api/instances?page_size=2&page_token=", token));
    for (const auto& item : list.instances()) seen += item.instance().name().starts_with("listed-");
    token = list.next_page_token();
  } while (!token.empty() && ++pages < 100);
  EXPECT_EQ(seen, 5);
}

TEST_F(WebServerTest, ShowsTheMachineOfARunAtWork) {
  const std::uint64_t id = Submit("literal", 2'000'000);  // far more than the test waits for
  const std::string path = absl::StrCat("/api/runs/", id);
  std::string first, last;
  EXPECT_TRUE(Eventually([&] {
    const auto map = Read<v1::MemoryMap>(path + "/map?cells=512");
    if (!map.gone()) (first.empty() ? first : last) = map.SerializeAsString();
    return !last.empty() && last != first;
  })) << "the picture of a machine at work changes";
  const auto detail = Read<v1::RunDetail>(path);
  EXPECT_EQ(detail.run().state(), v1::Run::RUNNING);
  EXPECT_GT(detail.live().counters().operations(), 0);

  v1::CancelRunRequest cancel;
  cancel.set_id(id);
  v1::Run run;
  grpc::ClientContext context;
  EXPECT_TRUE(server()->runs->CancelRun(&context, cancel, &run).ok());
  EXPECT_TRUE(Read<v1::MemoryMap>(path + "/map").gone());
}

TEST_F(WebServerTest, ShowsTheResultOfARun) {
  const std::uint64_t id = Submit("indexed", 20'000);
  server().AwaitEnd(id);
  const auto run = Read<v1::RunDetail>(absl::StrCat("/api/runs/", id)).run();
  EXPECT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
  EXPECT_EQ(run.result().exact().operations(), run.operations_total());
  EXPECT_FALSE(run.result().exact().checkpoints(0).metadata_sha256().empty());
  const auto list = Read<v1::ListRunsResponse>("/api/runs?page_size=1");
  ASSERT_EQ(list.runs_size(), 1);
  EXPECT_EQ(list.runs(0).id(), id);
}

// As ListRuns does, and so as the command line does.
TEST_F(WebServerTest, FiltersRuns) {
  const std::uint64_t id = Submit("indexed", 20'000);
  server().AwaitEnd(id);
  const auto found = [&](const char* filter) {
    const auto list = Read<v1::ListRunsResponse>(absl::StrCat("/api/runs?page_size=500&", filter));
    std::vector<std::uint64_t> ids;
    for (const v1::Run& run : list.runs()) ids.push_back(run.id());
    return ids;
  };
  EXPECT_THAT(found("state=SUCCEEDED&allocator=implicit-heap"), testing::Contains(id));
  EXPECT_THAT(found("state=FAILED"), testing::Not(testing::Contains(id)));
  EXPECT_THAT(found("allocator=none"), testing::Not(testing::Contains(id)));
  EXPECT_THAT(found("workload=nothing-like-it"), testing::IsEmpty());
  EXPECT_THAT(found("label=nothing-like-it"), testing::IsEmpty());
}

TEST_F(WebServerTest, ErrorsAreJsonThatNamesTheOffender) {
  server().Create("erring");
  const struct {
    const char* target;
    int status;
    const char* says;
  } cases[] = {
      {"/nothing", 404, "/nothing"},
      {"/views/", 404, "/views"},
      {"/api", 404, "/api"},
      {"/api/nothing", 404, "/api/nothing"},
      {"/api/instances/nobody", 404, "nobody"},
      {"/api/instances/nobody/map", 404, "nobody"},
      {"/api/instances/%3Cscript%3E", 404, "script"},
      {"/api/instances/erring/words", 404, "/api/instances/erring/words"},
      {"/api/instances/erring/map?cells=15", 400, "cells"},
      {"/api/instances/erring/map?cells=16385", 400, "cells"},
      {"/api/instances/erring/map?cells=-1", 400, "cells"},
      {"/api/instances/erring/map?cells=1e9", 400, "cells"},
      {"/api/instances/erring/map?from=4294967296&to=1", 400, "from"},
      {"/api/instances/erring/map?from=10&to=10", 400, "to"},
      {"/api/instances/erring/map?to=10", 400, "to"},
      {"/api/instances/erring/map?zoom=1", 400, "zoom"},
      {"/api/instances/erring/map?at=x", 400, "at"},
      {"/api/instances/erring/map?at=4294967296", 400, "at"},
      {"/api/instances/erring/chunks", 404, "/api/instances/erring/chunks"},
      {"/api/instances?page_size=1001", 400, "page_size"},
      {"/api/instances?page_size=0", 400, "page_size"},
      {"/api/instances?page_token=x", 400, "page_token"},
      {"/api/runs/x", 400, "x"},
      {"/api/runs/-1", 400, "-1"},
      {"/api/runs/99999999999999999999", 400, "99999999999999999999"},
      {"/api/runs/424242", 404, "424242"},
      {"/api/runs/424242/map", 404, "424242"},
      {"/api/runs?page_size=501", 400, "page_size"},
      {"/api/runs?state=BUSY", 400, "BUSY"},
      {"/api/runs?allocator=page-run", 400, "page-runs"},
      {"/api/server?x=1", 400, "x"},
      {"/api/catalog/../server", 400, "expected no"},
      {"/api/instances/a%00b", 400, "unprintable"},
  };
  for (const auto& c : cases) {
    const RawResponse response = Ask(c.target);
    EXPECT_EQ(response.status, c.status) << c.target << ": " << response.body;
    v1::WebError error;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(response.body, &error).ok()) << c.target << ": " << response.body;
    EXPECT_THAT(error.message(), HasSubstr(c.says)) << c.target;
    EXPECT_FALSE(error.code().empty());
  }
}

// Many browsers at once slow neither each other nor the machine down for long, and every answer is whole.
TEST_F(WebServerTest, ManyBrowsersWhileARunGoesOn) {
  server().Create("crowded");
  for (int i = 0; i < 100; ++i) Malloc("crowded", 1000);
  const std::uint64_t id = Submit("indexed", 300'000);
  std::atomic<int> whole{0};
  std::vector<std::thread> browsers;
  for (int t = 0; t < 6; ++t) {
    browsers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const RawResponse response = Ask(absl::StrCat("/api/instances/crowded/map?cells=", 1000 + 100 * t));
        whole += response.status == 200 && response.body.ends_with("}");
      }
    });
  }
  for (std::thread& browser : browsers) browser.join();
  EXPECT_EQ(whole, 120);
  EXPECT_EQ(server().AwaitEnd(id).state(), v1::Run::SUCCEEDED);
}

TEST(WebServerLinks, MustLeadToWebPages) {
  for (const char* url : {"javascript:alert(1)", "//evil", "ftp://x", "prometheus:9090"}) {
    TemporaryDirectory directory;
    ServerOptions options = TestOptions(directory.path());
    options.web_listen = "127.0.0.1:0";
    options.grafana_url = url;
    const auto server = LabServer::Start(options);
    ASSERT_FALSE(server.ok()) << url;
    EXPECT_THAT(std::string(server.status().message()), AllOf(HasSubstr("grafana-url"), HasSubstr(url)));
  }
}

}  // namespace
}  // namespace alloclab::server
