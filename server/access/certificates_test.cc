#include "server/access/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/time/clock.h"
#include "server/testing/eventually.h"
#include "server/testing/process.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using ::testing::ElementsAre;
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

TEST_F(Certificates, AreRenewedByTheSameAuthorityForTheSameNames) {
  ASSERT_EQ(Make("lab", {"localhost", "::1", "192.0.2.7"}), "");
  const std::string cert = Path("lab/server.pem");
  const auto read = [](const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  const auto renew = [&](absl::Duration life, const std::vector<std::string>& hosts) {
    return RenewCertificates({.directory = Path("lab"), .hosts = hosts, .from = absl::Now(), .life = life});
  };
  const std::string authority = read(Path("lab/ca.pem")), before = read(cert), key = read(Path("lab/server.key"));
  const auto renewed = renew(absl::Hours(48), {"lab.example.org", "localhost"});
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_THAT(*renewed, ElementsAre(Path("lab/server.key"), cert, Path("lab/client.key"), Path("lab/client.pem")));
  EXPECT_EQ(read(Path("lab/ca.pem")), authority);
  EXPECT_NE(read(cert), before);
  EXPECT_NE(read(Path("lab/server.key")), key);
  EXPECT_GT(*CertificateEnd({"--tls-cert", cert}), absl::Now() + absl::Hours(47));
  EXPECT_LE(*CertificateEnd({"--tls-cert", cert}), absl::Now() + absl::Hours(48));
  EXPECT_THAT(std::string(CertificateEnd({"--tls-cert", Path("lab/server.key")}).status().message()),
              HasSubstr("server.key: holds no certificate"));
  EXPECT_EQ(Refusal(cert, Path("lab/server.key"), Path("lab/ca.pem")), "");
  const Process shown({"/usr/bin/openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName"});
  EXPECT_TRUE(Eventually([&] { return shown.out().find("lab.example.org") != std::string::npos; })) << shown.out();
  EXPECT_THAT(shown.out(), HasSubstr("DNS:localhost, IP Address:0:0:0:0:0:0:0:1, IP Address:192.0.2.7, DNS:lab.example.org"));
  const Process verified({"/usr/bin/openssl", "verify", "-CAfile", Path("lab/ca.pem"), cert, Path("lab/client.pem")});
  EXPECT_TRUE(Eventually([&] { return verified.out().find("client.pem: OK") != std::string::npos; })) << verified.err();

  const std::string now = read(cert);
  EXPECT_THAT(std::string(renew(absl::Hours(24 * 3660), {}).status().message()), HasSubstr("ca.pem: is not good for so long"));
  EXPECT_THAT(std::string(renew(absl::Hours(1), {"a b"}).status().message()), HasSubstr("--host \"a b\""));
  std::filesystem::remove(Path("lab/ca.key"));
  EXPECT_THAT(std::string(renew(absl::Hours(1), {}).status().message()), HasSubstr("ca.key: cannot be read: No such file"));
  EXPECT_EQ(read(cert), now);
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
