// A recorded trace as the store keeps it.
#ifndef ALLOCLAB_SERVER_ENTITIES_STORED_TRACE_H_
#define ALLOCLAB_SERVER_ENTITIES_STORED_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace alloclab::server {

struct StoredTrace {
  std::string sha256;  // over the canonical operations
  std::string name;    // of the file
  std::string format;
  std::uint64_t operations = 0;
  std::string content;  // the file as uploaded; empty where only the rest was asked for
  absl::Time upload_time = absl::UnixEpoch();
  std::uint64_t id = 0;     // given by the store
  std::uint64_t bytes = 0;  // of the file
  std::string owner = {};   // the name of a token; empty: nobody
};

// One page of a list.
struct TraceList {
  std::vector<StoredTrace> traces;     // newest first, without contents
  std::vector<std::uint64_t> damaged;  // ids of traces between these whose records cannot be read
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_STORED_TRACE_H_
