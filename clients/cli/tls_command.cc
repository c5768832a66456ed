// tls init: certificates for a lab of one's own.
#include "clients/cli/tls_command.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/access/certificates.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kDaysMax = 3650;

struct TlsArguments {
  std::string directory = "alloclab-tls";
  std::vector<std::string> hosts;
  std::uint64_t days = 365;
};

std::vector<std::string> HostsOf(const TlsArguments& arguments) {
  std::vector<std::string> hosts{"localhost", "127.0.0.1", "::1"};
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') hosts.emplace_back(name.data());
  hosts.insert(hosts.end(), arguments.hosts.begin(), arguments.hosts.end());
  return hosts;
}

CommandResult Init(Session& session, const TlsArguments& arguments) {
  if (arguments.days > kDaysMax) {
    return absl::InvalidArgumentError(fmt::format("--days: {} is too long; expected at most {}", arguments.days, kDaysMax));
  }
  const server::CertificatePlan plan{.directory = arguments.directory,
                                     .hosts = HostsOf(arguments),
                                     .from = absl::Now() - absl::Minutes(5),  // clocks differ
                                     .life = static_cast<double>(arguments.days) * absl::Hours(24)};
  const absl::StatusOr<std::vector<std::string>> paths = server::MakeCertificates(plan);
  if (!paths.ok()) return paths.status();
  google::protobuf::Struct message;
  Section table;
  table.columns = {{"file"}};
  std::string brief;
  for (const std::string& path : *paths) {
    (*message.mutable_fields())["files"].mutable_list_value()->add_values()->set_string_value(path);
    table.rows.push_back({TextCell(path)});
    brief += path + "\n";
  }
  Document document;
  document.sections.push_back(std::move(table));
  const std::string& d = arguments.directory;
  document.footer = {fmt::format("Server: alloclabd --tls-cert {0}/server.pem --tls-key {0}/server.key", d),
                     fmt::format("Client: alloclab --ca {}/ca.pem --server HOST:PORT server", d),
                     fmt::format("Only for who has client.key: alloclabd ... --client-ca {0}/ca.pem, alloclab ... --cert "
                                 "{0}/client.pem --key {0}/client.key",
                                 d),
                     "Keep ca.key away from both: who has it can make more."};
  return Done(session.Show(message, document, brief));
}

}  // namespace

void RegisterTls(CLI::App& app, Command& chosen) {
  CLI::App* tls = AddGroup(app, "tls", "Certificates for a lab that others share", "alloclab tls init");
  const auto arguments = std::make_shared<TlsArguments>();
  CLI::App* init = AddCommand(*tls, "init", "Make an authority, and a server's and a client's certificate that it signs",
                              "alloclab tls init --host lab.example.org", chosen,
                              [arguments](Session& session) { return Init(session, *arguments); });
  init->add_option("--directory", arguments->directory, "Where to write them (default alloclab-tls)")->type_name("DIR");
  init->add_option("--host", arguments->hosts,
                   "A name or address of the server, besides localhost and this host's name; may be given more than once")
      ->type_name("NAME");
  AddPositiveCount(*init, "--days", arguments->days, "How long they are good (default 365)", "expected at least 1 day");
}

}  // namespace alloclab::client
