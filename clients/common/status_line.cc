#include "clients/common/status_line.h"

#include <fmt/format.h>

#include "clients/common/terminal.h"

namespace alloclab::client {

StatusLine::StatusLine(std::FILE* stream, bool quiet, std::chrono::milliseconds redraw)
    : stream_(stream), quiet_(quiet), terminal_(IsTerminal(stream)), redraw_(redraw) {}

int StatusLine::width() const { return TerminalWidth(stream_) - 1; }  // a full line would move the cursor to the next one

bool StatusLine::IsDue(std::chrono::nanoseconds since_last) const {
  return !quiet_ && since_last >= (terminal_ ? std::chrono::nanoseconds(redraw_) : kPlainEvery);
}

void StatusLine::Show(std::string_view line) {
  if (quiet_) return;
  if (terminal_) {
    fmt::print(stream_, "\r{}\x1b[K", FirstColumns(line, static_cast<std::size_t>(width())));
    on_screen_ = true;
  } else {
    fmt::print(stream_, "{}\n", line);
  }
  std::fflush(stream_);
}

void StatusLine::Finish() {
  if (on_screen_) fmt::print(stream_, "\r\x1b[K");
  on_screen_ = false;
  std::fflush(stream_);
}

}  // namespace alloclab::client
