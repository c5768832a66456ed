// Moves requests in and answers out: one thread watches all connections, a fixed number of others compute the answers. A client
// that is slow or silent, in either direction, holds no thread; it has kHeadTime for its request and kAnswerTime to take the
// answer. When kHttpClientsMax are connected, whoever has kept silent for longest makes room for the next. One request per
// connection.
//
// Thread safety: `respond` is called from several threads at once.
#ifndef ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_
#define ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "server/http/listener.h"

namespace alloclab::server {

inline constexpr int kHttpThreads = 16;
inline constexpr std::size_t kHttpClientsMax = 128;
inline constexpr absl::Duration kHeadTime = absl::Seconds(3), kAnswerTime = absl::Seconds(10);

class HttpTransport {
 public:
  // All bytes of the answer to a request, of which it gets the head; or what came instead of one.
  using Respond = std::function<std::string(absl::string_view head)>;

  HttpTransport(Listener listener, Respond respond);
  ~HttpTransport();  // hangs up on everybody; waits for the answers that are being computed
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  const BindAddress& address() const { return listener_.address(); }

 private:
  // kLeaving: everything is sent; what still comes is read and thrown away, as closing on it would destroy the answer on its
  // way.
  enum class State { kReading, kWorking, kWriting, kLeaving };
  struct Client {
    Descriptor socket;
    State state = State::kReading;
    MonotonicTime since = MonotonicTime::Now();  // in this state
    std::string bytes;                           // of the request, later of the answer
    std::size_t sent = 0;
  };
  using Clients = std::map<int, Client>;  // by descriptor
  struct Job {
    int client;
    std::string bytes;
  };

  void Watch();
  void Accept(int socket);
  // Whether there is room now for one more.
  bool MakeRoom();
  void Read(Client& client);
  void Write(Client& client);
  void Discard(Client& client);
  void Enter(Client& client, State state);
  void StartWork(Client& client, std::string head);
  void TakeAnswers() ABSL_LOCKS_EXCLUDED(mutex_);
  void DropLate();
  void Drop(int client);

  void Work() ABSL_LOCKS_EXCLUDED(mutex_);

  Listener listener_;
  const Respond respond_;
  const Descriptor epoll_, wake_;
  Clients clients_;  // the watching thread's

  Mutex mutex_;
  Condition to_do_;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<Job> answers_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HTTP_TRANSPORT_H_
