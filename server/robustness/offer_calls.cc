// Offers small calls to a server, as many as it is told: a client that costs so little that the server is what is measured. It
// speaks HTTP/2 by hand and sends bytes made in advance.
//
// Closed loop (RATE 0): each connection keeps so many calls in flight. Open loop: calls fall due at a rate, whatever became of
// those before; one that finds all streams of its connection taken waits here, as gRPC's own clients have it, and is given up
// when it has waited for kPatience. Prints one line of JSON, of everything after the first second. As the lab's clients do, it
// speaks TLS if ALLOCLAB_CA names who signs the server's certificate, with that of ALLOCLAB_CERT and ALLOCLAB_KEY if there is
// one, and shows the token of ALLOCLAB_TOKEN. A connection that the server hangs up on is made again only if `again` is said.
//
// usage: offer_calls HOST:PORT METHOD MESSAGE CONNECTIONS STREAMS RATE SECONDS [again]
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clients/common/token.h"
#include "server/http/channel.h"

namespace {

using alloclab::server::Channel;
using alloclab::server::Descriptor;
using alloclab::server::TlsSession;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
constexpr Seconds kPatience{1.0}, kWarmUp{1.0};

constexpr int kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kWindowUpdate = 8;
constexpr int kEndStream = 1, kAck = 1, kEndHeaders = 4;
constexpr std::size_t kFrameHeader = 9;

std::string Big(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string Frame(int kind, int flags, std::uint32_t stream, std::string_view payload) {
  std::string frame = Big(static_cast<std::uint32_t>(payload.size()), 3);
  frame += static_cast<char>(kind);
  frame += static_cast<char>(flags);
  return frame.append(Big(stream, 4)).append(payload);
}

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "offer_calls: %s\n", why.c_str());
  std::exit(1);
}

// Headers neither compressed nor remembered; all texts are short. `token` may be empty.
std::string CallHeaders(std::string_view method, const std::string& token) {
  const std::string bearer = "Bearer " + token;
  std::vector<std::pair<std::string_view, std::string_view>> headers{{":method", "POST"}, {":scheme", "http"},
                                                                     {":path", method},   {":authority", "lab"},
                                                                     {"te", "trailers"},  {"content-type", "application/grpc"}};
  if (!token.empty()) headers.emplace_back("authorization", bearer);
  std::string block;
  for (const auto& [name, value] : headers) {
    if (value.size() > 126) Die("a header is longer than 126 bytes");
    block += '\0';
    block.append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
  }
  return block;
}

// A message from its bytes in hexadecimal, with gRPC's frame around it.
std::string CallMessage(std::string_view hex) {
  std::string body;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    body += static_cast<char>(std::strtoul(std::string(hex.substr(i, 2)).c_str(), nullptr, 16));
  }
  return std::string(1, '\0') + Big(static_cast<std::uint32_t>(body.size()), 4) + body;
}

// The client's ends of TLS, with whoever that authority signed for the address of the server.
class TlsClient {
 public:
  explicit TlsClient(const char* authority) : context_(SSL_CTX_new(TLS_client_method())) {
    if (SSL_CTX_load_verify_locations(context_.get(), authority, nullptr) != 1) Die("ALLOCLAB_CA: no file of certificates");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const char *const own = std::getenv("ALLOCLAB_CERT"), *const key = std::getenv("ALLOCLAB_KEY");
    if (own != nullptr && key != nullptr &&
        (SSL_CTX_use_certificate_chain_file(context_.get(), own) != 1 ||
         SSL_CTX_use_PrivateKey_file(context_.get(), key, SSL_FILETYPE_PEM) != 1)) {
      Die("ALLOCLAB_CERT, ALLOCLAB_KEY: not a certificate and its key");
    }
    SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context_.get(), kHttp2.data(), kHttp2.size());
  }
  TlsSession Connect(int socket, const char* host) const {
    TlsSession session(SSL_new(context_.get()));
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host);
    SSL_set_fd(session.get(), socket);
    SSL_set_connect_state(session.get());  // the handshake goes on as bytes are moved
    return session;
  }

 private:
  const std::unique_ptr<SSL_CTX, alloclab::server::FreeTls> context_;
};

// What each call sends.
struct Request {
  std::string headers, message;
};

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

struct Counts {
  std::uint64_t due = 0, served = 0, refused = 0, hinted = 0, given_up = 0;
  std::vector<double> took, refusals;  // seconds since the call was due; since it was sent
};

