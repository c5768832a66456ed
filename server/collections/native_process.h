// One replay on a real allocator, in a process of its own (native/).
//
// What the process does is its own: it may crash, hang, take too much memory or write nonsense, and none of that is a failure
// of the server. It has a clean environment, no descriptor but those it needs, no more output than fits in kNativeOutputBytes,
// limits of its own, and is killed with all its children when it is not wanted any more, or when the thread that started it
// ends.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_NATIVE_PROCESS_H_
#define ALLOCLAB_SERVER_COLLECTIONS_NATIVE_PROCESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/interrupt.h"
#include "native/format.h"
#include "server/entities/native_plan.h"
#include "server/entities/shared_memory.h"

namespace alloclab::server {

struct NativePass {
  std::string program;  // alloclab-native
  std::string library;  // empty: the C library's own
  std::string_view pass;
  const NativePlan& plan;
  const SharedMemory& operations;       // plan.operations of them, and no more
  const SharedMemory* times = nullptr;  // in the latency pass
  std::uint64_t rss_max = 0;            // bytes of memory that it may hold
  absl::Duration time_max;
};

// ABORTED, with a sentence about what became of the process: a crash, no end within time_max, more memory than rss_max, no
// result or nonsense; CANCELLED: interrupted; INTERNAL: it could not be started.
absl::StatusOr<native::Result> RunNativePass(const NativePass& pass, const Interrupt& interrupt);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_NATIVE_PROCESS_H_
