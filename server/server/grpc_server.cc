#include "server/server/grpc_server.h"

#include <google/protobuf/message.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/metrics/rpc_interceptor.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kCallsInterval = absl::Milliseconds(5);  // between two looks for open calls

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

void SetTransportLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error, not a second listener
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Milliseconds(kPingIntervalMin));
  builder.SetResourceQuota(grpc::ResourceQuota("alloclabd").Resize(kTransportBytesMax).SetMaxThreads(kTransportThreadsMax));
}

// gRPC gives every server the reflection service as soon as it is linked in; this takes it out.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

// The reflection service describes what is linked in, and the health service is not gRPC's own word for it.
void SetReflection(grpc::ServerBuilder& builder, bool on) {
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (!on) builder.SetOption(std::make_unique<WithoutReflection>());
}

unsigned PoolThreads() { return std::max(2u, std::thread::hardware_concurrency()); }

}  // namespace

GrpcServer::GrpcServer(const Domain& domain, std::size_t streams_max)
    : metrics_(domain.metrics),
      pool_(PoolThreads()),
      streams_(streams_max),
      uploads_(kConcurrentUploadsMax),
      watchers_(kWatchersMax),
      diffs_(kConcurrentDiffsMax),
      lab_(domain.instances, domain.describe),
      heap_(domain.instances, pool_, streams_),
      inspect_(domain.instances, pool_),
      workloads_(domain.traces, uploads_),
      runs_(domain.runs, domain.traces, watchers_, diffs_) {}

GrpcServer::~GrpcServer() { Stop(absl::InfinitePast()); }

absl::Status GrpcServer::Start(const BindAddress& listen, bool reflection) {
  if (absl::Status status = CheckBindable("--listen", listen); !status.ok()) return status;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetReflection(builder, reflection);
  SetTransportLimits(builder);
  const std::array<grpc::Service*, 5> services{&lab_, &heap_, &inspect_, &workloads_, &runs_};
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeInterceptorFactory(metrics_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  int port = 0;
  builder.AddListeningPort(ToString(listen), grpc::InsecureServerCredentials(), &port);
  server_ = builder.BuildAndStart();
  if (!server_ || port == 0) return errors::CannotListen("--listen", ToString(listen), "the port is taken by another process");
  address_ = ToString(BindAddress{listen.host, port, listen.socket_path});
  for (const char* name : {v1::Lab::service_full_name(), v1::Heap::service_full_name(), v1::Inspect::service_full_name(),
                           v1::Workloads::service_full_name(), v1::Runs::service_full_name()}) {
    server_->GetHealthCheckService()->SetServingStatus(name, true);
  }
  return absl::OkStatus();
}

void GrpcServer::Drain() {
  if (!server_) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  streams_.Drain();
  uploads_.Drain();
  diffs_.Drain();
}

void GrpcServer::Stop(absl::Time deadline) {
  if (!server_) return;
  Drain();
  // Once gRPC shuts down, it waits for idle connections as for calls, whatever the former are waiting for.
  while (metrics_.open_calls() > 0 && absl::Now() < deadline) absl::SleepFor(kCallsInterval);
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  server_->Wait();
  server_.reset();
}

}  // namespace alloclab::server
