// One load, from the creation of its instances to the report: connections, each with a thread, a stream and a pacer of its own.
//
//   instances    By default each connection has an instance to itself; connections that share one use handles of their own, and
//                the order in which their batches arrive is not reproducible.
//   passes       A further pass over the workload needs the state that the first one found. An instance of our own with a
//                single connection is made anew, in between passes, while the schedule stands still. A shared or foreign one
//                stays: the pass begins by freeing what the last pass left live.
//   warm-up      What is due in it counts in /metrics, but not in the report, even if it is done later.
//   failure      The first call that fails ends the whole load; the report says what was done and what was lost.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_RUN_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/load.pb.h"
#include "clients/common/connection.h"
#include "clients/load/batch_stream.h"
#include "clients/load/meter.h"
#include "clients/load/script.h"
#include "clients/load/share.h"
#include "clients/load/target.h"

namespace alloclab::load {

struct LoadSetup {
  client::ConnectionOptions connection;
  v1::LoadConfig config;  // complete; see load_config.h
  std::shared_ptr<const Script> script;
  std::vector<std::string> names;  // of the fresh instances of this share, one each
  bool replace = false;            // instances that have these names already
  bool keep = false;               // the instances at the end
  Share share = {};                // of the load that `config` describes; the default: all of it
  // A meter for the instance of that name.
  std::function<std::shared_ptr<Meter>(const std::string&)> meter;
};

// Thread safety: as said at each method.
class LoadRun {
 public:
  // Connects and creates the instances. An error leaves no instance behind.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Prepare(LoadSetup setup);
  // Starts: the schedule counts from `start`, before which nothing is sent. Once.
  void Begin(Nanos start);
  // Both, now.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Start(LoadSetup setup);
  // Aborts what is still under way and deletes the instances.
  ~LoadRun();

  // From any thread. Drain: send nothing more and wait for the replies. Abort: do not wait either.
  void Drain() { stop_.drain = true; }
  void Abort() { stop_.abort = true; }

  // Waits until the load has ended, at most that long; true if it has.
  bool WaitFor(Nanos longest) ABSL_LOCKS_EXCLUDED(mutex_);
  bool failed() const ABSL_LOCKS_EXCLUDED(mutex_);
  // All meters of this run since its start, and its time so far; less than 0 before it.
  LoadSnapshot Read() const;
  Nanos elapsed() const { return Now() - start_; }

  // REQUIRES: WaitFor has said that the load has ended. Collects the statistics and deletes the instances. `error` is the call
  // that failed, if any; the report is complete even then.
  struct Result {
    v1::LoadReport report;
    absl::Status error;
    LoadCounts measured = {};  // what the report is made of
    Nanos elapsed{0};          // of the measured part
    Nanos began{0};            // when the last connection began
  };
  Result Finish();

 private:
  struct Driven {  // an instance with its meter, as it stood when the load began
    Target target;
    std::shared_ptr<Meter> meter;
    LoadCounts before, measured_before;
    std::uint32_t connections = 0;
  };
  struct Worker {
    std::uint32_t number = 0;  // of the connection
    Driven* driven = nullptr;
    Cursor::Offsets offsets;
    std::uint64_t budget = 0;
    std::unique_ptr<client::Connection> connection;
    std::unique_ptr<Pacer> pacer;
    std::thread thread;
  };

  explicit LoadRun(LoadSetup setup);
  absl::Status CreateTargets();
  absl::Status Connect();
  void Work(Worker& worker);
  absl::Status Replay(Worker& worker);
  absl::Status BeginPass(Worker& worker);
  absl::Status Stream(Worker& worker, std::span<const Operation> operations);
  bool Over(const Worker& worker) const;
  LoadCounts Measured() const;
  void DescribeRun(v1::LoadReport& report) const;
  void DescribeInstances(v1::LoadReport& report) const;
  void DeleteTargets();

  const LoadSetup setup_;
  const client::Connection control_;
  v1::Server server_;
  std::vector<std::unique_ptr<Driven>> driven_;
  std::vector<std::unique_ptr<Worker>> workers_;
  StopFlags stop_;
  absl::Time start_time_;
  Nanos start_{0};  // of the schedule
  Period period_;

  mutable Mutex mutex_;
  Condition all_ended_;  // running_ is 0
  std::uint32_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  Nanos began_at_ ABSL_GUARDED_BY(mutex_){0}, ended_at_ ABSL_GUARDED_BY(mutex_){0};
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_RUN_H_
