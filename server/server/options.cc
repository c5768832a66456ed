#include "server/server/options.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "allocators/common/printable.h"
#include "allocators/common/quantity.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/http/bind_address.h"
#include "server/http/host_names.h"
#include "server/http/web_url.h"
#include "server/server/ages.h"
#include "server/store/postgres_connection.h"

namespace alloclab::server {
namespace {

OptionInfo Text(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            if (!IsPrintable(text) || !google::protobuf::internal::IsStructurallyValidUTF8(text)) {
              return absl::InvalidArgumentError(fmt::format("\"{}\" is not printable text in UTF-8", Printable(text)));
            }
            options.*member = text;
            return absl::OkStatus();
          }};
}

// HOST:PORT; empty switches off what may be off. gRPC, which is never off, also takes a Unix socket.
OptionInfo Address(std::string_view name, std::string_view description, std::string ServerOptions::*member, bool may_be_empty) {
  const Sockets sockets = may_be_empty ? Sockets::kTcp : Sockets::kTcpAndUnix;
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member, may_be_empty, sockets](ServerOptions& options, const std::string& text) {
            if (!(text.empty() && may_be_empty)) {
              if (absl::Status status = ParseBindAddress(text, sockets).status(); !status.ok()) return status;
            }
            options.*member = text;
            return absl::OkStatus();
          }};
}

// One that a client can call.
OptionInfo Advertised(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            const absl::StatusOr<BindAddress> address = ParseBindAddress(text, Sockets::kTcpAndUnix);
            if (!text.empty() && !address.ok()) return address.status();
            if (!text.empty() && address->socket_path.empty() && (address->port == 0 || IsEveryAddress(*address))) {
              return absl::InvalidArgumentError(fmt::format("\"{}\": expected the host and port that clients call", text));
            }
            options.*member = text;
            return absl::OkStatus();
          }};
}

OptionInfo WebUrl(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            if (!text.empty() && !IsWebUrl(text)) {
              return absl::InvalidArgumentError(fmt::format(
                  "\"{}\": expected the address of a page, such as https://lab.example.org:7412/", Printable(text)));
            }
            options.*member = text;
            return absl::OkStatus();
          }};
}

OptionInfo Names(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            if (absl::Status status = HostNames::Parse(text).status(); !status.ok()) return status;
            options.*member = text;
            return absl::OkStatus();
          }};
}

OptionInfo Libraries(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            if (absl::Status status = NativeAllocators::ParseNamed(text).status(); !status.ok()) return status;
            options.*member = text;
            return absl::OkStatus();
          }};
}

OptionInfo StoreUrl(std::string_view name, std::string_view description, std::string ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return options.*member; },
          [member](ServerOptions& options, const std::string& text) {
            if (absl::Status status = CheckPostgresUrl(text); !text.empty() && !status.ok()) return status;
            options.*member = text;
            return absl::OkStatus();
          }};
}

template <class Number>
OptionInfo Counted(std::string_view name, std::string_view description, Number ServerOptions::*member) {
  return {name, description, [member](const ServerOptions& options) { return FormatQuantity(options.*member); },
          [member](ServerOptions& options, const std::string& text) {
            const absl::StatusOr<std::uint64_t> value = ParseQuantity(text, std::numeric_limits<Number>::max());
            if (value.ok()) options.*member = static_cast<Number>(*value);
            return value.status();
          }};
}

OptionInfo Duration(std::string_view name, std::string_view description, absl::Duration ServerOptions::*member,
                    absl::Duration max = absl::Hours(24)) {
  return {name, description, [member](const ServerOptions& options) { return absl::FormatDuration(options.*member); },
          [member, max](ServerOptions& options, const std::string& text) {
            const absl::StatusOr<absl::Duration> value = ParseAge(text, max);
            if (value.ok()) options.*member = *value;
            return value.status();
          }};
}

OptionInfo Ages(std::string_view name, std::string_view description, OwnerAges ServerOptions::*member, absl::Duration max) {
  return {name, description, [member](const ServerOptions& options) { return FormatOwnerAges(options.*member); },
          [member, max](ServerOptions& options, const std::string& text) {
            absl::StatusOr<OwnerAges> value = ParseOwnerAges(text, max);
            if (value.ok()) options.*member = *std::move(value);
            return value.status();
          }};
}

