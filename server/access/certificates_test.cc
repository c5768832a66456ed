#include "server/access/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/time/clock.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

class Certificates : public testing::Test {
 protected:
  std::string Make(const std::string& name, const std::vector<std::string>& hosts = {"localhost"}) const {
    const std::string directory = folder_.path() / name;
    const auto made = MakeCertificates({.directory = directory, .hosts = hosts, .from = absl::Now(), .life = absl::Hours(1)});
    return made.ok() ? "" : std::string(made.status().message());
  }
  std::string Path(const std::string& name) const { return folder_.path() / name; }
  // Why files are refused; empty: they are not.
  std::string Refusal(const std::string& cert, const std::string& key, const std::string& ca = "") const {
    const TlsFiles files{.certificate = {.flag = "--tls-cert", .path = cert},
                         .key = {.flag = "--tls-key", .path = key},
                         .authority = {.flag = "--client-ca", .path = ca}};
    return std::string(CheckTlsFiles(files).message());
  }

  TemporaryDirectory folder_;
};

TEST_F(Certificates, AreMadeForTheirOwnerAndFitTheirKeys) {
  EXPECT_EQ(Make("lab", {"localhost", "::1", "192.0.2.7", "lab.example.org"}), "");
  for (const char* name : {"ca", "server", "client"}) {
    const std::string stem = Path("lab") + "/" + name;
    EXPECT_EQ(Refusal(stem + ".pem", stem + ".key", Path("lab/ca.pem")), "");
    struct stat status {};
    ASSERT_EQ(stat((stem + ".key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << stem;
  }
}

TEST_F(Certificates, NothingIsOverwritten) {
  ASSERT_EQ(Make("lab"), "");
  const auto read = [this] {
    std::ostringstream text;
    text << std::ifstream(Path("lab/server.key")).rdbuf();
    return text.str();
  };
  const std::string before = read();
  EXPECT_THAT(Make("lab"), HasSubstr("ca.key is there already and is not overwritten"));
  // One of them is enough, and what was made before it was met goes again.
  std::filesystem::remove(Path("lab/ca.key"));
  std::filesystem::remove(Path("lab/ca.pem"));
  EXPECT_THAT(Make("lab"), HasSubstr("server.key is there already"));
  EXPECT_FALSE(std::filesystem::exists(Path("lab/ca.key")));
  EXPECT_EQ(read(), before);
}

TEST_F(Certificates, HostsAreNamesOrAddresses) {
  for (const char* host : {"", "a b", "a,DNS:evil", "*", "1:2"}) EXPECT_THAT(Make("lab", {host}), HasSubstr("--host \""));
  EXPECT_FALSE(std::filesystem::exists(Path("lab")));
}

TEST_F(Certificates, FilesThatCannotServeAreRefusedByName) {
  ASSERT_EQ(Make("lab"), "");
  const std::string cert = Path("lab/server.pem"), key = Path("lab/server.key"), text = folder_.Write("text", "hello\n");
  EXPECT_THAT(Refusal("/no/such.pem", key), HasSubstr("--tls-cert /no/such.pem: cannot be read: No such file or directory"));
  EXPECT_THAT(Refusal(folder_.path(), key), HasSubstr("cannot be read"));
  EXPECT_THAT(Refusal(text, key), HasSubstr("--tls-cert " + text + ": holds no certificate; expected PEM"));
  EXPECT_THAT(Refusal(key, key), HasSubstr("holds no certificate"));
  EXPECT_THAT(Refusal(cert, text), HasSubstr("--tls-key " + text + ": holds no key"));
  EXPECT_THAT(Refusal(cert, cert), HasSubstr("holds no key"));
  EXPECT_THAT(Refusal(cert, Path("lab/client.key")), HasSubstr("client.key: is not the key of --tls-cert " + cert));
  EXPECT_THAT(Refusal(cert, key, text), HasSubstr("--client-ca " + text + ": holds no certificate"));
}

}  // namespace
}  // namespace alloclab::server
