#include "server/metrics/rpc_metrics.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <limits>
#include <utility>

#include "alloclab/v1/guest.pb.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "alloclab/v1/workload.pb.h"
#include "server/http/metric_family.h"

namespace alloclab::server {
namespace {

constexpr std::array<std::string_view, kStatusCodes> kCodeNames{
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

constexpr std::string_view kPackage = "alloclab.v1.";

std::uint64_t Get(const std::atomic<std::uint64_t>& count) { return count.load(std::memory_order_relaxed); }

std::string TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidi_stream" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

MetricLabels LabelsOf(const MethodCounts& counts) {
  return {{"grpc_service", counts.service}, {"grpc_method", counts.method}, {"grpc_type", counts.type}};
}

void AddHandling(Family& family, const MethodCounts& counts) {
  prometheus::ClientMetric::Histogram histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.handling.size(); ++i) {
    cumulative += Get(counts.handling[i]);
    const double bound = i < kHandlingBuckets.size() ? kHandlingBuckets[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({cumulative, bound});
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum = static_cast<double>(Get(counts.handling_ns)) / 1e9;
  family.Add(LabelsOf(counts), std::move(histogram));
}

}  // namespace

RpcMetrics::RpcMetrics() {
  // By a message of each file, so that none is left out by the linker.
  for (const auto* message :
       {v1::Server::descriptor(), v1::OperationReply::descriptor(), v1::Statistics::descriptor(), v1::Moment::descriptor(),
        v1::Builtin::descriptor(), v1::Guest::descriptor(), v1::Run::descriptor()}) {
    const google::protobuf::FileDescriptor& file = *message->file();
    for (int i = 0; i < file.service_count(); ++i) AddService(*file.service(i));
  }
  AddMethod("grpc.health.v1.Health", "Check", "unary");
  AddMethod("grpc.health.v1.Health", "Watch", "server_stream");
  AddMethod("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", "bidi_stream");
  AddMethod("other", "other", "unary");
}

void RpcMetrics::AddService(const google::protobuf::ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    AddMethod(service.full_name(), service.method(i)->name(), TypeOf(*service.method(i)));
  }
}

void RpcMetrics::AddMethod(const std::string& service, const std::string& method, const std::string& type) {
  MethodCounts& counts = *methods_.emplace_back(std::make_unique<MethodCounts>());
  counts.service = service;
  counts.method = method;
  counts.type = type;
  by_path_[fmt::format("/{}/{}", service, method)] = &counts;
}

std::uint64_t RpcMetrics::open_calls() const {
  std::uint64_t open = 0;
  for (const auto& counts : methods_) {
    if (!counts->service.starts_with(kPackage)) continue;
    std::uint64_t ended = 0;
    for (const auto& handled : counts->handled) ended += Get(handled);  // first: no call ends before it starts
    open += Get(counts->started) - ended;
  }
  return open;
}

MethodCounts& RpcMetrics::Find(std::string_view path) {
  const auto found = by_path_.find(std::string(path));
  return found == by_path_.end() ? *methods_.back() : *found->second;
}

void RpcMetrics::AddFamilies(std::vector<prometheus::MetricFamily>& families) const {
  using prometheus::MetricType;
  Family started("grpc_server_started_total", "Calls begun.", MetricType::Counter);
  Family handled("grpc_server_handled_total", "Calls ended, by status.", MetricType::Counter);
  Family handling("grpc_server_handling_seconds", "Time from the beginning of a call to its end.", MetricType::Histogram);
  Family received("grpc_server_msg_received_total", "Messages received.", MetricType::Counter);
  Family sent("grpc_server_msg_sent_total", "Messages sent.", MetricType::Counter);
  for (const auto& counts : methods_) {
    const MetricLabels labels = LabelsOf(*counts);
    started.Add(labels, Get(counts->started));
    received.Add(labels, Get(counts->received));
    sent.Add(labels, Get(counts->sent));
    for (std::size_t code = 0; code < kStatusCodes; ++code) {
      const std::uint64_t count = Get(counts->handled[code]);
      if (count != 0 || code == 0) handled.Add(With(labels, "grpc_code", kCodeNames[code]), count);
    }
    AddHandling(handling, *counts);
  }
  for (Family* family : {&started, &handled, &handling, &received, &sent}) families.push_back(std::move(*family).Take());
}

}  // namespace alloclab::server
