#include "server/http/http_transport.h"

#include <netdb.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "allocators/common/check.h"
#include "server/http/arrivals.h"
#include "server/http/http_head.h"

namespace alloclab::server {
namespace {

constexpr int kTickMs = 50;         // between two looks for clients that are late
constexpr int kAcceptsAtOnce = 64;  // then whoever is connected has a turn
constexpr std::size_t kBodyBytesAtOnce = 64 << 10;
constexpr absl::Duration kLeaveTime = absl::Seconds(1);            // for the client to hang up
constexpr absl::Duration kPatienceWithReaders = absl::Seconds(1);  // before who reads or asks slowly makes room for others

void Register(int epoll, int action, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ALLOCLAB_CHECK_EQ(epoll_ctl(epoll, action, fd, &event), 0);
}

// Without the port: "127.0.0.1". Empty: it has none.
std::string PeerOf(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  sockaddr* const address = static_cast<sockaddr*>(static_cast<void*>(&storage));
  std::array<char, NI_MAXHOST> text{};
  const bool told = getpeername(socket, address, &length) == 0 &&
                    getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  return told ? text.data() : "";
}

absl::Duration TimeToSend(std::size_t bytes, std::size_t per_second) {
  return absl::Seconds(static_cast<double>(bytes) / static_cast<double>(per_second));
}

}  // namespace

HttpTransport::HttpTransport(Listener listener, HttpTls tls, std::string told_when_busy, Respond respond)
    : listener_(std::move(listener)),
      tls_(std::move(tls)),
      when_busy_{.bytes = std::move(told_when_busy)},
      respond_(std::move(respond)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      calls_({.threads = kHttpThreads, .of_one_client = kHttpThreads / 2, .waiting_max = SIZE_MAX}) {
  Register(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), EPOLLIN);
  for (const Descriptor& socket : listener_.sockets()) Register(epoll_.get(), EPOLL_CTL_ADD, socket.get(), EPOLLIN);
  watcher_ = std::thread([this] { Watch(); });
}

HttpTransport::~HttpTransport() {
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  watcher_.join();
}

void HttpTransport::Watch() {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), clients_.empty() ? -1 : kTickMs);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == wake_.get()) {
        TakeAnswers();
      } else if (const auto client = clients_.find(fd); client == clients_.end()) {
        const auto& sockets = listener_.sockets();
        if (std::any_of(sockets.begin(), sockets.end(), [&](const Descriptor& socket) { return socket.get() == fd; }))
          Accept(fd);
      } else {
        Serve(client->second);
      }
    }
    ContinueStreams();
    DropLate();
    if (stopping_) return;
  }
}

void HttpTransport::Serve(Client& client) {
  const int fd = client.channel.socket();
  Continue(client);
  if (const auto still = clients_.find(fd); still != clients_.end()) Await(still->second);
}

void HttpTransport::Await(Client& client) {
  std::uint32_t wanted = client.state == State::kWriting ? EPOLLOUT : EPOLLIN;
  if (client.channel.awaited() != 0) wanted = client.channel.awaited();
  if (client.state == State::kWorking) wanted = 0;
  const std::uint32_t before = std::exchange(client.watched, wanted);
  if (wanted == before) return;
  Register(epoll_.get(),
           before == 0   ? EPOLL_CTL_ADD
           : wanted == 0 ? EPOLL_CTL_DEL
                         : EPOLL_CTL_MOD,
           client.channel.socket(), wanted);
}

void HttpTransport::Continue(Client& client) {
  switch (client.state) {
    case State::kReading:
      return Read(client);
    case State::kTaking:
      return TakeBody(client);
    case State::kWorking:
      return;
    case State::kWriting:
      return Write(client);
    case State::kResting:
    case State::kLeaving:
      return Discard(client);
  }
}

void HttpTransport::Accept(int socket) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    Descriptor accepted(listener_.Accept(socket));
    const int fd = accepted.get();
    if (fd < 0) return;
    if (!MakeRoom()) {
      TakeAnswers();  // who has one can go
      if (!MakeRoom()) continue;
    }
    Client& client = clients_[fd];
    TlsSession session = tls_.context == nullptr ? nullptr : tls_.context->Accept(fd);
    client = Client{.channel = Channel(std::move(accepted), std::move(session)),
                    .peer = PeerOf(fd),
                    .address = AddressOf(fd),
                    .turn = {.name = AddressOf(fd), .waiting_max = kHttpClientsMax}};
    Serve(client);  // what it wants is here already, as a rule
  }
}

