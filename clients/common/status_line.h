// The one line on stderr that says how something long is getting on: on a terminal it redraws itself and is gone at the end,
// elsewhere a plain line follows every few seconds.
#ifndef ALLOCLAB_CLIENTS_COMMON_STATUS_LINE_H_
#define ALLOCLAB_CLIENTS_COMMON_STATUS_LINE_H_

#include <chrono>
#include <cstdio>
#include <string_view>

namespace alloclab::client {

class StatusLine {
 public:
  static constexpr std::chrono::seconds kPlainEvery{5};

  // On a terminal a new line may be shown every `redraw`; nothing at all when `quiet`.
  StatusLine(std::FILE* stream, bool quiet, std::chrono::milliseconds redraw);
  ~StatusLine() { Finish(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool terminal() const { return terminal_; }
  int width() const;  // columns that a line may have

  // Whether a new line may be shown so long after the last one.
  bool IsDue(std::chrono::nanoseconds since_last) const;
  // On a terminal, instead of the last one and cut to its width.
  void Show(std::string_view line);
  // Takes the line away from the terminal.
  void Finish();

 private:
  std::FILE* const stream_;
  const bool quiet_;
  const bool terminal_;
  const std::chrono::milliseconds redraw_;
  bool on_screen_ = false;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_STATUS_LINE_H_
