#include "server/server/audit_interceptor.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "allocators/common/check.h"
#include "server/access/rpc_roles.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kTargetBytesShown = 100, kBytesRead = 16 << 10;

// What a message is about, by the fields that name it.
std::string TargetOf(const google::protobuf::Message& message) {
  for (const char* name : {"name", "instance", "id", "sha256", "label"}) {
    const auto* field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->is_repeated()) continue;
    const auto* reflection = message.GetReflection();
    std::string text;
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) text = reflection->GetString(message, field);
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64)
      text = fmt::format("{}", reflection->GetUInt64(message, field));
    if (text.empty()) continue;
    std::size_t size = std::min(text.size(), kTargetBytesShown);
    while (size > 0 && size < text.size() && (text[size] & 0xC0) == 0x80) --size;  // whole characters
    return text.substr(0, size);
  }
  return "";
}

// The unary calls are raw (answer.h): their messages are bytes. Empty of large ones.
std::string TargetOf(const google::protobuf::Descriptor& type, const grpc::ByteBuffer& encoded) {
  if (!encoded.Valid() || encoded.Length() > kBytesRead) return "";
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  grpc::ByteBuffer bytes = encoded;  // another name for the same bytes: reading empties it
  return grpc::SerializationTraits<google::protobuf::Message>::Deserialize(&bytes, message.get()).ok() ? TargetOf(*message)
                                                                                                       : "";
}

const google::protobuf::MethodDescriptor& DescriptorOf(const RpcRole& row) {
  std::string name(row.method.substr(1));
  std::replace(name.begin(), name.end(), '/', '.');
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  ALLOCLAB_CHECK(method != nullptr);
  return *method;
}

// Watches one call.
class CallAuditor final : public grpc::experimental::Interceptor {
 public:
  // `call` has the interceptor, and outlives it.
  CallAuditor(const AccessControl& access, const RpcRole& row, const grpc::ServerContextBase& call)
      : access_(access), row_(row), call_(call), method_(DescriptorOf(row)) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::POST_RECV_MESSAGE) &&
        methods->GetRecvMessage() != nullptr) {
      Receive(methods->GetRecvMessage());
    }
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_MESSAGE) &&
        !method_.client_streaming()) {
      reply_ = *methods->GetSerializedSendMessage();
    }
    // Every handler ends its call, of a client that has gone too.
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      Tell(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
    }
    methods->Proceed();
  }

 private:
  // Uploads name themselves in their first message, of protobuf; of other calls the bytes stay until the call is finished.
  void Receive(const void* message) {
    if (!method_.client_streaming()) {
      request_ = static_cast<const grpc::ByteBuffer*>(message);
    } else if (target_.empty()) {
      target_ = TargetOf(*static_cast<const google::protobuf::Message*>(message));
    }
  }

  void Tell(absl::StatusCode outcome) const {
    const std::string who = Who();
    if (who.empty()) return;
    Log(LogLevel::kInfo, "access.change",
        {{"who", who},
         {"method", row_.method},
         {"target", Target()},
         {"outcome", absl::StatusCodeToString(outcome)},
         {"peer", call_.peer()}});
  }

  // A reply names what was made, or was changed; otherwise the request does.
  std::string Target() const {
    if (request_ == nullptr) return target_;
    const std::string target = TargetOf(*method_.output_type(), reply_);
    return target.empty() ? TargetOf(*method_.input_type(), *request_) : target;
  }

  // The token's name, or the subject of the certificate; empty: callers are not told apart.
  std::string Who() const {
    const auto& metadata = call_.client_metadata();
    if (const auto shown = metadata.find("authorization"); shown != metadata.end()) {
      const Bearer bearer = access_.Identify({shown->second.data(), shown->second.size()});
      if (!bearer.name.empty()) return bearer.name;
    }
    const auto connection = call_.auth_context();
    const std::vector<grpc::string_ref> subjects =
        connection ? connection->FindPropertyValues(GRPC_X509_SUBJECT_PROPERTY_NAME) : std::vector<grpc::string_ref>();
    if (!subjects.empty()) return std::string(subjects.front().data(), subjects.front().size());
    return access_.in_force() ? "?" : "";  // whose token was revoked meanwhile
  }

  const AccessControl& access_;
  const RpcRole& row_;
  const grpc::ServerContextBase& call_;
  const google::protobuf::MethodDescriptor& method_;
  const grpc::ByteBuffer* request_ = nullptr;
  grpc::ByteBuffer reply_;
  std::string target_;  // of an upload
};

class CallAuditorFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallAuditorFactory(const AccessControl& access) : access_(access) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    const RpcRole* const row = FindRpcRole(info->method());
    if (row == nullptr || !row->changes) return nullptr;
    return new CallAuditor(access_, *row, *info->server_context());  // gRPC deletes it with the call
  }

 private:
  const AccessControl& access_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeAuditFactory(const AccessControl& access) {
  return std::make_unique<CallAuditorFactory>(access);
}

}  // namespace alloclab::server