bool HttpTransport::MakeRoom() {
  if (clients_.size() < kHttpClientsMax) return true;
  const MonotonicTime now = MonotonicTime::Now();
  std::map<absl::string_view, std::size_t> of_address, of_turn;
  for (const auto& [fd, client] : clients_) ++of_address[client.address], ++of_turn[client.turn.name];
  // Of a crowding address an owner who has few is not to blame.
  const auto is_known = [](const Client& client) { return client.turn.name != client.address; };
  const auto crowds = [&](const Client& client) {
    return is_known(client) ? of_turn[client.turn.name] > kHttpClientsMax / 4
                            : of_address[client.address] > kHttpClientsMax / 2;
  };
  // The least comes first. Of an owner those who have waited longest keep their turn.
  const auto rank = [&](const Client& client) {
    const absl::Duration age = now - client.since;
    const bool waits = client.state == State::kWorking, asks = client.state == State::kReading && age < kPatienceWithReaders;
    const int matters = client.state == State::kLeaving ? 0 : waits ? (is_known(client) ? 2 : 3) : asks ? 4 : 1;
    return std::tuple(!crowds(client), matters, matters == 2 ? age : -age);
  };
  auto first = clients_.end();
  for (auto it = clients_.begin(); it != clients_.end(); ++it) {
    const Client& client = it->second;
    if (client.state == State::kTaking || client.state == State::kResting) continue;
    if (client.state == State::kWorking && (!crowds(client) || *client.work)) continue;
    if (client.state == State::kWriting && !crowds(client) && now - client.since < kPatienceWithReaders) continue;
    if (first == clients_.end() || rank(client) < rank(first->second)) first = it;
  }
  if (first == clients_.end()) return false;
  if (first->second.state == State::kWorking && !GivesUpWork(first->second)) return MakeRoom();  // it has just been begun
  Drop(first->first);
  return true;
}

void HttpTransport::Read(Client& client) {
  std::array<char, kHttpHeadBytesMax> buffer;
  const std::size_t before = client.bytes.size();
  const auto [outcome, got] = client.channel.Receive(buffer.data(), kHttpHeadBytesMax - before);
  if (outcome == Channel::Outcome::kLater) return;
  if (outcome == Channel::Outcome::kInTheClear) return TellInTheClear(client);
  const bool ended = outcome == Channel::Outcome::kEnd;
  if (outcome == Channel::Outcome::kBroken || (ended && before == 0)) return Drop(client.channel.socket());
  client.bytes.append(buffer.data(), got);
  const bool complete = client.bytes.find("\r\n\r\n", before < 3 ? 0 : before - 3) != std::string::npos;
  if (!complete && !ended && client.bytes.size() < kHttpHeadBytesMax) return;
  StartWork(
      client, [this, head = client.bytes, peer = client.peer] { return respond_(head, peer); }, when_busy_);
}

void HttpTransport::TakeBody(Client& client) {
  const std::size_t before = client.bytes.size(), wanted = std::min(kBodyBytesAtOnce, client.answer.body_bytes - before);
  if (wanted > 0) {
    client.bytes.resize(before + wanted);
    const auto [outcome, got] = client.channel.Receive(client.bytes.data() + before, wanted);
    client.bytes.resize(before + got);
    if (outcome != Channel::Outcome::kMoved && outcome != Channel::Outcome::kLater) return Drop(client.channel.socket());
  }
  if (client.bytes.size() < client.answer.body_bytes) return;
  Task task = [take = std::exchange(client.answer, {}).take, body = std::exchange(client.bytes, {})]() mutable {
    return take(std::move(body));
  };
  StartWork(client, std::move(task), when_busy_);
}

void HttpTransport::StartWork(Client& client, Task task, const HttpAnswer& otherwise) {
  Enter(client, State::kWorking);
  Await(client);
  const int fd = client.channel.socket();
  client.work = std::make_shared<std::atomic<bool>>(false);
  const bool has_turn = calls_.Offer(
      client.turn, [this, fd, work = client.work, since = client.since, task = std::move(task), otherwise]() mutable {
        if (work->exchange(true)) return;
        const bool begins = !stopping_ && MonotonicTime::Now() - since <= kTurnWaitMax;
        HttpAnswer answer = begins ? std::exchange(task, nullptr)() : std::move(otherwise);
        EndWork(fd, std::move(answer));
      });
  if (has_turn) return;
  client.work->store(true);
  EndWork(fd, otherwise);
}

bool HttpTransport::GivesUpWork(const Client& client) { return !client.work->exchange(true); }

void HttpTransport::EndWork(int client, HttpAnswer answer) {
  {
    const MutexLock lock(mutex_);
    answers_.push_back({client, std::move(answer)});
  }
  eventfd_write(wake_.get(), 1);
}

void HttpTransport::TakeAnswers() {
  eventfd_t ignored = 0;
  eventfd_read(wake_.get(), &ignored);
  std::vector<Made> answers;
  {
    const MutexLock lock(mutex_);
    answers.swap(answers_);
  }
  for (Made& made : answers) {
    TakeAnswer(clients_.at(made.client), std::move(made.answer));  // nobody drops one that waits for its answer
  }
}

