#include "server/server/health_check.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <string>

#include "absl/strings/match.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/server/grpc_credentials.h"

namespace alloclab::server {

using grpc::health::v1::HealthCheckResponse;

namespace {

constexpr std::chrono::seconds kPatience{2};

// What a call that got no answer found out, in our words.
std::string WhyNoAnswer(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return fmt::format("no answer in {} s", kPatience.count());
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return "what answers there is no alloclabd";
  if (absl::StrContains(status.error_message(), "http1")) {
    return "what listens there speaks HTTP, not gRPC, as the web page and /metrics do";
  }
  return "no server is there";
}

}  // namespace

absl::Status CheckHealth(const BindAddress& listen, const std::string& service, const ServerOptions& options) {
  const std::string address = ToString(SeenFromThisHost(listen));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto credentials = MakeOwnChannelCredentials(options);
  if (!credentials.ok()) return credentials.status();
  const auto stub = grpc::health::v1::Health::NewStub(grpc::CreateCustomChannel(address, *credentials, arguments));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const grpc::Status status = stub->Check(&context, request, &response);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::NotFoundError(fmt::format("--service {}: the server at {} has no such service", service, address));
  }
  if (!status.ok()) {
    return absl::UnavailableError(fmt::format(
        "--listen {}: {}; start `alloclabd`, or give the --listen, --tls-cert and --tls-key that it was started with", address,
        WhyNoAnswer(status)));
  }
  if (response.status() != HealthCheckResponse::SERVING) {
    return absl::FailedPreconditionError(
        fmt::format("--listen {}: {}", address, HealthCheckResponse::ServingStatus_Name(response.status())));
  }
  return absl::OkStatus();
}

}  // namespace alloclab::server
