// Moves requests in and answers out: one thread watches all connections, a fixed number of others compute the answers. A client
// that is slow or silent, in either direction, holds no thread; it has kHeadTime for its request and kAnswerTime to take the
// answer. Answers are computed in turns, by the address that asks, or by whoever a request turns out to be of
// (HttpAnswer::whose): one has half of the threads at most, and kTurnsWaitingMax more wait for him, kTurnWaitMax at most before
// they are begun. When kHttpClientsMax are connected, whoever has kept silent for longest makes room for the next: one of the
// address that has more than half of them, if there is one, be it, as the last, one that waits for that address's turn. One
// request per connection.
//
// An answer may go on as a stream (HttpStream), whose next piece is made when the client has taken the last one and rested
// kStreamRest and as long as the last piece takes at kStreamBytesPerSecond: nobody who reads slowly holds up more than itself,
// and it gets fewer pieces instead of old ones. A body is taken only for a request that asks for it (HttpAnswer::take), at
// kBodyBytesPerSecondMin or more. With TLS, kHeadTime is for the handshake and the request together.
//
// Thread safety: `respond` is called from several threads at once.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/http/call_queue.h"
#include "server/http/channel.h"
#include "server/http/listener.h"
#include "server/http/tls_context.h"

namespace alloclab::server {

inline constexpr int kHttpThreads = 16;
inline constexpr std::size_t kHttpClientsMax = 128;
// Of an owner of a token, who may come by several addresses: with those under way half of all clients.
inline constexpr std::size_t kTurnsWaitingMax = kHttpClientsMax / 2 - kHttpThreads / 2;
inline constexpr absl::Duration kTurnWaitMax = absl::Seconds(5);
inline constexpr absl::Duration kHeadTime = absl::Seconds(3), kAnswerTime = absl::Seconds(10);
inline constexpr absl::Duration kStreamRest = absl::Milliseconds(200);
inline constexpr std::size_t kStreamBytesPerSecond = 256 << 10;
inline constexpr int kStreamThreads = 4;  // of kHttpThreads at most, so that streams never keep a page waiting
// Of a body, after kHeadTime in which nothing need come.
inline constexpr std::size_t kBodyBytesPerSecondMin = 16 << 10;

// What an answer goes on with.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // The next piece; empty: there is nothing new. Nothing: it is over. One call at a time.
  virtual std::optional<std::string> Next() = 0;
  // Whether the next piece is wanted before the rest is over. From another thread.
  virtual bool Hurries() const = 0;
};

struct HttpAnswer {
  std::string bytes;
  std::shared_ptr<HttpStream> stream = nullptr;  // that goes on after them; null: they are all
  // Instead of both: takes the body of the request, of `body_bytes`, and answers then.
  std::size_t body_bytes = 0;
  std::function<HttpAnswer(std::string body)> take = nullptr;
  // Makes the answer, in the turn of an owner, whatever addresses he comes by; `bytes` is what is said if that does not come in
  // time.
  std::function<HttpAnswer()> make = nullptr;
  std::string whose = {};
};

// Null: none. Whoever speaks HTTP without it gets `told_in_the_clear`, in the clear.
struct HttpTls {
  std::shared_ptr<TlsContext> context;
  std::string told_in_the_clear = {};
};

class HttpTransport {
 public:
  // The answer to a request, of which it gets the head, or what came instead of one. `peer`: the client's address, "127.0.0.1".
  using Respond = std::function<HttpAnswer(absl::string_view head, const std::string& peer)>;

  // `told_when_busy`: to whom an answer is not begun in time.
  HttpTransport(Listener listener, HttpTls tls, std::string told_when_busy, Respond respond);
  ~HttpTransport();  // hangs up on everybody; waits for the answers that are being computed
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  const BindAddress& address() const { return listener_.address(); }

 private:
  // kTaking: a body comes. kResting: a stream, between two pieces. kLeaving: everything is sent; what still comes is read and
  // thrown away, as closing on it would destroy the answer on its way.
  enum class State { kReading, kTaking, kWorking, kWriting, kResting, kLeaving };
  // Whether a thread is at it, or it is given up: of these two the first happens.
  using Work = std::shared_ptr<std::atomic<bool>>;
  struct Client {
    Channel channel;
    std::string peer;
    std::string address;     // as arrivals.h has it
    CallQueue::Client turn;  // in which its answers are made: its address's, or an owner's
    Work work = nullptr;     // while it is in kWorking
    State state = State::kReading;
    MonotonicTime since = MonotonicTime::Now();  // in this state
    std::string bytes = {};                      // of the request, later of the answer
    std::size_t sent = 0;
    HttpAnswer answer = {};                             // without its bytes
    MonotonicTime due = MonotonicTime::InfinitePast();  // the next piece of a stream, by its rate
    std::uint32_t watched = 0;                          // for what epoll watches its socket; 0: not at all
  };
  using Clients = std::map<int, Client>;  // by descriptor
  using Task = std::function<HttpAnswer()>;
  struct Made {
    int client;
    HttpAnswer answer;
  };

  void Watch();
  void Accept(int socket);
  // Whether there is room now for one more.
  bool MakeRoom();
  void Serve(Client& client);  // whose socket is ready, or may be
  void Continue(Client& client);
  // Has epoll wake us when the client can go on.
  void Await(Client& client);
  void Read(Client& client);
  void TakeBody(Client& client);
  void Write(Client& client);
  void Discard(Client& client);
  void Enter(Client& client, State state);
  // `otherwise` is the answer if the task cannot be begun in time.
  void StartWork(Client& client, Task task, const HttpAnswer& otherwise) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether it waits for its turn; then nothing comes of it any more.
  static bool GivesUpWork(const Client& client);
  void EndWork(int client, HttpAnswer answer) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeAnswers() ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeAnswer(Client& client, HttpAnswer answer);
  void TellInTheClear(Client& client);
  // Has the next pieces made of those streams that have waited for longest.
  void ContinueStreams() ABSL_LOCKS_EXCLUDED(mutex_);
  // How long it may stay in its state.
  static absl::Duration TimeFor(const Client& client);
  void DropLate();
  void Drop(int client);

  Listener listener_;
  const HttpTls tls_;
  const HttpAnswer when_busy_;
  const Respond respond_;
  const Descriptor epoll_, wake_;
  // The watching thread's.
  Clients clients_;
  int streams_at_work_ = 0;

  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  std::vector<Made> answers_ ABSL_GUARDED_BY(mutex_);
  CallQueue calls_;
  std::thread watcher_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_
