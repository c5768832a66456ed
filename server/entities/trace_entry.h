// A recorded trace, ready to be replayed.
#ifndef ALLOCLAB_SERVER_ENTITIES_TRACE_ENTRY_H_
#define ALLOCLAB_SERVER_ENTITIES_TRACE_ENTRY_H_

#include <memory>
#include <string>

#include "allocators/workload/trace.h"

namespace alloclab::server {

struct TraceEntry {
  std::string sha256;  // over the canonical operations
  std::shared_ptr<const Trace> trace;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_TRACE_ENTRY_H_
