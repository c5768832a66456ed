#include "server/http/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/http/metric_family.h"
#include "server/testing/http_client.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

std::string OneGauge() {
  Family family("lab_pages", "Pages.", prometheus::MetricType::Gauge);
  family.Add({{"heap", "h"}}, 7.0);
  std::vector<prometheus::MetricFamily> families;
  families.push_back(std::move(family).Take());
  return ToText(families);
}

TEST(ServeMetrics, AnswersInTheTextFormatAndNowhereElse) {
  const auto server = ServeMetrics("--metrics-listen", "127.0.0.1:0", "", OneGauge);
  ASSERT_TRUE(server.ok()) << server.status();
  const RawResponse response = Get((*server)->address(), "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.headers, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_EQ(response.body, "# HELP lab_pages Pages.\n# TYPE lab_pages gauge\nlab_pages{heap=\"h\"} 7\n");
  EXPECT_EQ(Get((*server)->address(), "/").status, 404);
}

// Five ask while one is made: they share one, that begins after they asked.
TEST(SharedScrapeTest, ThoseWhoComeMeanwhileShareTheNext) {
  constexpr int kOthers = 5;
  std::atomic<int> made{0}, asked{0};
  SharedScrape scrape([&] {
    if (++made == 1) {
      while (asked < kOthers) absl::SleepFor(absl::Milliseconds(1));
      absl::SleepFor(absl::Milliseconds(20));  // for the last of them to have come in
    }
    return absl::StrCat(made.load());
  });
  std::thread first([&] { EXPECT_EQ(scrape.Text(), "1"); });
  while (made == 0) absl::SleepFor(absl::Milliseconds(1));
  std::vector<std::thread> others;
  for (int i = 0; i < kOthers; ++i) {
    others.emplace_back([&] {
      ++asked;
      EXPECT_NE(scrape.Text(), "1");
    });
  }
  first.join();
  for (std::thread& other : others) other.join();
  EXPECT_LE(made, 3) << "one more, for who was late";
  const int so_far = made;
  EXPECT_EQ(scrape.Text(), absl::StrCat(so_far + 1)) << "nobody asks meanwhile: it is made anew";
}

TEST(ServeMetrics, RefusesWhatIsNoAddressAndAPortThatIsTaken) {
  for (const char* listen : {"", "7415", ":7415", "localhost:", "localhost:99999", "localhost:x", "unix:/tmp/x"}) {
    const absl::Status status = ServeMetrics("--metrics-listen", listen, "", OneGauge).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << listen;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("--metrics-listen: \"" + std::string(listen) + "\" is not an address"));
  }
  const auto first = ServeMetrics("--metrics-listen", "127.0.0.1:0", "", OneGauge);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = (*first)->address();
  const absl::Status status = ServeMetrics("--metrics-listen", taken, "", OneGauge).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--metrics-listen " + taken + ": cannot listen: the port is taken"));
}

TEST(ServeMetrics, KnowsTheNamesItIsGiven) {
  const auto server = ServeMetrics("--metrics-listen", "127.0.0.1:0", "lab.example,server", OneGauge);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Exchange((*server)->address(), "GET /metrics HTTP/1.1\r\nHost: SERVER:7413\r\n\r\n").status, 200);
  EXPECT_EQ(Exchange((*server)->address(), "GET /metrics HTTP/1.1\r\nHost: loadgen:7413\r\n\r\n").status, 403);
  const absl::Status status = ServeMetrics("--metrics-listen", "127.0.0.1:0", "server:7413", OneGauge).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--allowed-hosts: \"server:7413\" is not the name of a host"));
}

}  // namespace
}  // namespace alloclab::server
