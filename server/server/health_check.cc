#include "server/server/health_check.h"

#include <fmt/format.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/config_protobuf.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <future>

namespace alloclab::server {
namespace {

// grpc.health.v1: HealthCheckRequest is one string, HealthCheckResponse one number (1: SERVING), each in field 1, as in the
// wrappers of the same kind. Debian ships the service, but not its .proto.
using Request = google::protobuf::StringValue;
using Response = google::protobuf::UInt32Value;
constexpr std::uint32_t kServing = 1;

}  // namespace

absl::Status CheckHealth(const std::string& address, const std::string& service) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  grpc::TemplatedGenericStub<Request, Response> stub(channel);
  Request request;
  request.set_value(service);
  Response response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::NotFoundError(fmt::format("--service {}: the server at {} has no such service", service, address));
  }
  if (!status.ok()) return absl::UnavailableError(fmt::format("--listen {}: no answer: {}", address, status.error_message()));
  if (response.value() != kServing) return absl::FailedPreconditionError(fmt::format("--listen {}: NOT_SERVING", address));
  return absl::OkStatus();
}

}  // namespace alloclab::server
