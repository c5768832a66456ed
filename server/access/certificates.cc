#include "server/access/certificates.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "allocators/common/check.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035

template <auto kFree>
struct Freed {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using Bytes = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

struct Signed {
  Certificate certificate;
  Key key;
};

absl::Status Refused(const NamedFile& file, std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(fmt::format("{} {}: {}", file.flag, file.path, what));
}

absl::StatusOr<std::string> ReadWhole(const NamedFile& file) {
  std::ifstream stream(file.path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) return Refused(file, fmt::format("cannot be read: {}", std::strerror(errno)));
  return text.str();
}

Bytes Reader(const std::string& text) { return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// No terminal is asked for the password of a key.
int NoPassword(char*, int, int, void*) { return -1; }

std::string Text(BIO* bytes) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

absl::StatusOr<Signed> ReadPair(const NamedFile& certificate, const NamedFile& key) {
  const absl::StatusOr<std::string> certificates = ReadCertificates(certificate);
  if (!certificates.ok()) return certificates.status();
  const absl::StatusOr<std::string> text = ReadWhole(key);
  if (!text.ok()) return text.status();
  Signed read{.certificate = Certificate(PEM_read_bio_X509(Reader(*certificates).get(), nullptr, NoPassword, nullptr)),
              .key = Key(PEM_read_bio_PrivateKey(Reader(*text).get(), nullptr, NoPassword, nullptr))};
  if (!read.key) return Refused(key, "holds no key without a password; expected PEM, \"-----BEGIN PRIVATE KEY-----\"");
  if (X509_check_private_key(read.certificate.get(), read.key.get()) != 1) {
    return Refused(key, fmt::format("is not the key of {} {}", certificate.flag, certificate.path));
  }
  return read;
}

bool IsAddress(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

absl::Status CheckHost(const std::string& host) {
  const auto fits = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.'; };
  const bool is_name = !host.empty() && host.size() <= kHostBytesMax && std::all_of(host.begin(), host.end(), fits);
  if (is_name || IsAddress(host)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("--host \"{}\": neither the name of a host nor an address; expected lab.example.org or 192.0.2.7", host));
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  ALLOCLAB_CHECK(extension != nullptr);
  ALLOCLAB_CHECK_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

// A new key and its certificate without extensions, which is not signed yet.
Signed Draft(const std::string& name, X509* issuer, absl::Time from, absl::Time until) {
  Signed made{.certificate = Certificate(X509_new()), .key = Key(EVP_EC_gen("P-256"))};
  ALLOCLAB_CHECK(made.certificate != nullptr && made.key != nullptr);
  X509* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  std::array<unsigned char, 16> serial;
  ALLOCLAB_CHECK_EQ(RAND_bytes(serial.data(), serial.size()), 1);
  serial[0] &= 0x7F;  // positive
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(from));
  ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(until));
  X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                             static_cast<const unsigned char*>(static_cast<const void*>(name.c_str())), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer == nullptr ? certificate : issuer));
  X509_set_pubkey(certificate, made.key.get());
  return made;
}

Signed MakeAuthority(absl::Time from, absl::Time until) {
  Signed made = Draft("alloclab lab authority", nullptr, from, until);
  X509* const certificate = made.certificate.get();
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(certificate, certificate, NID_subject_key_identifier, "hash");
  ALLOCLAB_CHECK_GT(X509_sign(certificate, made.key.get(), EVP_sha256()), 0);
  return made;
}

// `usage` as in OpenSSL's configuration; `names` is the subjectAltName, or empty.
Signed MakeLeaf(const std::string& name, const Signed& authority, const CertificatePlan& plan, const std::string& usage,
                const std::string& names) {
  X509* const issuer = authority.certificate.get();
  Signed made = Draft(name, issuer, plan.from, plan.from + plan.life);
  X509* const certificate = made.certificate.get();
  AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate, issuer, NID_ext_key_usage, usage);
  AddExtension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  if (!names.empty()) AddExtension(certificate, issuer, NID_subject_alt_name, names);
  ALLOCLAB_CHECK_GT(X509_sign(certificate, authority.key.get(), EVP_sha256()), 0);
  return made;
}

// It may also be shown by the server's own health check, which is a client.
Signed MakeServer(const Signed& authority, const CertificatePlan& plan, const std::vector<std::string>& names) {
  return MakeLeaf("alloclabd", authority, plan, "serverAuth,clientAuth", absl::StrJoin(names, ","));
}

Signed MakeClient(const Signed& authority, const CertificatePlan& plan) {
  return MakeLeaf("alloclab", authority, plan, "clientAuth", "");
}

absl::Status WriteNew(const std::string& path, const std::string& text, mode_t mode) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const bool written = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (file >= 0) close(file);
  if (written) return absl::OkStatus();
  if (file >= 0) unlink(path.c_str());  // a part of it is of no use, and would be in the way next time
  if (error == EEXIST) {
    return absl::FailedPreconditionError(
        fmt::format("{} is there already and is not overwritten; give another --directory, or move it away", path));
  }
  return absl::FailedPreconditionError(fmt::format("{} cannot be written: {}", path, std::strerror(error)));
}

// As in OpenSSL's configuration: "DNS:localhost", "IP:192.0.2.7".
absl::StatusOr<std::vector<std::string>> AlternativeNames(const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const std::string& host : hosts) {
    if (absl::Status status = CheckHost(host); !status.ok()) return status;
    names.push_back((IsAddress(host) ? "IP:" : "DNS:") + host);
  }
  return names;
}