void HttpTransport::TakeAnswer(Client& client, HttpAnswer answer) {
  if (std::exchange(client.answer, {}).stream != nullptr) --streams_at_work_;
  if (answer.make != nullptr) {
    // The name is longer than any address.
    client.turn = {.name = absl::StrCat("the owner ", answer.whose), .waiting_max = kTurnsWaitingMax};
    Task make = std::exchange(answer.make, nullptr);
    return StartWork(client, std::move(make), answer);
  }
  if (answer.take != nullptr) {
    client.bytes.erase(0, client.bytes.find("\r\n\r\n") + 4);  // what came of the body with the head
    client.bytes.resize(std::min(client.bytes.size(), answer.body_bytes));
    client.bytes.reserve(answer.body_bytes);
    client.answer = std::move(answer);
    Enter(client, State::kTaking);
    return Serve(client);
  }
  client.bytes = std::exchange(answer.bytes, {});
  client.sent = 0;
  client.answer = std::move(answer);
  Enter(client, State::kWriting);
  Serve(client);
}

void HttpTransport::TellInTheClear(Client& client) {
  client.channel.DropTls();
  client.bytes = tls_.told_in_the_clear;
  Enter(client, State::kWriting);
  Write(client);
}

void HttpTransport::ContinueStreams() {
  const MonotonicTime now = MonotonicTime::Now();
  std::vector<Client*> ready;
  for (auto& [fd, client] : clients_) {
    if (client.state != State::kResting || now < client.due) continue;
    if (now - client.since >= kStreamRest || client.answer.stream->Hurries()) ready.push_back(&client);
  }
  std::sort(ready.begin(), ready.end(), [](const Client* a, const Client* b) { return a->since < b->since; });
  for (Client* client : ready) {
    if (streams_at_work_ == kStreamThreads) return;
    ++streams_at_work_;
    Task next = [stream = client->answer.stream] {
      std::optional<std::string> piece = stream->Next();
      const bool more = piece.has_value();
      return HttpAnswer{.bytes = std::move(piece).value_or(""), .stream = more ? stream : nullptr};
    };
    StartWork(*client, std::move(next), {.bytes = {}, .stream = client->answer.stream});
  }
}

void HttpTransport::Write(Client& client) {
  while (client.sent < client.bytes.size()) {
    const auto [outcome, sent] = client.channel.Send(absl::string_view(client.bytes).substr(client.sent));
    if (outcome == Channel::Outcome::kLater) return;
    if (outcome != Channel::Outcome::kMoved) return Drop(client.channel.socket());
    client.sent += sent;
  }
  if (client.answer.stream == nullptr) {
    const Channel::Outcome ended = client.channel.EndSending();
    if (ended == Channel::Outcome::kLater) return;
    if (ended != Channel::Outcome::kEnd) return Drop(client.channel.socket());
  }
  client.bytes = {};
  Enter(client, client.answer.stream != nullptr ? State::kResting : State::kLeaving);
  client.due = client.since + TimeToSend(client.sent, kStreamBytesPerSecond);
}

void HttpTransport::Discard(Client& client) {
  std::array<char, kHttpHeadBytesMax> buffer;
  const Channel::Outcome outcome = client.channel.Receive(buffer.data(), buffer.size()).outcome;
  if (outcome != Channel::Outcome::kMoved && outcome != Channel::Outcome::kLater) Drop(client.channel.socket());
}

void HttpTransport::Enter(Client& client, State state) {
  client.state = state;
  client.since = MonotonicTime::Now();
}

void HttpTransport::DropLate() {
  const MonotonicTime now = MonotonicTime::Now();
  std::vector<int> late;
  for (const auto& [fd, client] : clients_) {
    if (now - client.since > TimeFor(client)) late.push_back(fd);
  }
  for (const int fd : late) Drop(fd);
}

absl::Duration HttpTransport::TimeFor(const Client& client) {
  switch (client.state) {
    case State::kReading:
      return kHeadTime;
    case State::kTaking:
      return kHeadTime + TimeToSend(client.bytes.size(), kBodyBytesPerSecondMin);
    case State::kWriting:
      return kAnswerTime;
    case State::kLeaving:
      return kLeaveTime;
    case State::kWorking:
    case State::kResting:
      break;
  }
  return absl::InfiniteDuration();
}

void HttpTransport::Drop(int client) {
  const auto dropped = clients_.find(client);
  if (dropped->second.state == State::kWorking && dropped->second.answer.stream != nullptr) --streams_at_work_;
  clients_.erase(dropped);
}

}  // namespace alloclab::server
