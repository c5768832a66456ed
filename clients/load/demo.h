// The demo: every built-in workload for ever, each on an instance of its own at a modest rate, whatever happens to the server.
// It is what keeps the dashboards alive from the first minute.
#ifndef ALLOCLAB_CLIENTS_LOAD_DEMO_H_
#define ALLOCLAB_CLIENTS_LOAD_DEMO_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "alloclab/v1/load.pb.h"
#include "clients/common/connection.h"
#include "clients/load/batch_stream.h"
#include "clients/load/load_metrics.h"
#include "clients/load/script.h"

namespace alloclab::load {

inline constexpr double kDemoRate = 5'000;  // operations per second of each workload
inline constexpr char kDemoPrefix[] = "demo-";

// The waits between attempts: 0.5 s, then twice as long each time, at most 10 s. A success starts over.
class Backoff {
 public:
  Nanos Next();
  void Reset() { next_ = kFirst; }

 private:
  static constexpr Nanos kFirst = std::chrono::milliseconds(500);
  static constexpr Nanos kLongest = std::chrono::seconds(10);
  Nanos next_ = kFirst;
};

struct DemoSetup {
  client::ConnectionOptions connection;
  v1::LoadConfig config;  // of each workload; rate, batch and the rest
  std::vector<std::shared_ptr<const Script>> scripts;
  std::shared_ptr<LoadMetrics> metrics;
  std::string run_id;
  std::function<void(std::string_view)> say;  // a line for people; from any thread
};

// Returns when `stop` says so and every instance is deleted. INVALID_ARGUMENT: the configuration. Any other failure is told,
// waited for and tried again: an instance that was lost with the server is made anew.
absl::Status RunDemo(const DemoSetup& setup, const StopFlags& stop);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_DEMO_H_
