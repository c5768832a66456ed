// Counters of RPCs, in the vocabulary of go-grpc-prometheus, kept by rpc_interceptor.h. Labels are bounded: methods that this
// server does not have count as "other".
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_METRICS_RPC_METRICS_H_
#define ALLOCLAB_SERVER_METRICS_RPC_METRICS_H_

#include <google/protobuf/descriptor.h>
#include <prometheus/metric_family.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace alloclab::server {

// Seconds. A unary call here takes some 30 microseconds; a stream may last for hours.
inline constexpr std::array<double, 9> kHandlingBuckets{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.5, 5};
inline constexpr std::size_t kStatusCodes = 17;

struct MethodCounts {
  std::string service, method, type;
  std::atomic<std::uint64_t> started{0}, received{0}, sent{0}, handling_ns{0};
  std::array<std::atomic<std::uint64_t>, kStatusCodes> handled{};
  std::array<std::atomic<std::uint64_t>, kHandlingBuckets.size() + 1> handling{};  // the last is above all buckets
};

class RpcMetrics {
 public:
  RpcMetrics();

  // Calls of the lab's own services that have begun and are not done; who watches the health or asks for the protocol does no
  // work.
  std::uint64_t open_calls() const;

  MethodCounts& Find(std::string_view path);  // "/alloclab.v1.Heap/Apply"
  void AddFamilies(std::vector<prometheus::MetricFamily>& families) const;

 private:
  void AddMethod(const std::string& service, const std::string& method, const std::string& type);
  void AddService(const google::protobuf::ServiceDescriptor& service);

  std::vector<std::unique_ptr<MethodCounts>> methods_;  // the last is "other"
  absl::flat_hash_map<std::string, MethodCounts*> by_path_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_RPC_METRICS_H_