class Connection {
 public:
  // `tls`: null for none.
  Connection(const sockaddr_in& address, const TlsClient* tls, const Request& request, std::size_t streams, double rate,
             Clock::time_point first_due)
      : request_(request), streams_(streams), rate_(rate), next_due_(first_due) {
    Descriptor to_server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(to_server.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(to_server.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) != 0) {
      Die("cannot connect");
    }
    fcntl(to_server.get(), F_SETFL, O_NONBLOCK);
    std::array<char, INET_ADDRSTRLEN> host{};
    inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
    TlsSession session = tls == nullptr ? nullptr : tls->Connect(to_server.get(), host.data());
    channel_ = Channel(std::move(to_server), std::move(session));
    // Replies small as these need no more window than 2 GiB; no table of headers.
    const std::string settings = Big(1, 2) + Big(0, 4) + Big(4, 2) + Big(0x7fffffff, 4);
    out_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, settings) +
           Frame(kWindowUpdate, 0, 0, Big(0x7fffffff - 65535, 4));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket_fd() const { return channel_.socket(); }
  Counts& counts() { return counts_; }
  bool wants_to_write() const { return !out_.empty(); }

  // Begins what is due and has room, and sends what is to be sent.
  void Proceed(Clock::time_point now) {
    if (rate_ == 0) {
      while (open_.size() < streams_) Begin(now, now);
    } else {
      for (; next_due_ <= now; next_due_ += std::chrono::duration_cast<Clock::duration>(Seconds(1 / rate_))) {
        waiting_.push_back(next_due_);
        ++counts_.due;
      }
      while (!waiting_.empty() && now - waiting_.front() > kPatience) {
        waiting_.pop_front();
        ++counts_.given_up;
      }
      for (; !waiting_.empty() && open_.size() < streams_; waiting_.pop_front()) Begin(waiting_.front(), now);
    }
    if (!out_.empty()) out_.erase(0, channel_.Send(out_).bytes);
  }

  // Whatever has come. False: the server hung up.
  bool Take(Clock::time_point now) {
    std::array<char, 65536> bytes;
    const Channel::Moved moved = channel_.Receive(bytes.data(), bytes.size());
    if (moved.outcome != Channel::Outcome::kMoved) return moved.outcome == Channel::Outcome::kLater;
    in_.append(bytes.data(), moved.bytes);
    std::size_t at = 0;
    while (in_.size() - at >= kFrameHeader) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(in_[at + i])); };
      const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (in_.size() - at < kFrameHeader + length) break;
      const std::uint32_t stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffff;
      Heed(static_cast<int>(byte(3)), static_cast<int>(byte(4)), stream,
           std::string_view(in_).substr(at + kFrameHeader, length), now);
      at += kFrameHeader + length;
    }
    in_.erase(0, at);
    if (received_ > 1 << 20) {
      out_ += Frame(kWindowUpdate, 0, 0, Big(received_, 4));
      received_ = 0;
    }
    return true;
  }

 private:
  struct Call {
    Clock::time_point due, sent;
  };

  void Begin(Clock::time_point due, Clock::time_point now) {
    out_ += Frame(kHeaders, kEndHeaders, next_stream_, request_.headers);
    out_ += Frame(kData, kEndStream, next_stream_, request_.message);
    open_[next_stream_] = {due, now};
    next_stream_ += 2;
  }

  void Heed(int kind, int flags, std::uint32_t stream, std::string_view payload, Clock::time_point now) {
    if (kind == kSettings && (flags & kAck) == 0) out_ += Frame(kSettings, kAck, 0, {});
    if (kind == kPing && (flags & kAck) == 0) out_ += Frame(kPing, kAck, 0, payload);
    if (kind == kData) received_ += static_cast<std::uint32_t>(payload.size());
    if (kind == kReset || (kind == kHeaders && (flags & kEndStream) != 0)) End(stream, payload, now);
  }

  void End(std::uint32_t stream, std::string_view payload, Clock::time_point now) {
    const auto call = open_.find(stream);
    if (call == open_.end()) return;
    if (payload.find(std::string_view("grpc-status\x01"
                                      "0")) != std::string_view::npos) {
      ++counts_.served;
      counts_.took.push_back(Seconds(now - call->second.due).count());
    } else {
      ++counts_.refused;
      counts_.hinted += payload.find("grpc-status-details-bin") != std::string_view::npos;
      counts_.refusals.push_back(Seconds(now - call->second.sent).count());
    }
    open_.erase(call);
  }

  const Request& request_;
  const std::size_t streams_;
  const double rate_;  // a second
  Clock::time_point next_due_;
  Channel channel_;
  std::string in_, out_;
  std::uint32_t next_stream_ = 1, received_ = 0;
  std::unordered_map<std::uint32_t, Call> open_;
  std::deque<Clock::time_point> waiting_;  // when each was due
  Counts counts_;
};

