#include "server/server/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Why a server does not start; empty: it does.
std::string ExposureRefusal(const ServerOptions& options, bool tokens) {
  return std::string(CheckExposures(options, ExposuresOf(options, tokens)).message());
}

TEST(Exposures, LoopbackNeedsNothing) {
  ServerOptions options;
  EXPECT_THAT(ExposuresOf(options, false), IsEmpty());
  options.listen = "unix:/run/lab.sock";
  options.web_listen = options.metrics_listen = "";
  EXPECT_THAT(ExposuresOf(options, false), IsEmpty());
}

TEST(Exposures, OthersReachOnlyWhatIsProtected) {
  ServerOptions options;
  options.listen = "0.0.0.0:1";
  EXPECT_THAT(ExposureRefusal(options, false),
              HasSubstr("--listen: 0.0.0.0:1 is reachable from other hosts, without TLS and tokens;"));
  EXPECT_THAT(ExposureRefusal(options, true), HasSubstr("without TLS;"));
  options.tls_cert = options.tls_key = "there";
  EXPECT_THAT(ExposureRefusal(options, false), HasSubstr("without tokens;"));
  EXPECT_EQ(ExposureRefusal(options, true), "");
  options.client_ca = "there";
  EXPECT_EQ(ExposureRefusal(options, false), "");
}

TEST(Exposures, EachPortOfHttpIsProtectedLikewise) {
  ServerOptions options;
  options.web_listen = "[::]:1";
  EXPECT_THAT(ExposureRefusal(options, true),
              HasSubstr("--web-listen: [::]:1 is reachable from other hosts, without TLS; protect it with"));
  options.tls_cert = options.tls_key = options.client_ca = "there";
  EXPECT_EQ(ExposureRefusal(options, true), "");
  EXPECT_THAT(ExposureRefusal(options, false), HasSubstr("without tokens;")) << "client_ca is of gRPC";
  options.web_client_ca = "there";
  EXPECT_EQ(ExposureRefusal(options, false), "");
  options.metrics_listen = "192.0.2.7:1";
  EXPECT_THAT(ExposureRefusal(options, false), HasSubstr("--metrics-listen: 192.0.2.7:1"));
  EXPECT_EQ(ExposureRefusal(options, true), "");
  options.metrics_client_ca = "there";
  EXPECT_EQ(ExposureRefusal(options, false), "");
  options.metrics_client_ca = "";
  options.insecure = true;
  EXPECT_EQ(ExposureRefusal(options, false), "");
  EXPECT_EQ(ExposuresOf(options, false).size(), 1u);
}

}  // namespace
}  // namespace alloclab::server
