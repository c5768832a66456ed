#include "clients/common/interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "clients/common/exit_code.h"

namespace alloclab::client {
namespace {

// What a signal handler may touch. The handler posts 1 to the event; the guard's end posts kEnd.
std::atomic<bool> g_interrupted{false};
std::atomic<int> g_event{-1};
std::atomic<const std::string*> g_last_words{nullptr};
constexpr std::uint64_t kEnd = 1ull << 32;

void Post(std::uint64_t value) {
  while (write(g_event.load(), &value, sizeof(value)) < 0 && errno == EINTR) {
  }
}

extern "C" void OnSignal(int) {
  const int saved = errno;
  if (g_interrupted.exchange(true)) {
    const std::string* const words = g_last_words;
    if (words != nullptr) (void)!write(STDERR_FILENO, words->data(), words->size());
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }
  Post(1);
  errno = saved;
}

void Install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

extern "C" void EndNow(int) { _exit(static_cast<int>(ExitCode::kInterrupted)); }

bool IsFirstProcess() { return getpid() == 1; }

void Wait(const std::function<void()>& on_interrupt) {
  for (;;) {
    std::uint64_t posted = 0;
    if (read(g_event.load(), &posted, sizeof(posted)) != sizeof(posted)) continue;
    if (posted % kEnd != 0) on_interrupt();
    if (posted >= kEnd) return;
  }
}

}  // namespace

void EndContainerOnSignals() {
  if (IsFirstProcess()) Install(EndNow);
}

InterruptGuard::InterruptGuard(std::function<void()> on_interrupt) {
  g_interrupted = false;
  g_event = eventfd(0, EFD_CLOEXEC);
  waiter_ = std::thread([callback = std::move(on_interrupt)] { Wait(callback); });
  Install(OnSignal);
}

InterruptGuard::~InterruptGuard() {
  Install(IsFirstProcess() ? EndNow : SIG_DFL);
  g_last_words = nullptr;
  Post(kEnd);
  waiter_.join();
  close(g_event.exchange(-1));
}

bool InterruptGuard::interrupted() const { return g_interrupted; }

void InterruptGuard::SetLastWords(std::string words) {
  if (words.empty()) {
    g_last_words = nullptr;
  } else {
    g_last_words = &last_words_.emplace_back(std::move(words) + "\n");
  }
}

}  // namespace alloclab::client
