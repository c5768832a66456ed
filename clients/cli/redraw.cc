#include "clients/cli/redraw.h"

#include <cstdio>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "clients/common/interrupt.h"
#include "clients/common/terminal.h"

namespace alloclab::client {

CommandResult DrawUntilInterrupted(const Session& session, std::chrono::milliseconds interval,
                                   const std::function<CommandResult()>& draw) {
  constexpr char kClear[] = "\x1b[H\x1b[2J";
  absl::Notification interrupted;
  const InterruptGuard guard([&interrupted] { interrupted.Notify(); });
  for (;;) {
    if (IsTerminal(stdout)) {
      if (absl::Status status = session.Print(kClear); !status.ok()) return status;
    }
    CommandResult drawn = draw();
    if (!drawn.ok() || interrupted.WaitForNotificationWithTimeout(absl::FromChrono(interval))) return drawn;
  }
}

}  // namespace alloclab::client