// The names and addresses that a certificate is for.
std::vector<std::string> HostsOf(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    const auto* const text = static_cast<const ASN1_STRING*>(value);
    const unsigned char* const data = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    if (kind == GEN_DNS) {
      hosts.emplace_back(data, data + size);
    } else if (size == 4 || size == 16) {
      std::array<char, INET6_ADDRSTRLEN> address{};
      hosts.emplace_back(inet_ntop(size == 4 ? AF_INET : AF_INET6, data, address.data(), address.size()));
    }
  }
  return hosts;
}

absl::Status WritePair(const std::string& stem, const Signed& made, std::vector<std::string>& paths) {
  const Bytes certificate(BIO_new(BIO_s_mem())), key(BIO_new(BIO_s_mem()));
  ALLOCLAB_CHECK_EQ(PEM_write_bio_X509(certificate.get(), made.certificate.get()), 1);
  ALLOCLAB_CHECK_EQ(PEM_write_bio_PrivateKey(key.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  if (absl::Status status = WriteNew(stem + ".key", Text(key.get()), 0600); !status.ok()) return status;
  paths.push_back(stem + ".key");
  if (absl::Status status = WriteNew(stem + ".pem", Text(certificate.get()), 0644); !status.ok()) return status;
  paths.push_back(stem + ".pem");
  return absl::OkStatus();
}

absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return absl::OkStatus();
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (mkdir(directory.c_str(), 0700) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("--directory {} cannot be made: {}", directory, std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::string> ReadCertificates(const NamedFile& file) {
  absl::StatusOr<std::string> text = ReadWhole(file);
  if (!text.ok()) return text;
  const Bytes bytes = Reader(*text);
  if (!Certificate(PEM_read_bio_X509(bytes.get(), nullptr, NoPassword, nullptr))) {
    return Refused(file, "holds no certificate; expected PEM, \"-----BEGIN CERTIFICATE-----\"");
  }
  return text;
}

absl::StatusOr<absl::Time> CertificateEnd(const NamedFile& file) {
  const absl::StatusOr<std::string> text = ReadCertificates(file);
  if (!text.ok()) return text.status();
  const Certificate certificate(PEM_read_bio_X509(Reader(*text).get(), nullptr, NoPassword, nullptr));
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return Refused(file, "has no time at which it ends");
  return absl::FromTimeT(timegm(&end));
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (!files.authority.path.empty()) {
    if (absl::Status status = ReadCertificates(files.authority).status(); !status.ok()) return status;
  }
  return ReadPair(files.certificate, files.key).status();
}

absl::StatusOr<std::vector<std::string>> MakeCertificates(const CertificatePlan& plan) {
  const absl::StatusOr<std::vector<std::string>> names = AlternativeNames(plan.hosts);
  if (!names.ok()) return names.status();
  if (absl::Status status = PrepareDirectory(plan.directory); !status.ok()) return status;
  const absl::Duration life = std::max(plan.life, kAuthorityLife);
  const Signed authority = MakeAuthority(std::min(plan.from, plan.from + plan.life), plan.from + life);
  const Signed server = MakeServer(authority, plan, *names), client = MakeClient(authority, plan);
  std::vector<std::string> paths;
  absl::Status status;
  for (const auto& [name, made] : {std::pair{"ca", &authority}, {"server", &server}, {"client", &client}}) {
    if (status.ok()) status = WritePair((std::filesystem::path(plan.directory) / name).string(), *made, paths);
  }
  if (status.ok()) return paths;
  for (const std::string& path : paths) unlink(path.c_str());  // of this call alone
  return status;
}

absl::StatusOr<std::vector<std::string>> RenewCertificates(const CertificatePlan& plan) {
  const auto file = [&plan](const char* name) {
    return NamedFile{.flag = "--directory", .path = (std::filesystem::path(plan.directory) / name).string()};
  };
  const absl::StatusOr<Signed> authority = ReadPair(file("ca.pem"), file("ca.key"));
  if (!authority.ok()) return authority.status();
  const absl::StatusOr<Signed> before = ReadPair(file("server.pem"), file("server.key"));
  if (!before.ok()) return before.status();
  std::time_t end = absl::ToTimeT(plan.from + plan.life);
  if (X509_cmp_time(X509_get0_notAfter(authority->certificate.get()), &end) < 0) {
    return Refused(file("ca.pem"), "is not good for so long; expected fewer --days, or a new authority in another --directory");
  }
  std::vector<std::string> hosts = HostsOf(before->certificate.get());
  for (const std::string& host : plan.hosts) {
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  const absl::StatusOr<std::vector<std::string>> names = AlternativeNames(hosts);
  if (!names.ok()) return names.status();
  const Signed server = MakeServer(*authority, plan, *names), client = MakeClient(*authority, plan);
  std::vector<std::string> drafts, paths;
  absl::Status status;
  for (const auto& [name, made] : {std::pair{"server", &server}, {"client", &client}}) {
    if (status.ok()) status = WritePair(file(name).path + ".new", *made, drafts);
  }
  for (const std::string& draft : drafts) {
    if (!status.ok()) {
      unlink(draft.c_str());
      continue;
    }
    paths.push_back(draft);
    paths.back().erase(draft.rfind(".new"), 4);
    if (std::rename(draft.c_str(), paths.back().c_str()) != 0) {
      status = absl::FailedPreconditionError(fmt::format("{} cannot be written: {}", paths.back(), std::strerror(errno)));
    }
  }
  if (!status.ok()) return status;
  return paths;
}

}  // namespace alloclab::server
