// The options of the server. Each is a flag, a variable and a key of the configuration file, all of the same name:
// --web-listen, ALLOCLAB_WEB_LISTEN, "web-listen: ...". A flag wins over a variable, a variable over the file, the file over
// the default.
#ifndef ALLOCLAB_SERVER_SERVER_OPTIONS_H_
#define ALLOCLAB_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/server/ages.h"

namespace alloclab::server {

struct ServerOptions {
  std::string listen = "127.0.0.1:7411";          // gRPC; or unix:PATH
  std::string web_listen = "127.0.0.1:7412";      // web page and its JSON; empty: none
  std::string metrics_listen = "127.0.0.1:7413";  // /metrics; empty: none
  std::string allowed_hosts;                      // names of this host for HTTP, with commas
  std::string tls_cert, tls_key;                  // files; empty: no TLS
  // Files with who signs the certificates of clients of gRPC, page and /metrics; empty: they need none.
  std::string client_ca, web_client_ca, metrics_client_ca;
  bool insecure = false;  // whether other hosts may reach what is not protected
  std::string data_dir = "alloclab-data";
  std::string advertise;                    // where clients of other servers of the lab find this one; empty: where it listens
  std::string advertise_page;               // likewise browsers its web page
  std::string store;                        // URL of a PostgreSQL database; empty: SQLite in data_dir
  std::string address_file;                 // where to write the bound addresses; empty: nowhere
  std::string prometheus_url, grafana_url;  // for the web page's links; empty: no link
  bool reflection = true;                   // whether gRPC clients can ask for the protocol
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;

  std::uint32_t run_threads = 0;  // 0: one per core
  std::uint32_t instances_max = kInstancesMax;
  // Of one owner, when tokens are in force; 0: half of all, but of runs at the same time as many as there are threads.
  std::uint32_t owner_instances_max = 0, owner_queued_runs_max = 0, owner_runs_max = 0;
  std::uint64_t owner_memory_max = 0;                          // likewise, of host memory
  std::uint64_t owner_stored_runs_max = 0;                     // likewise
  std::uint64_t owner_stored_bytes_max = 0;                    // likewise, of traces and programs
  std::uint32_t owner_connections_max = kOwnerConnectionsMax;  // likewise
  std::uint64_t promised_ram_max = kPromisedRamBytesMax;       // bytes
  std::uint64_t memory_max = 0;  // bytes of host memory held by instances, runs, traces; 0: HeldBytesDefault
  std::uint64_t handles_max = kHandlesMax;
  std::uint32_t queued_runs_max = kQueuedRunsMax;
  std::uint64_t stored_runs_max = kStoredRunsMax;
  std::uint64_t trace_store_max = kTraceStoreBytesMax;  // bytes
  bool runs_retire = false, traces_retire = false;
  absl::Duration runs_age = absl::ZeroDuration();  // 0: for ever
  OwnerAges runs_age_of;                           // likewise, instead of runs_age
  std::uint32_t streams_max = kStreamsMax;
  std::uint32_t connections_max = kConnectionsMax;
  std::uint32_t handshakes_max = kHandshakesMax;  // by TLS with one address in a second, at each port; 0: any
  std::uint32_t named_instances_max = kNamedInstancesMax;
  absl::Duration drain_time = kDrainTime;

  std::string native_program;                       // alloclab-native; empty: beside alloclabd
  std::string native_allocators;                    // NAME=PATH of others, with commas
  absl::Duration native_time_max = kNativeTimeMax;  // of one replay
};

// One option, as text.
struct OptionInfo {
  std::string_view name;  // "web-listen"
  std::string_view description;
  std::function<std::string(const ServerOptions&)> get;
  // INVALID_ARGUMENT saying what is expected.
  std::function<absl::Status(ServerOptions&, const std::string&)> set;
  bool is_switch = false;  // off or on; as a flag, --NAME is --NAME=on
};
std::span<const OptionInfo> ServerOptionList();

// "ALLOCLAB_WEB_LISTEN"
std::string VariableName(std::string_view option);

// A value and where it was found: "--listen", "ALLOCLAB_LISTEN", "lab.yaml:3: listen".
struct OptionValue {
  std::string text, place;
};
using OptionValues = std::map<std::string, OptionValue, std::less<>>;  // by option name

// The options that are set in the environment, found by `get_variable` (null: not set).
OptionValues ReadVariables(const std::function<const char*(const std::string&)>& get_variable);

// The defaults, changed by each source in turn: the last one wins. INVALID_ARGUMENT naming the place.
absl::StatusOr<ServerOptions> MakeOptions(std::span<const OptionValues> sources);

// As a configuration file that gives the same options, each with its description.
std::string DumpConfig(const ServerOptions& options);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_OPTIONS_H_
