// tls init, tls renew: certificates for a lab of one's own.
#include "clients/cli/tls_command.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
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

absl::StatusOr<server::CertificatePlan> PlanOf(const TlsArguments& arguments) {
  if (arguments.days > kDaysMax) {
    return absl::InvalidArgumentError(fmt::format("--days: {} is too long; expected at most {}", arguments.days, kDaysMax));
  }
  return server::CertificatePlan{.directory = arguments.directory,
                                 .hosts = arguments.hosts,
                                 .from = absl::Now() - absl::Minutes(5),  // clocks differ
                                 .life = static_cast<double>(arguments.days) * absl::Hours(24)};
}

CommandResult ShowFiles(Session& session, const std::vector<std::string>& paths, Document closing) {
  google::protobuf::Struct message;
  Section table;
  table.columns = {{"file"}};
  std::string brief;
  for (const std::string& path : paths) {
    (*message.mutable_fields())["files"].mutable_list_value()->add_values()->set_string_value(path);
    table.rows.push_back({TextCell(path)});
    brief += path + "\n";
  }
  closing.sections.push_back(std::move(table));
  return Done(session.Show(message, closing, brief));
}

CommandResult Init(Session& session, const TlsArguments& arguments) {
  absl::StatusOr<server::CertificatePlan> plan = PlanOf(arguments);
  if (!plan.ok()) return plan.status();
  plan->hosts = HostsOf(arguments);
  const absl::StatusOr<std::vector<std::string>> paths = server::MakeCertificates(*plan);
  if (!paths.ok()) return paths.status();
  const std::string& d = arguments.directory;
  Document document;
  document.footer = {
      "Keep ca.key away from server and clients: who has it can make more.",
      fmt::format("A server with --client-ca {0}/ca.pem lets in only those who say --cert {0}/client.pem --key {0}/client.key.",
                  d),
      "Server and client:"};
  document.command = fmt::format(
      "alloclabd --tls-cert {0}/server.pem --tls-key {0}/server.key\nalloclab --ca {0}/ca.pem --server HOST:PORT server", d);
  return ShowFiles(session, *paths, std::move(document));
}

CommandResult Renew(Session& session, const TlsArguments& arguments) {
  const absl::StatusOr<server::CertificatePlan> plan = PlanOf(arguments);
  if (!plan.ok()) return plan.status();
  const absl::StatusOr<std::vector<std::string>> paths = server::RenewCertificates(*plan);
  if (!paths.ok()) return paths.status();
  Document document;
  document.footer = {
      "A server takes them up within a few seconds, from where its --tls-cert and --tls-key are. ca.pem is the "
      "same, so clients go on with it."};
  return ShowFiles(session, *paths, std::move(document));
}

}  // namespace

void RegisterTls(CLI::App& app, Command& chosen) {
  CLI::App* tls = AddGroup(app, "tls", "Certificates for a lab that others share", "alloclab tls init");
  const auto arguments = std::make_shared<TlsArguments>();
  const auto add = [&, arguments](const char* name, const char* description, const char* hosts, const char* example,
                                  CommandResult (*run)(Session&, const TlsArguments&)) {
    CLI::App* command = AddCommand(*tls, name, description, example, chosen,
                                   [arguments, run](Session& session) { return run(session, *arguments); });
    command->add_option("--directory", arguments->directory, "Where they are (default alloclab-tls)")->type_name("DIR");
    command->add_option("--host", arguments->hosts, hosts)->type_name("NAME");
    AddPositiveCount(*command, "--days", arguments->days, "How long they are good (default 365)", "expected at least 1 day");
  };
  add("init", "Make an authority, and a server's and a client's certificate that it signs",
      "A name or address of the server, besides localhost and this host's name; may be given more than once",
      "alloclab tls init --host lab.example.org", Init);
  add("renew", "Make the server's and the client's certificate anew, signed by the same authority",
      "A name or address of the server, besides those that it has; may be given more than once",
      "alloclab tls renew --directory alloclab-tls", Renew);
}

}  // namespace alloclab::client
