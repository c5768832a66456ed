#include "server/log.h"

#include <unistd.h>

#include <atomic>

#include "absl/time/clock.h"
#include "allocators/common/printable.h"
#include "server/limits.h"
#include "server/log_writer.h"

namespace alloclab::server {
namespace {

std::atomic<LogFormat> g_format{LogFormat::kText};
std::atomic<LogLevel> g_least{LogLevel::kInfo};

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// A value in a text line: quoted when a reader could not tell where it ends.
std::string TextValue(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos && IsPrintable(text);
  return plain ? std::string(text) : fmt::format("\"{}\"", JsonEscaped(text));
}

// Never destroyed: what logs last is not known.
LogWriter& Writer() {
  static LogWriter& writer = *new LogWriter(STDERR_FILENO, [](std::uint64_t dropped) {
    return FormatLogLine(g_format, absl::Now(), LogLevel::kWarning, "log.lines_dropped",
                         {{"lines", dropped}, {"reason", "standard error was not read"}}) +
           "\n";
  });
  return writer;
}

}  // namespace

void ConfigureLog(LogFormat format, LogLevel least) {
  g_format = format;
  g_least = least;
}

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, std::string_view event,
                          std::initializer_list<LogField> fields) {
  const std::string when = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  std::string line;
  if (format == LogFormat::kJson) {
    line = fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"", when, LevelName(level), JsonEscaped(event));
    for (const LogField& field : fields)
      line += fmt::format(",\"{}\":\"{}\"", JsonEscaped(field.name), JsonEscaped(field.text));
    return line + "}";
  }
  line = fmt::format("{} {:<7} {}", when, LevelName(level), event);
  for (const LogField& field : fields) line += fmt::format(" {}={}", field.name, TextValue(field.text));
  return line;
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < g_least) return;
  Writer().Write(FormatLogLine(g_format, absl::Now(), level, event, fields) + "\n");
}

void FlushLog() { Writer().Flush(MonotonicTime::Now() + kLogFlushTime); }

}  // namespace alloclab::server
