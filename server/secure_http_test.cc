// The real program's page and /metrics at every address, by TLS and tokens, so that nothing need be said to be insecure; curl
// is the client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/access/certificates.h"
#include "server/access/token_file.h"
#include "server/testing/eventually.h"
#include "server/testing/process.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

std::string WrittenBy(const Process& process) { return process.out() + process.err(); }

class SecureHttp : public ::testing::Test {
 protected:
  SecureHttp() {
    for (const char* name : {"lab", "other"}) {
      EXPECT_TRUE(
          MakeCertificates({.directory = Path(name), .hosts = {"127.0.0.1"}, .from = absl::Now(), .life = absl::Hours(1)})
              .ok());
    }
    token_ = *CreateToken(Path("data"), {.name = "ada", .role = Role::kUser, .created = absl::Now(), .digest = {}});
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }
  static Words Alloclabd(Words options) {
    options.insert(options.begin(), ALLOCLAB_BINARY_DIR "/bin/alloclabd");
    return options;
  }
  void Start(const Words& more) {
    Words options{"--listen",   "127.0.0.1:0",          "--web-listen", "0.0.0.0:0",           "--metrics-listen",
                  "0.0.0.0:0",  "--data-dir",           Path("data"),   "--address-file",      Path("bound"),
                  "--tls-cert", Path("lab/server.pem"), "--tls-key",    Path("lab/server.key")};
    options.insert(options.end(), more.begin(), more.end());
    process_ = std::make_unique<Process>(Alloclabd(options));
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(Path("bound")); })) << WrittenBy(*process_);
    std::ifstream file(Path("bound"));
    for (std::string name, address; file >> name >> address;) ports_[name] = address.substr(address.rfind(':'));
  }
  // Status and body, or why not: "curl: (60) ...".
  std::string Curl(const std::string& scheme, const std::string& port, const std::string& path, const Words& more = {}) const {
    Words words{"/usr/bin/curl", "-sS", "-i", "--max-time", "20", "--cacert", Path("lab/ca.pem")};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(scheme + "://127.0.0.1" + ports_.at(port) + path);
    Process curl(words);
    curl.Wait();
    return WrittenBy(curl);
  }
  Words Bearer(const Words& more = {}) const {
    Words words{"-H", "Authorization: Bearer " + token_};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Words Showing(const std::string& name) const {
    return Bearer({"--cert", Path(name + "/client.pem"), "--key", Path(name + "/client.key")});
  }

  TemporaryDirectory folder_;
  std::string token_;
  std::unique_ptr<Process> process_;
  std::map<std::string, std::string> ports_;  // ":41234"
};

TEST_F(SecureHttp, PageAndMetricsSpeakTls) {
  Start({});
  EXPECT_THAT(WrittenBy(*process_), Not(HasSubstr("server.insecure")));
  EXPECT_THAT(Curl("https", "web", "/"), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(Curl("https", "web", "/api/instances"), HasSubstr("HTTP/1.1 401"));
  EXPECT_THAT(Curl("https", "web", "/api/instances", Bearer()), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(Curl("https", "web", "/api/server", Bearer()), HasSubstr("https://127.0.0.1" + ports_["metrics"] + "/metrics"));
  EXPECT_THAT(Curl("https", "metrics", "/metrics"), HasSubstr("HTTP/1.1 401"));
  EXPECT_THAT(Curl("https", "metrics", "/metrics", Bearer()), HasSubstr("\nalloclab_"));
  const Words sign_in = Bearer({"-X", "POST", "-H", "Origin: https://127.0.0.1" + ports_["web"]});
  EXPECT_THAT(Curl("https", "web", "/api/session/open", sign_in), HasSubstr("HttpOnly; SameSite=Strict; Secure\r\n"));
  for (const char* port : {"web", "metrics"}) {
    EXPECT_THAT(Curl("http", port, "/"), HasSubstr("this port speaks TLS: ask for https://")) << port;
    EXPECT_THAT(Curl("https", port, "/", {"--cacert", Path("other/ca.pem")}), HasSubstr("curl: (60)")) << port;
  }
}

TEST_F(SecureHttp, TheEndOfTheCertificateIsInTheLog) {
  Start({});
  EXPECT_TRUE(Eventually([&] { return WrittenBy(*process_).find("server.started") != std::string::npos; }));
  EXPECT_THAT(WrittenBy(*process_), HasSubstr("access.certificate_expires file=" + Path("lab/server.pem") + " at="));
}

TEST_F(SecureHttp, ACertificateThatIsOverIsInTheLog) {
  ASSERT_TRUE(
      RenewCertificates({.directory = Path("lab"), .hosts = {}, .from = absl::Now() - absl::Hours(2), .life = absl::Hours(1)})
          .ok());
  Start({});
  EXPECT_TRUE(Eventually([&] { return WrittenBy(*process_).find("server.started") != std::string::npos; }));
  EXPECT_THAT(WrittenBy(*process_), HasSubstr("warning access.certificate_expired file=" + Path("lab/server.pem")));
}

TEST_F(SecureHttp, EachPortMayDemandCertificates) {
  Start({"--metrics-client-ca", Path("lab/ca.pem")});
  EXPECT_THAT(Curl("https", "metrics", "/metrics", Showing("lab")), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(Curl("https", "metrics", "/metrics", Showing("other")), HasSubstr("curl: ("));
  EXPECT_THAT(Curl("https", "metrics", "/metrics", Bearer()), HasSubstr("curl: ("));
  EXPECT_THAT(Curl("https", "web", "/api/instances", Bearer()), HasSubstr("HTTP/1.1 200 OK")) << "not of browsers";
}

}  // namespace
}  // namespace alloclab::server
