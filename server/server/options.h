// The options of the server: each is a flag, a variable, and a key of the configuration file.
#ifndef ALLOCLAB_SERVER_SERVER_OPTIONS_H_
#define ALLOCLAB_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "server/limits.h"
#include "server/log.h"

namespace alloclab::server {

struct ServerOptions {
  std::string listen = "127.0.0.1:7411";          // gRPC
  std::string page_listen = "127.0.0.1:7412";     // page and JSON; empty: none
  std::string metrics_listen = "127.0.0.1:7413";  // /metrics; empty: none
  std::string data_dir = "alloclab-data";
  std::string address_file;                 // where to write the bound addresses; empty: nowhere
  std::string prometheus_url, grafana_url;  // for the page's links; empty: no link
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;

  std::uint32_t run_threads = 0;  // 0: one per core
  std::uint32_t instances_max = kInstancesMax;
  std::uint64_t promised_ram_max = kPromisedRamBytesMax;  // bytes
  std::uint64_t memory_max = 0;  // bytes of host memory held by instances; 0: three quarters of the host's
  std::uint64_t handles_max = kHandlesMax;
  std::uint32_t queued_runs_max = kQueuedRunsMax;
  std::uint64_t stored_runs_max = kStoredRunsMax;
  std::uint64_t trace_store_max = kTraceStoreBytesMax;  // bytes
  std::uint32_t streams_max = kStreamsMax;
  std::uint32_t named_heaps_max = kNamedHeapsMax;
  absl::Duration drain_time = kDrainTime;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_OPTIONS_H_