// One word of a list, which numbers them.
template <class Enum>
OptionInfo Word(std::string_view name, std::string_view description, Enum ServerOptions::*member,
                std::vector<std::string_view> words) {
  return {
      name, description,
      [member, words](const ServerOptions& options) { return std::string(words[static_cast<std::size_t>(options.*member)]); },
      [member, words](ServerOptions& options, const std::string& text) {
        const auto found = std::find(words.begin(), words.end(), text);
        if (found == words.end()) {
          return absl::InvalidArgumentError(fmt::format("\"{}\" is not one of {}", text, fmt::join(words, ", ")));
        }
        options.*member = static_cast<Enum>(found - words.begin());
        return absl::OkStatus();
      }};
}

OptionInfo Switch(std::string_view name, std::string_view description, bool ServerOptions::*member) {
  OptionInfo option = Word(name, description, member, {"off", "on"});
  option.is_switch = true;
  return option;
}

std::vector<OptionInfo> MakeList() {
  using O = ServerOptions;
  return {
      Address("listen", "address of the gRPC service, HOST:PORT or unix:PATH; port 0 takes a free one", &O::listen,
              /*may_be_empty=*/false),
      Address("web-listen", "address of the web page and its JSON; empty: no web page", &O::web_listen, /*may_be_empty=*/true),
      Address("metrics-listen", "address of /metrics; empty: no metrics", &O::metrics_listen, /*may_be_empty=*/true),
      Names("allowed-hosts",
            "names under which web page and metrics may be asked for, separated by commas, beside localhost and addresses",
            &O::allowed_hosts),
      Text("tls-cert", "file with the certificate of gRPC, web page and metrics, PEM; empty: no TLS", &O::tls_cert),
      Text("tls-key", "file with the key of tls-cert, PEM", &O::tls_key),
      Text("client-ca", "file with who signs the certificates that clients of gRPC must show; empty: they need none",
           &O::client_ca),
      Text("web-client-ca", "file with who signs the certificates that browsers must show; empty: they need none",
           &O::web_client_ca),
      Text("metrics-client-ca", "file with who signs the certificate that Prometheus must show; empty: it needs none",
           &O::metrics_client_ca),
      Switch("insecure",
             "on or off: whether other hosts may reach what has no TLS or no tokens; a warning instead of a refusal",
             &O::insecure),
      Text("data-dir", "directory of the store, one server at a time, and of the tokens", &O::data_dir),
      StoreUrl("store",
               "URL of a PostgreSQL database, which several servers may share as one lab; its password is in PGPASSWORD or "
               "PGPASSFILE; empty: SQLite in data-dir",
               &O::store),
      Advertised("advertise",
                 "address under which clients reach this server, which the other servers on one PostgreSQL database tell them; "
                 "empty: where it listens, by the host's name if that is every address",
                 &O::advertise),
      WebUrl("advertise-page",
             "URL under which browsers reach this server's web page, to which those of the other servers link; empty: where it "
             "listens, by the host's name if that is every address",
             &O::advertise_page),
      Text("address-file", "file to write the bound addresses to; empty: none", &O::address_file),
      Word("reflection", "on or off: whether gRPC clients may ask for the services and messages there are", &O::reflection,
           {"off", "on"}),
      Text("prometheus-url", "where the web page links to Prometheus; empty: no link", &O::prometheus_url),
      Text("grafana-url", "where the web page links to Grafana; empty: no link", &O::grafana_url),
      Word("log-format", "text or json", &O::log_format, {"text", "json"}),
      Word("log-level", "least level that is logged: debug, info, warning or error", &O::log_level,
           {"debug", "info", "warning", "error"}),
      Counted("run-threads", "runs replayed at the same time; 0: one per core", &O::run_threads),
      Counted("instances-max", "instances that may live at the same time", &O::instances_max),
      Counted("owner-instances-max", "instances that one owner of a token may have; 0: half of all", &O::owner_instances_max),
      Counted("promised-ram-max", "bytes of RAM promised to all instances and runs together", &O::promised_ram_max),
      Counted("memory-max",
              "bytes of host memory that instances, runs, traces and uploads may hold; 0: what the server does not need of the "
              "host's or the container's",
              &O::memory_max),
      Counted("owner-memory-max", "the same of one owner of a token; 0: half of all", &O::owner_memory_max),
      Counted("handles-max", "handles of all instances together", &O::handles_max),
      Counted("queued-runs-max", "runs that may wait", &O::queued_runs_max),
      Counted("owner-queued-runs-max", "runs of one owner of a token that may wait; 0: half of all", &O::owner_queued_runs_max),
      Counted("owner-runs-max", "runs of one owner of a token that are replayed at the same time; 0: no bound of his own",
              &O::owner_runs_max),
      Counted("owner-connections-max", "connections to gRPC of one owner of a token; 0: half of all",
              &O::owner_connections_max),
      Counted("owner-stored-runs-max", "runs that the store keeps of one owner of a token, pinned ones too; 0: half of all",
              &O::owner_stored_runs_max),
      Counted("owner-stored-bytes-max",
              "bytes of traces and programs that the store keeps of one owner of a token; 0: half of all",
              &O::owner_stored_bytes_max),
      Counted("stored-runs-max", "runs that the store keeps", &O::stored_runs_max),
      Counted("trace-store-max", "bytes of uploaded traces that the store keeps", &O::trace_store_max),
      Word("runs-retire",
           "on or off: whether a store with stored-runs-max runs, or owner-stored-runs-max of one owner, deletes the oldest "
           "that "
           "have ended, not refuses the next: his own, or of whoever has the most",
           &O::runs_retire, {"off", "on"}),
      Duration("runs-age", "how long an ended run is kept; older ones are deleted when the next is submitted; 0: for ever",
               &O::runs_age, kRunsAgeMax),
      Ages("runs-age-of",
           "the same of the runs of owners of tokens, NAME=AGE with commas, such as ada=365d,bob=0, instead of runs-age",
           &O::runs_age_of, kRunsAgeMax),
      Word("traces-retire",
           "on or off: whether a store with trace-store-max bytes deletes its oldest traces that no queued or running run "
           "replays, not refuses the next",
           &O::traces_retire, {"off", "on"}),
      Counted("streams-max", "data streams open at the same time", &O::streams_max),
      Counted("connections-max", "connections to gRPC open at the same time; fewer where there are few descriptors",
              &O::connections_max),
      Counted("handshakes-max",
              "handshakes of TLS with one address in a second, at each port; whoever comes faster waits; 0: no bound",
              &O::handshakes_max),
      Counted("named-instances-max", "instances with metrics of their own; the rest is summed", &O::named_instances_max),
      Duration("drain-time", "how long streams and runs may go on after SIGTERM", &O::drain_time),
      Text("native-program", "the program alloclab-native, for runs on real allocators; empty: the one beside alloclabd",
           &O::native_program),
      Libraries("native-allocators",
                "more real allocators, NAME=PATH of a shared library with malloc, separated by commas: native:NAME of runs",
                &O::native_allocators),
      Duration("native-time-max", "how long one replay on a real allocator may take", &O::native_time_max),
  };
}

