// Structured log lines on standard error: time, level, event, key=value.
//
//   2026-01-31T12:00:00.123Z info    server.started grpc=127.0.0.1:7411 pid=42
//   {"ts":"2026-01-31T12:00:00.123Z","level":"info","event":"server.started","grpc":"127.0.0.1:7411","pid":"42"}
//
// Thread safety: any thread; a line is written whole, by a thread of its own. A reader of standard error that does not keep up
// costs lines, never time (log_writer.h).
#ifndef ALLOCLAB_SERVER_LOG_H_
#define ALLOCLAB_SERVER_LOG_H_

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace alloclab::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogField {
  template <class Value>
  LogField(std::string_view key, const Value& value) : name(key), text(fmt::format("{}", value)) {}
  std::string_view name;
  std::string text;
};

// Before the first line; kText and kInfo otherwise.
void ConfigureLog(LogFormat format, LogLevel least);

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// Waits until everything is written, kLogFlushTime at most: before the process ends or writes to standard error by itself.
void FlushLog();

// One line, without the newline.
std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, std::string_view event,
                          std::initializer_list<LogField> fields);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_LOG_H_
