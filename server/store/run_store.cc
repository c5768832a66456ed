#include "server/store/run_store.h"

#include <fmt/format.h>

#include <utility>

namespace alloclab::server {

Run WithLostResult(Run run, const absl::Status& why) {
  if (run.state == RunState::kFailed && run.result == nullptr) return run;  // there is nothing to lose but the reason
  run.state = RunState::kFailed;
  run.error = fmt::format("the result is lost: {}", std::string(why.message()));
  run.result.reset();
  return run;
}

}  // namespace alloclab::server