void Print(std::vector<std::unique_ptr<Connection>>& connections, std::size_t lost, double seconds) {
  Counts all;
  std::uint64_t least = UINT64_MAX, most = 0;
  for (const auto& connection : connections) {
    const Counts& counts = connection->counts();
    all.due += counts.due;
    all.served += counts.served;
    all.refused += counts.refused;
    all.hinted += counts.hinted;
    all.given_up += counts.given_up;
    all.took.insert(all.took.end(), counts.took.begin(), counts.took.end());
    all.refusals.insert(all.refusals.end(), counts.refusals.begin(), counts.refusals.end());
    least = std::min(least, counts.served);
    most = std::max(most, counts.served);
  }
  std::printf(
      "{\"seconds\": %.3f, \"due\": %lu, \"served\": %lu, \"refused\": %lu, \"hinted\": %lu, \"given_up\": %lu, \"lost\": %zu, "
      "\"least\": %lu, \"most\": %lu, \"p50\": %.6f, \"p99\": %.6f, \"refusals\": %.6f}\n",
      seconds, all.due, all.served, all.refused, all.hinted, all.given_up, lost, least, most, Percentile(all.took, 0.5),
      Percentile(all.took, 0.99), Percentile(all.refusals, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  const bool again = argc == 9 && std::string_view(argv[8]) == "again";
  const std::string target = argc == 8 || again ? argv[1] : "";
  const std::size_t colon = target.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos || inet_pton(AF_INET, target.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr,
                 "usage: offer_calls HOST:PORT METHOD MESSAGE CONNECTIONS STREAMS RATE SECONDS [again]; HOST is an address of "
                 "IPv4\n");
    return 2;
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(target.c_str() + colon + 1)));
  const int count = std::max(1, std::atoi(argv[4]));
  const double rate = std::atof(argv[6]) / count, seconds = std::atof(argv[7]);

  const absl::StatusOr<std::string> token = alloclab::client::ReadToken({});
  if (!token.ok()) Die(std::string(token.status().message()));
  const char* const authority = std::getenv("ALLOCLAB_CA");
  const auto tls = authority == nullptr ? nullptr : std::make_unique<TlsClient>(authority);
  std::signal(SIGPIPE, SIG_IGN);

  const Request request{CallHeaders(argv[2], *token), CallMessage(argv[3])};
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections;
  const Clock::time_point began = Clock::now();
  const auto streams = static_cast<std::size_t>(std::max(1, std::atoi(argv[5])));
  const auto connect = [&](std::size_t at, Clock::time_point first_due) {
    auto made = std::make_unique<Connection>(address, tls.get(), request, streams, rate, first_due);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = at;
    epoll_ctl(epoll, EPOLL_CTL_ADD, made->socket_fd(), &event);
    return made;
  };
  for (int i = 0; i < count; ++i) {
    const Seconds offset(rate == 0 ? 0 : i / (rate * count));
    connections.push_back(connect(connections.size(), began + std::chrono::duration_cast<Clock::duration>(offset)));
  }
  std::vector<bool> gone(connections.size());
  std::size_t lost = 0;
  bool warm = false;
  Clock::time_point counted = began;
  std::array<epoll_event, 256> events;
  while (true) {
    const Clock::time_point now = Clock::now();
    if (now - began >= kWarmUp + Seconds(seconds)) break;
    if (!warm && now - began >= kWarmUp) {
      warm = true;
      counted = now;
      for (const auto& connection : connections) connection->counts() = {};
    }
    const int ready = epoll_wait(epoll, events.data(), events.size(), 1);
    for (int i = 0; i < ready; ++i) {
      const std::size_t at = events[static_cast<std::size_t>(i)].data.u64;
      if (connections[at]->Take(Clock::now())) continue;
      ++lost;
      if (again) {
        Counts counts = std::move(connections[at]->counts());
        connections[at] = connect(at, Clock::now());
        connections[at]->counts() = std::move(counts);
      } else {
        epoll_ctl(epoll, EPOLL_CTL_DEL, connections[at]->socket_fd(), nullptr);
        gone[at] = true;
      }
    }
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (!gone[i]) connections[i]->Proceed(Clock::now());
    }
  }
  Print(connections, lost, Seconds(Clock::now() - counted).count());
  return 0;
}
