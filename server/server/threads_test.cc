// Browsers and scrapers beside work, without gRPC, so that ThreadSanitizer can watch all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/metrics/metrics_endpoint.h"
#include "server/server/server_card.h"
#include "server/testing/http_client.h"
#include "server/testing/test_lab.h"
#include "server/web/web_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

class WebConcurrency : public testing::Test {
 protected:
  // A batch that takes some milliseconds: pairs of malloc and free.
  static std::vector<Operation> Batch() {
    std::vector<Operation> operations;
    for (int i = 0; i < 5'000; ++i) {
      operations.push_back({OpKind::kMalloc, 0, 100, 0});
      operations.push_back({OpKind::kFree, 0, 0, 0});
    }
    return operations;
  }
  std::string Api(const std::string& path) const { return Get(web_->address(), "/api/" + path).body; }

  TestLab lab_;
  ServerCard card_{lab_.instances, *lab_.store};
  RpcMetrics rpcs_;
  std::unique_ptr<MetricsEndpoint> metrics_ =
      *MetricsEndpoint::Start("127.0.0.1:0", {lab_.heaps, lab_.instances, lab_.runs, rpcs_, *lab_.budget,
                                              [] { return std::size_t{0}; }, [] { return ConnectionFigures{}; }});
  OpenedRuns opened_runs_{lab_.runs, lab_.traces, lab_.instances};
  std::unique_ptr<WebServer> web_ =
      *WebServer::Start(*ParseBindAddress("127.0.0.1:0"),
                        {lab_.instances, lab_.runs, opened_runs_, lab_.traces, [this] { return card_.Describe(); }, "", ""});
};

TEST_F(WebConcurrency, BrowsersAndScrapersBesideBatchesRunsAndDeletions) {
  constexpr int kDrivers = 2, kBatches = 10, kTimes = 3;
  const auto busy = lab_.instances.Create({"busy", SmallMachine(), "", ""});
  ASSERT_TRUE(busy.ok()) << busy.status();
  const std::vector<Operation> batch = Batch();
  Crew crew;
  crew.Spawn(kDrivers, kBatches, [&](int, int) {
    std::vector<OpResult> results(batch.size());
    for (int i = 0; i < kTimes; ++i) EXPECT_TRUE((*busy)->Apply({.heap = 1}, batch, results).ok());
  });
  crew.Spawn(1, 20, [&](int, int call) {
    const auto run = lab_.runs.Submit({SmallRequest(call % 2 == 0 ? 100'000 : 2'000)});
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_NE(Api("runs/" + std::to_string(run->id) + "/map"), "");
    if (call % 4 == 0) {
      EXPECT_TRUE(lab_.runs.Cancel(run->id).ok());
    }
  });
  crew.Spawn(1, 30, [&](int, int) {
    EXPECT_TRUE(lab_.instances.Create({"brief", SmallMachine(), "", ""}).ok());
    EXPECT_TRUE(lab_.instances.Delete("brief").ok());
  });
  crew.Spawn(2, 20,
             [&](int, int) { EXPECT_THAT(Get(metrics_->address(), "/metrics").body, HasSubstr("lab_instance=\"busy\"")); });
  crew.Spawn(2, 10, [&](int, int) {
    EXPECT_THAT(Api("instances/busy/map"), HasSubstr("heap"));
    EXPECT_THAT(Api("instances/busy"), HasSubstr("busy"));
    EXPECT_THAT(Api("instances"), HasSubstr("busy"));
    EXPECT_NE(Api("runs"), "");
    EXPECT_NE(Api("server"), "");
    EXPECT_NE(Get(web_->address(), "/").body, "");
  });
  crew.Join();
  EXPECT_EQ((*busy)->operations(), batch.size() * kTimes * kDrivers * kBatches);
  EXPECT_TRUE(lab_.instances.Delete("busy").ok());
  lab_.runs.Stop(MonotonicTime::Now() + absl::Seconds(60));
  EXPECT_EQ(lab_.budget->promised_ram_bytes(), 0u);
}

}  // namespace
}  // namespace alloclab::server
