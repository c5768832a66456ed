// Ctrl-C: the first one asks, the second one insists.
#ifndef ALLOCLAB_CLIENTS_COMMON_INTERRUPT_H_
#define ALLOCLAB_CLIENTS_COMMON_INTERRUPT_H_

#include <functional>
#include <list>
#include <string>
#include <thread>

namespace alloclab::client {

// As the first process of a container this one gets only signals that it asks for: it asks for SIGINT and SIGTERM, which end it
// with exit code 130. Any other process stays as it is. To be called first of all.
void EndContainerOnSignals();

// While this lives, the first SIGINT or SIGTERM calls `on_interrupt` once, on a thread of its own; the next one ends the
// process with exit code 130. At most one at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> on_interrupt);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;

  // A line for people that the second signal writes to stderr before the process ends: what stays behind. "": nothing. From one
  // thread.
  void SetLastWords(std::string words);

 private:
  std::thread waiter_;
  std::list<std::string> last_words_;  // a signal may still be reading an older one
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_INTERRUPT_H_
