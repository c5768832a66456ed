// Other people's programs, such as compilers, run to their end.
#ifndef ALLOCLAB_CLIENTS_CLI_SUBPROCESS_H_
#define ALLOCLAB_CLIENTS_CLI_SUBPROCESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab::client {

struct Subprocess {
  static constexpr int kSecondsMax = 120, kCpuSecondsMax = 60;
  static constexpr std::size_t kOutputBytesMax = 1 << 20;  // kept

  int exit_code = 0;   // 127: there is no such program; 128 + a signal that ended it
  std::string output;  // of both streams
};

// With an empty standard input. DEADLINE_EXCEEDED: it took longer than kSecondsMax and was killed. INTERNAL: no process could
// be made.
absl::StatusOr<Subprocess> RunSubprocess(const std::vector<std::string>& arguments);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_SUBPROCESS_H_
