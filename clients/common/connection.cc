#include "clients/common/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "allocators/common/printable.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/common/channel_credentials.h"
#include "clients/common/field_names.h"
#include "clients/common/token.h"
#include "google/rpc/status.pb.h"

namespace alloclab::client {
namespace {

// Replies are bounded by the server; the largest is a run with its result.
constexpr int kReceiveBytesMax = 16 << 20;
constexpr std::size_t kAddressBytesMax = 256;  // of a server that another one names
// A wait shorter than this is none.
constexpr std::chrono::milliseconds kMoment{200};

double Seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

constexpr char kBrokeOff[] = "the connection broke off";
constexpr char kNotConnected[] = "failed to connect";  // how gRPC's message begins then

constexpr char kUntrusted[] = "its certificate has expired or is not signed by whom --ca trusts";

struct Reason {
  const char* library;  // what gRPC's message has in it
  const char* ours;
  bool answered = false;  // something listens there, so that starting a server is no help
};
constexpr std::array kReasons = {
    Reason{"certificate verify failed", kUntrusted, true},
    Reason{"is not in peer certificate", "its certificate is for other hosts than the one in --server", true},
    Reason{"Hostname Verification Check failed", "its certificate is for other hosts than the one in --server", true},
    Reason{"wrong version number", "what listens there does not speak TLS; leave out --tls, --ca and ALLOCLAB_CA", true},
    Reason{"WRONG_VERSION_NUMBER", "what listens there does not speak TLS; leave out --tls, --ca and ALLOCLAB_CA", true},
    Reason{"Ssl handshake failed", "it refused the connection; it may ask for a certificate (--cert and --key) that it trusts",
           true},
    Reason{"SSL routines", "it refused the connection; it may ask for a certificate (--cert and --key) that it trusts", true},
    Reason{"Connection refused", "connection refused"},
    Reason{"DNS resolution failed", "no such host"},
    Reason{"No such file or directory", "no such socket"},
    Reason{"Permission denied", "permission denied"},
    Reason{"http1", "what listens there speaks HTTP, not gRPC, as the web page and /metrics do"},
    Reason{"unreachable", "no way to that host"},
    Reason{"No route to host", "no way to that host"},
    Reason{"closed", kBrokeOff},
    Reason{"reset", kBrokeOff},
    Reason{"Broken pipe", kBrokeOff},
};

struct Unreached {
  std::string why;
  bool answered = false;
};

// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection
// refused" -> "connection refused". What the server says itself stays as it is.
Unreached WhyUnreachable(const std::string& message) {
  if (message.starts_with("the server ")) return {message};
  const auto known = std::find_if(kReasons.begin(), kReasons.end(), [&message](const Reason& reason) {
    return message.find(reason.library) != std::string::npos;
  });
  if (known == kReasons.end()) return {"no connection"};
  const TlsOptions& tls = TlsOfProcess();
  if (known->ours == kUntrusted && tls.ca.empty()) {
    return {"its certificate has expired or is not signed by whom this system trusts; say who signs it with --ca FILE", true};
  }
  if (known->ours != kBrokeOff) return {known->ours, known->answered};
  // With TLS 1.3 a server that does not want the client's certificate, or misses it, says so by hanging up.
  if (tls.on()) return {fmt::format("{}; it may ask for a certificate (--cert and --key) that it trusts", kBrokeOff), true};
  // So does one that has TLS, to who begins without.
  if (message.starts_with(kNotConnected)) return {fmt::format("{}; it may speak TLS: --ca FILE, or --tls", kBrokeOff), true};
  return {kBrokeOff};
}

// INVALID_ARGUMENT: what people write for HOST:PORT, and gRPC's library takes for something else.
absl::Status CheckServer(const std::string& server) {
  const bool has_scheme = server.starts_with("http://") || server.starts_with("https://");
  if (!has_scheme && absl::StrContains(server, ':')) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("--server {}: expected HOST:PORT, such as 127.0.0.1:7411, or unix:PATH{}", server,
                  has_scheme ? "; TLS is asked for by --ca FILE or --tls, and the web page has another port" : ""));
}

// Messages of the server begin in lower case, those of gRPC ("Received RST_STREAM with error code 2") do not.
bool IsOfLibrary(const std::string& message) {
  return !message.empty() && absl::ascii_isupper(static_cast<unsigned char>(message.front()));
}

// Where what was asked for lives, as the refusal says; empty: it says nothing of the kind.
std::string PlaceIn(const grpc::Status& refusal) {
  google::rpc::Status status;
  if (refusal.error_code() != grpc::StatusCode::FAILED_PRECONDITION || !status.ParseFromString(refusal.error_details()))
    return "";
  for (const google::protobuf::Any& detail : status.details()) {
    v1::InstanceElsewhere place;
    if (detail.UnpackTo(&place) && place.address().size() <= kAddressBytesMax && IsPrintable(place.address())) {
      return place.address();
    }
  }
  return "";
}

// "HOST" of "HOST:PORT", "[::1]:7411"; this host, however it is called, is "localhost". Empty: it is no such address, as those
// of gRPC's library ("dns://SERVER/NAME") are not.
std::string HostOf(const std::string& address) {
  constexpr std::array kThisHost = {"localhost", "127.0.0.1", "[::1]"};
  if (address.starts_with("unix:/")) return kThisHost.front();
  const std::size_t colon = address.rfind(':');
  const std::string host = absl::AsciiStrToLower(address.substr(0, colon));
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (colon == std::string::npos || host.empty() || absl::StrContains(host, '/') ||
      (absl::StrContains(host, ':') && !bracketed)) {
    return "";
  }
  return std::find(kThisHost.begin(), kThisHost.end(), host) == kThisHost.end() ? host : kThisHost.front();
}

}  // namespace

