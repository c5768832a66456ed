#include "clients/common/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "clients/common/field_names.h"

namespace alloclab::client {
namespace {

// Replies are bounded by the server; the largest is a run with its result.
constexpr int kReceiveBytesMax = 16 << 20;
// A wait shorter than this is none.
constexpr std::chrono::milliseconds kMoment{200};

double Seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection
// refused" -> "connection refused"
std::string Reason(std::string_view message) {
  if (message.find("Connection refused") != std::string_view::npos) return "connection refused";
  if (message.find("DNS resolution failed") != std::string_view::npos) return "no such host";
  constexpr std::string_view kLastError = "last error: ";
  if (const std::size_t at = message.find(kLastError); at != std::string_view::npos)
    message.remove_prefix(at + kLastError.size());
  return std::string(message);
}

}  // namespace

Connection::Connection(ConnectionOptions options, int number) : options_(std::move(options)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt("alloclab.connection", number);
  channel_ = grpc::CreateCustomChannel(options_.server, grpc::InsecureChannelCredentials(), arguments);
}

void Connection::AwaitServer(const std::function<void(std::string_view)>& say) {
  if (!options_.wait || waited_) return;
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = std::chrono::system_clock::now() + *options_.wait;
  if (!channel_->WaitForConnected(std::min(deadline, std::chrono::system_clock::now() + kMoment))) {
    say(fmt::format("Waiting up to {:.3g} s for a server at {}", Seconds(*options_.wait), options_.server));
    if (channel_->WaitForConnected(deadline)) {
      say(fmt::format("It is there after {:.1f} s", Seconds(std::chrono::steady_clock::now() - start)));
    }
  }
  waited_ = true;
}

std::unique_ptr<grpc::ClientContext> Connection::MakeContext(std::chrono::milliseconds timeout) const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (options_.wait && !waited_) {
    context->set_wait_for_ready(true);
    timeout += *options_.wait;
  }
  context->set_deadline(std::chrono::system_clock::now() + timeout);
  return context;
}

absl::Status Connection::Explain(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return Unreachable(Reason(status.error_message()));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (channel_->GetState(false) != GRPC_CHANNEL_READY) return Unreachable("no connection in time");
      return absl::DeadlineExceededError(
          fmt::format("the server at {} did not answer in time; a longer --timeout may help", options_.server));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          fmt::format("what answers at {} is not an alloclabd of this version: {}", options_.server, status.error_message()));
    case grpc::StatusCode::DATA_LOSS:  // of the store; in here it is a bad workload
      return absl::InternalError(status.error_message());
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()), WithOptionNames(status.error_message()));
  }
}

absl::Status Connection::Unreachable(const std::string& why) const {
  const std::string waited = options_.wait ? fmt::format(" within {} s", Seconds(*options_.wait)) : "";
  return absl::UnavailableError(fmt::format(
      "cannot reach a server at {}{}: {}\nStart one with `./lab up` or `alloclabd`, or say where it is with --server "
      "HOST:PORT or ALLOCLAB_SERVER.",
      options_.server, waited, why));
}

}  // namespace alloclab::client
