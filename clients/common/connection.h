// The client's side of one server: a channel, and the only maker of call contexts, so that no call goes without a deadline.
#ifndef ALLOCLAB_CLIENTS_COMMON_CONNECTION_H_
#define ALLOCLAB_CLIENTS_COMMON_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"

namespace alloclab::client {

inline constexpr char kDefaultServer[] = "127.0.0.1:7411";

struct ConnectionOptions {
  std::string server = kDefaultServer;                           // HOST:PORT or unix:PATH
  std::chrono::milliseconds timeout{10'000};                     // of one call
  std::optional<std::chrono::milliseconds> wait = std::nullopt;  // wait at most that long for a server that is not up yet
  // Where `server` was found, as grpc::ClientContext::peer() says it: several connections to the same one, if its name is of
  // several. Empty: wherever the name leads.
  std::string address = {};
};

// Thread safety: safe for concurrent use.
class Connection {
 public:
  // Does not connect yet: the first call does. Connections of one process with different numbers do not share a socket.
  explicit Connection(ConnectionOptions options, int number = 0);

  const ConnectionOptions& options() const { return options_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // With `wait`: returns when the server is up, or when it was waited for that long; from then on, no call waits. `say` gets a
  // line when that takes longer than a moment, and one when it is over.
  void AwaitServer(const std::function<void(std::string_view)>& say);

  // The deadline is `timeout` from now; with `wait`, the call stays until the server is up and has that much longer.
  std::unique_ptr<grpc::ClientContext> MakeContext(std::chrono::milliseconds timeout) const;
  std::unique_ptr<grpc::ClientContext> MakeContext() const { return MakeContext(options_.timeout); }

  // The server's answer as a status whose message is a sentence for the user: where it names a field of the request, the option
  // of the command line stands instead, and where gRPC's library speaks, our words. UNAVAILABLE: the server was not reached;
  // the sentence says what was tried and how to start one.
  absl::Status Explain(const grpc::Status& status) const;

  // The server that a refusal names because what was asked for lives there, in a lab of several; null: it names none, this one
  // was named by another already, or a token may not be sent there (Explain says so). With the same TLS, token and time; it
  // lives as long as this.
  const Connection* Follow(const grpc::Status& refusal) const ABSL_LOCKS_EXCLUDED(mutex_);

  // One unary call, e.g. Call(&v1::Lab::Stub::GetServer, v1::GetServerRequest()); made once more where a refusal says.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) const {
    Stub stub(channel_);
    const std::unique_ptr<grpc::ClientContext> context = MakeContext();
    Response response;
    const grpc::Status status = (stub.*method)(context.get(), request, &response);
    if (status.ok()) return response;
    const Connection* const other = Follow(status);
    if (other == nullptr) return Explain(status);
    absl::StatusOr<Response> followed = other->Call(method, request);
    return absl::IsUnavailable(followed.status()) ? NotReachedThere(status, followed.status()) : followed;
  }

 private:
  absl::Status NotReachedThere(const grpc::Status& refusal, const absl::Status& why) const;
  absl::Status Unreachable(const std::string& why, bool answered) const;
  // Why no call can be made: what the command line says of TLS and token is wrong.
  absl::Status CheckAccess() const;
  // Whether what this connection shows may be shown to a server that another server named. Without a token there is nothing to
  // lose. With one the other must be the same host, or have a certificate of the authority that the user named (--ca): one of
  // all that the system trusts may be anybody's, and in the clear anybody may be there.
  bool MayFollowTo(const std::string& address) const;

  ConnectionOptions options_;
  absl::StatusOr<std::string> token_;  // empty: none
  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<bool> waited_ = false;
  bool follows_ = true;
  mutable Mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<Connection>> others_
      ABSL_GUARDED_BY(mutex_);  // that were followed to, by address
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_CONNECTION_H_