Connection::Connection(ConnectionOptions options, int number)
    : options_(std::move(options)), token_(ReadToken(TokenOfProcess())) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  // A name may lead elsewhere once a server is gone.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  arguments.SetInt("alloclab.connection", number);
  if (!options_.address.empty()) {  // its certificate is for the name all the same
    const std::string host = options_.server.substr(0, options_.server.rfind(':'));
    arguments.SetSslTargetNameOverride(host);
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options_.server);
  }
  // Without credentials it is a channel on which every call fails: Explain says why.
  const auto credentials = token_.ok() ? MakeChannelCredentials(TlsOfProcess()).value_or(nullptr) : nullptr;
  channel_ = grpc::CreateCustomChannel(options_.address.empty() ? options_.server : options_.address, credentials, arguments);
}

absl::Status Connection::CheckAccess() const {
  if (absl::Status status = CheckServer(options_.server); !status.ok()) return status;
  return token_.ok() ? MakeChannelCredentials(TlsOfProcess()).status() : token_.status();
}

void Connection::AwaitServer(const std::function<void(std::string_view)>& say) {
  if (!options_.wait || waited_ || !CheckAccess().ok()) return;
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
  if (token_.ok() && !token_->empty()) context->AddMetadata("authorization", "Bearer " + *token_);
  context->set_deadline(std::chrono::system_clock::now() + timeout);
  return context;
}

absl::Status Connection::Explain(const grpc::Status& status) const {
  if (absl::Status refused = CheckAccess(); !refused.ok()) return refused;
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE: {
      if (!status.error_details().empty()) break;  // it was reached, and says when to try again
      const Unreached found = WhyUnreachable(status.error_message());
      return Unreachable(found.why, found.answered);
    }
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (channel_->GetState(false) != GRPC_CHANNEL_READY) return Unreachable("no connection in time", /*answered=*/false);
      return absl::DeadlineExceededError(
          fmt::format("the server at {} did not answer in time; a longer --timeout may help", options_.server));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          fmt::format("what answers at {} is not an alloclabd of this version; say where one is with --server HOST:PORT or "
                      "ALLOCLAB_SERVER",
                      options_.server));
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      if (!IsOfLibrary(status.error_message())) break;
      if (absl::StrContains(status.error_message(), "larger than max")) {
        return absl::ResourceExhaustedError(
            fmt::format("a message to or from the server at {} is larger than gRPC may carry", options_.server));
      }
      return absl::InternalError(
          fmt::format("the call to the server at {} broke off; what it did until then is not known", options_.server));
    case grpc::StatusCode::DATA_LOSS:  // of the store; in here it is a bad workload
      return absl::InternalError(status.error_message());
    default:
      break;
  }
  std::string message = WithOptionNames(status.error_message());
  if (const std::string place = follows_ ? PlaceIn(status) : ""; !place.empty() && !MayFollowTo(place)) {
    message +=
        fmt::format("\nThe token is not sent there because a server says so: {}; or ask there yourself, by --server.",
                    TlsOfProcess().on() ? "name who signs the certificates of this lab with --ca" : "use TLS, with --ca");
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

bool Connection::MayFollowTo(const std::string& address) const {
  const std::string host = HostOf(address);
  if (host.empty()) return false;
  return !token_.ok() || token_->empty() || !TlsOfProcess().ca.empty() || host == HostOf(options_.server);
}

const Connection* Connection::Follow(const grpc::Status& refusal) const {
  const std::string address = follows_ ? PlaceIn(refusal) : "";
  if (address.empty() || !MayFollowTo(address)) return nullptr;
  const MutexLock lock(mutex_);
  std::unique_ptr<Connection>& other = others_[address];
  if (other == nullptr) {
    ConnectionOptions options = options_;
    options.server = address;
    options.address.clear();
    options.wait.reset();
    other = std::make_unique<Connection>(options);
    other->follows_ = false;
  }
  return other.get();
}

absl::Status Connection::NotReachedThere(const grpc::Status& refusal, const absl::Status& why) const {
  return absl::UnavailableError(fmt::format("{}; {}", refusal.error_message(), std::string(why.message())));
}

absl::Status Connection::Unreachable(const std::string& why, bool answered) const {
  const std::string waited = options_.wait ? fmt::format(" within {} s", Seconds(*options_.wait)) : "";
  const char* const hint = answered ? ""
                                    : "\nStart one with `./lab up` or `alloclabd`, or say where it is with --server "
                                      "HOST:PORT or ALLOCLAB_SERVER.";
  return absl::UnavailableError(fmt::format("cannot reach a server at {}{}: {}{}", options_.server, waited, why, hint));
}

}  // namespace alloclab::client