const OptionInfo* Find(std::string_view name) {
  const std::span<const OptionInfo> list = ServerOptionList();
  const auto found = std::find_if(list.begin(), list.end(), [&](const OptionInfo& info) { return info.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::span<const OptionInfo> ServerOptionList() {
  static const auto& list = *new std::vector<OptionInfo>(MakeList());
  return list;
}

std::string VariableName(std::string_view option) {
  std::string name = "ALLOCLAB_";
  for (const char letter : option)
    name += letter == '-' ? '_' : static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
  return name;
}

OptionValues ReadVariables(const std::function<const char*(const std::string&)>& get_variable) {
  OptionValues values;
  for (const OptionInfo& option : ServerOptionList()) {
    const std::string variable = VariableName(option.name);
    if (const char* text = get_variable(variable)) values[std::string(option.name)] = {text, variable};
  }
  return values;
}

absl::StatusOr<ServerOptions> MakeOptions(std::span<const OptionValues> sources) {
  ServerOptions options;
  for (const OptionValues& source : sources) {
    for (const auto& [name, value] : source) {
      const OptionInfo* option = Find(name);
      if (option == nullptr) return errors::BadField(value.place, "unknown option");
      if (absl::Status status = option->set(options, value.text); !status.ok()) {
        return errors::BadField(value.place, std::string(status.message()));
      }
    }
  }
  return options;
}

std::string DumpConfig(const ServerOptions& options) {
  const auto quoted = [](const std::string& text) {
    YAML::Emitter out;
    out << YAML::DoubleQuoted << text;
    return std::string(out.c_str());
  };
  std::string text;
  for (const OptionInfo& option : ServerOptionList()) {
    text += fmt::format("# {}\n{}: {}\n", option.description, option.name, quoted(option.get(options)));
  }
  return text;
}

}  // namespace alloclab::server
