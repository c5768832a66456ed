#include "server/server/grpc_server.h"

#include <google/protobuf/message.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/metrics/rpc_interceptor.h"
#include "server/server/audit_interceptor.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kCallsInterval = absl::Milliseconds(5);  // between two looks for open calls

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

void SetTransportLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Milliseconds(kHandshakeTime));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(kConnectionIdleMax));
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

FrontDoor::Rules DoorRules(std::size_t connections_max) {
  return {.connections_max = connections_max, .guests_max = kGuestsMax, .silence = kSilenceMax, .guest_stay = kGuestStay};
}

// Of what computes. One owner's pieces of streams and walks have so many, and those of others as many again.
unsigned PoolThreads() { return std::max(2u, std::thread::hardware_concurrency()); }

// Half of the threads on which gRPC calls back, of which it has half as many as processors, 2 to 16.
unsigned BringersMax() { return std::clamp(std::thread::hardware_concurrency() / 4, 1u, 8u); }

}  // namespace

GrpcServer::GrpcServer(const Domain& domain, const Bounds& bounds)
    : metrics_(domain.metrics),
      access_(domain.access),
      owners_(bounds.connections_of_one, [this](const std::string& connection) { HangUpOn(connection, kRefusalTime); }),
      cancels_({.at_once = kCancelsAtOnceMax, .per_second = kCancelsPerSecondMax, .clients_max = kConnectionsMax}),
      writes_(kWriteTimeMax),
      streams_({.max = bounds.streams, .of_one_client = kStreamsPerConnectionMax, .silence = kStreamSilenceMax}),
      uploads_({.max = kConcurrentUploadsMax, .of_one_client = kUploadsPerConnectionMax, .silence = kUploadSilenceMax}),
      watchers_({.max = kWatchersMax, .of_one_client = kStreamsPerConnectionMax, .silence = kStreamSilenceMax}),
      diffs_(kConcurrentDiffsMax),
      walks_(kWalksMax),
      operations_({.threads = PoolThreads(),
                   .bringers = BringersMax(),
                   .of_one_client = PoolThreads() / 2,
                   .waiting_max = kCallsWaitingMax}),
      calls_({.threads = kCallThreads, .of_one_client = kCallThreads / 2, .waiting_max = kCallsWaitingMax}),
      pieces_({.threads = 2 * PoolThreads(), .of_one_client = PoolThreads(), .waiting_max = SIZE_MAX}),
      lab_(domain.instances, callers_, domain.runs.natives(), domain.describe, calls_),
      heap_(domain.instances, callers_, calls_, {operations_, pieces_, streams_, writes_}),
      inspect_(domain.instances, callers_, {pieces_, writes_, walks_}, calls_),
      time_travel_(domain.opened_runs, domain.instances, callers_, calls_),
      workloads_(domain.traces, domain.runs, callers_, uploads_, calls_),
      guests_(domain.guests, domain.runs, callers_, uploads_, calls_),
      runs_({domain.runs, pieces_, watchers_, writes_}, callers_, domain.traces, diffs_, calls_) {}

GrpcServer::~GrpcServer() { Stop(MonotonicTime::InfinitePast()); }

absl::Status GrpcServer::Start(const BindAddress& listen, bool reflection, std::size_t connections_max,
                               const std::shared_ptr<grpc::ServerCredentials>& credentials, std::uint32_t handshakes_max) {
  absl::StatusOr<Listener> listener = Listener::Open("--listen", listen);
  if (!listener.ok()) return listener.status();
  listener->PaceHandshakes(kHandshakesAtOnce, handshakes_max);
  grpc::EnableDefaultHealthCheckService(true);
  // Debian's abseil looks for deadlocks at each lock; of small calls of gRPC that was a tenth of the time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  grpc::ServerBuilder builder;
  SetReflection(builder, reflection);
  SetTransportLimits(builder);
  const std::array<grpc::Service*, 7> services{&lab_, &heap_, &inspect_, &time_travel_, &workloads_, &guests_, &runs_};
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(MakeInterceptorFactory(metrics_, [this](const std::string& client) { CountVain(client); }));
  interceptors.push_back(MakeAuditFactory(access_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  server_ = builder.BuildAndStart();
  if (!server_) return errors::CannotListen("--listen", ToString(listen), "gRPC does not start");
  address_ = ToString(listener->address());
  for (const char* name : {v1::Lab::service_full_name(), v1::Heap::service_full_name(), v1::Inspect::service_full_name(),
                           v1::TimeTravel::service_full_name(), v1::Workloads::service_full_name(),
                           v1::Guests::service_full_name(), v1::Runs::service_full_name()}) {
    server_->GetHealthCheckService()->SetServingStatus(name, true);
  }
  door_ = std::make_unique<FrontDoor>(*std::move(listener), DoorRules(connections_max), owners_, [this](int socket) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = socket;
    acceptor_->HandleNewConnection(&connection);
  });
  open_door_ = door_.get();
  return absl::OkStatus();
}

void GrpcServer::HangUpOn(const std::string& client, absl::Duration after) {
  if (FrontDoor* const door = open_door_; door != nullptr) door->HangUpOn(client, after);
}

void GrpcServer::CountVain(const std::string& client) {
  if (!cancels_.Take(client)) HangUpOn(client, absl::ZeroDuration());
}

ConnectionFigures GrpcServer::connections() const {
  const FrontDoor* const door = open_door_;
  if (door == nullptr) return {};
  const FrontDoor::Counts counts = door->counts();
  return {.open = counts.open,
          .max = door->rules().connections_max,
          .refused = counts.refused,
          .strangers = counts.strangers,
          .silent = counts.silent,
          .guests = counts.guests,
          .vain = counts.unwanted};
}

void GrpcServer::Drain() {
  if (!server_) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  streams_.Drain();
  uploads_.Drain();
  diffs_.Drain();
  walks_.Drain();
}

void GrpcServer::Stop(MonotonicTime deadline) {
  if (!server_) return;
  Drain();
  // Once gRPC shuts down, it waits for idle connections as for calls, whatever the former are waiting for.
  while (metrics_.open_calls() > 0 && MonotonicTime::Now() < deadline) absl::SleepFor(kCallsInterval);
  door_->Close();
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  server_->Wait();
  door_->HangUp();
  server_.reset();
}

}  // namespace alloclab::server
