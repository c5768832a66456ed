#include "server/server/access_credentials.h"

#include <fmt/format.h>
#include <grpc/slice.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "allocators/common/printable.h"
#include "server/access/rpc_roles.h"
#include "server/log.h"

namespace alloclab::server {
namespace {

std::string_view ViewOf(const grpc_slice& slice) {
  return {static_cast<const char*>(static_cast<const void*>(GRPC_SLICE_START_PTR(slice))), GRPC_SLICE_LENGTH(slice)};
}

constexpr std::string_view kTwice = "?";  // two headers: who would be let in as either of them is not let in at all

absl::Status Authorize(AccessControl& access, std::span<const grpc_metadata> metadata) {
  if (!access.in_force()) return absl::OkStatus();
  std::string_view method, authorization;
  bool shown = false;  // empty ones count: the rest of the server would look at the first
  for (const grpc_metadata& item : metadata) {
    const std::string_view key = ViewOf(item.key);
    if (key == ":path") method = ViewOf(item.value);
    if (key == "authorization") authorization = std::exchange(shown, true) ? kTwice : ViewOf(item.value);
  }
  const RpcRole* const row = FindRpcRole(method);
  if (row != nullptr && !row->least) return absl::OkStatus();
  const std::string what = Printable(method.substr(0, 100));
  absl::Status status = access.Admit(authorization, row == nullptr ? Role::kAdmin : *row->least, what).status();
  if (absl::IsPermissionDenied(status)) {
    const std::string who = access.Identify(authorization).name;
    if (access.TellsDenied(who)) Log(LogLevel::kWarning, "access.denied", {{"who", who}, {"method", what}});
  }
  return status;
}

// gRPC's C interface, since its C++ one takes no processor without TLS. It answers at once, on gRPC's own thread: a look at a
// few digests.
void Process(void* access, grpc_auth_context*, const grpc_metadata* metadata, size_t count,
             grpc_process_auth_metadata_done_cb done, void* call) {
  const absl::Status status = Authorize(*static_cast<AccessControl*>(access), {metadata, count});
  done(call, nullptr, 0, nullptr, 0, static_cast<grpc_status_code>(status.code()),
       status.ok() ? nullptr : std::string(status.message()).c_str());
}

class AccessCredentials final : public grpc::ServerCredentials {
 public:
  explicit AccessCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~AccessCredentials() override { grpc_server_credentials_release(credentials_); }
  // Which processor there is is known from the start.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> WithAccessControl(grpc_server_credentials* credentials, AccessControl& access) {
  grpc_server_credentials_set_auth_metadata_processor(credentials, {.process = Process, .destroy = nullptr, .state = &access});
  return std::make_shared<AccessCredentials>(credentials);
}

}  // namespace alloclab::server
