// What equal requests come to. A run is deterministic: what it came to, but for how long that took, follows from the workload,
// the machine and the sources of the allocators. So it is kept by a digest of these: a later run of the same may share the
// result, and one that was replayed and came to something else is an alarm.
#ifndef ALLOCLAB_SERVER_STORE_KNOWN_RESULT_H_
#define ALLOCLAB_SERVER_STORE_KNOWN_RESULT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/entities/run.h"

namespace alloclab::server {

struct KnownResult {
  std::string key;        // SHA-256 of what was asked for, and of the sources of the allocators
  std::uint64_t run = 0;  // that came to it first
  std::string digest;     // SHA-256 of what it came to
};

// Nothing: runs on real allocators come to something else each time. The key is of what is replayed: neither of label and
// owner, nor of whether a result may be shared.
std::optional<std::string> KeyOf(const RunRequest& request);
// Nothing as above, and of a run that did not succeed or that shares a result.
std::optional<KnownResult> KnownResultOf(const Run& run);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_KNOWN_RESULT_H_
