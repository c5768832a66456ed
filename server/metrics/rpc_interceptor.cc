#include "server/metrics/rpc_interceptor.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <utility>

#include "allocators/common/monotonic_time.h"

namespace alloclab::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;

void Increment(std::atomic<std::uint64_t>& count, std::uint64_t by = 1) { count.fetch_add(by, std::memory_order_relaxed); }

// Watches one call.
class CallCounter final : public grpc::experimental::Interceptor {
 public:
  // `call` has the interceptor, and outlives it.
  CallCounter(MethodCounts& counts, const grpc::ServerContextBase& call, const OnVain& on_vain)
      : counts_(counts), call_(call), on_vain_(on_vain), began_(MonotonicTime::Now()) {
    Increment(counts_.started);
  }
  ~CallCounter() override {
    const absl::Duration took = MonotonicTime::Now() - began_;
    Increment(counts_.handled[code_]);
    Increment(counts_.handling_ns, static_cast<std::uint64_t>(absl::ToInt64Nanoseconds(took)));
    const auto bucket = std::lower_bound(kHandlingBuckets.begin(), kHandlingBuckets.end(), absl::ToDoubleSeconds(took));
    Increment(counts_.handling[static_cast<std::size_t>(bucket - kHandlingBuckets.begin())]);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() != nullptr) {
      Increment(counts_.received);
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_MESSAGE)) Increment(counts_.sent);
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const auto code = static_cast<std::size_t>(methods->GetSendStatus().error_code());
      code_ = code < kStatusCodes ? code : std::size_t{grpc::StatusCode::UNKNOWN};
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_CLOSE) && WasVain()) on_vain_(call_.peer());
    methods->Proceed();
  }

 private:
  bool WasVain() const { return dynamic_cast<const grpc::CallbackServerContext*>(&call_) != nullptr && call_.IsCancelled(); }

  MethodCounts& counts_;
  const grpc::ServerContextBase& call_;
  const OnVain& on_vain_;
  const MonotonicTime began_;
  std::size_t code_ = grpc::StatusCode::CANCELLED;  // unless a status was sent
};

class CallCounterFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallCounterFactory(RpcMetrics& metrics, OnVain on_vain) : metrics_(metrics), on_vain_(std::move(on_vain)) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    return new CallCounter(metrics_.Find(info->method()), *info->server_context(), on_vain_);  // gRPC deletes it with the call
  }

 private:
  RpcMetrics& metrics_;
  const OnVain on_vain_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptorFactory(RpcMetrics& metrics,
                                                                                              OnVain on_vain) {
  return std::make_unique<CallCounterFactory>(metrics, std::move(on_vain));
}

}  // namespace alloclab::server
