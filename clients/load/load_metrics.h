// The load generator's own /metrics: alloclab_load_*, read from the meters at scrape time.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_METRICS_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_METRICS_H_

#include <prometheus/metric_family.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "allocators/common/mutex.h"
#include "clients/load/meter.h"

namespace alloclab::load {

// What alloclab_load_run_info says of the load on an instance.
struct RunLabels {
  std::string run_id;  // of the process, or of the demo's round
  std::string workload;
  std::string trace;  // digest, in hex
};

// The meters of this process by instance, which is the label `heap`. Thread safety: safe for concurrent use.
class LoadMetrics {
 public:
  // The same meter for the same instance: counters never go back, whatever is restarted.
  std::shared_ptr<Meter> MeterOf(const std::string& heap, const RunLabels& labels) ABSL_LOCKS_EXCLUDED(mutex_);

  std::vector<prometheus::MetricFamily> Collect() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Series {
    std::shared_ptr<Meter> meter = std::make_shared<Meter>();
    RunLabels labels;
  };
  mutable Mutex mutex_;
  std::map<std::string, Series> by_heap_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_METRICS_H_
