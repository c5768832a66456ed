#include "server/log.h"

#include <unistd.h>

#include <algorithm>
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

// As the inside of a JSON string.
std::string Escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t control = ControlLength(text);
    const char letter = text[control > 0 ? control - 1 : 0];
    text.remove_prefix(std::max<std::size_t>(control, 1));
    switch (letter) {
      case '"':
      case '\\':
        out += {'\\', letter};
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (control != 0) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(letter));
        } else {
          out += letter;
        }
    }
  }
  return out;
}

// A value in a text line: quoted when a reader could not tell where it ends.
std::string TextValue(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos && IsPrintable(text);
  return plain ? std::string(text) : fmt::format("\"{}\"", Escaped(text));
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
    line = fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"", when, LevelName(level), Escaped(event));
    for (const LogField& field : fields) line += fmt::format(",\"{}\":\"{}\"", Escaped(field.name), Escaped(field.text));
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
