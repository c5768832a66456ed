#include "server/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/log_writer.h"

namespace alloclab::server {
namespace {

TEST(Log, LinesAreTextOrJson) {
  const absl::Time time = absl::FromUnixMillis(1767225600123);
  EXPECT_EQ(
      FormatLogLine(LogFormat::kText, time, LogLevel::kInfo, "run.ended", {{"run", 7}, {"error", "disk \"full\""}, {"x", ""}}),
      R"(2026-01-01T00:00:00.123Z info    run.ended run=7 error="disk \"full\"" x="")");
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, time, LogLevel::kError, "e", {{"text", "a\n\"b\\\x01"}}),
            R"({"ts":"2026-01-01T00:00:00.123Z","level":"error","event":"e","text":"a\n\"b\\\u0001"})");
}

TEST(Log, ControlCharactersDoNotReachTheTerminal) {
  const auto value = [](std::string_view text) {
    const std::string line = FormatLogLine(LogFormat::kText, absl::UnixEpoch(), LogLevel::kInfo, "e", {{"x", text}});
    return line.substr(line.find("x=") + 2);
  };
  EXPECT_EQ(value("\x1b[2J"), R"("\u001b[2J")");
  EXPECT_EQ(value("a\rb"), R"("a\u000db")");
  EXPECT_EQ(value("\x7f"), R"("\u007f")");
  EXPECT_EQ(value("\xc2\x9b"), R"("\u009b")") << "one of the controls above ASCII";
  EXPECT_EQ(value("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

// Both ends of a pipe that nobody reads until the test does.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    CloseWriteEnd();
    close(ends_[0]);
  }
  int write_end() const { return ends_[1]; }
  void CloseWriteEnd() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // What comes until `enough` says so of all of it, or the other end is closed.
  template <class Enough>
  std::string ReadUntil(Enough enough) {
    std::string all;
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while (!enough(all) && (count = read(ends_[0], buffer.data(), buffer.size())) > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

std::string Loss(std::uint64_t dropped) { return "dropped " + std::to_string(dropped) + "\n"; }

TEST(LogWriter, NobodyWaitsForAReaderThatDoesNotRead) {
  constexpr int kLines = 20'000;
  const std::string sent = std::string(99, 'x') + "\n";
  Pipe pipe;
  LogWriter writer(pipe.write_end(), Loss);
  for (int i = 0; i < kLines; ++i) writer.Write(sent);  // 2 MB: more than pipe and queue hold
  EXPECT_FALSE(writer.Flush(MonotonicTime::InfinitePast()));
  std::uint64_t written = 0, dropped = 0;
  pipe.ReadUntil([&](const std::string& all) {  // every line is written or counted
    const std::size_t loss = all.rfind("dropped ");
    if (!all.ends_with('\n') || loss == std::string::npos || loss < all.rfind('x')) return false;
    written = dropped = 0;
    for (absl::string_view line : absl::StrSplit(all, '\n', absl::SkipEmpty())) {
      if (absl::ConsumePrefix(&line, "dropped ")) {
        dropped += std::stoull(std::string(line));
      } else {
        ++written;
      }
    }
    return written + dropped == kLines;
  });
  EXPECT_EQ(written + dropped, std::uint64_t{kLines});
  EXPECT_GT(dropped, 0u);
  EXPECT_TRUE(writer.Flush(MonotonicTime::InfiniteFuture()));
}

TEST(LogWriter, LinesKeepTheirOrderAndLength) {
  Pipe pipe;
  const std::string long_line = std::string(20'000, 'l') + "\n";
  {
    LogWriter writer(pipe.write_end(), Loss);
    writer.Write("first\n");
    writer.Write(long_line);
    writer.Write("last\n");
    EXPECT_TRUE(writer.Flush(MonotonicTime::InfiniteFuture()));
  }
  pipe.CloseWriteEnd();
  EXPECT_EQ(pipe.ReadUntil([](const std::string&) { return false; }), "first\n" + long_line + "last\n");
}

TEST(LogWriter, EndsThoughNobodyReads) {
  Pipe pipe;
  LogWriter writer(pipe.write_end(), Loss);
  for (int i = 0; i < 2'000; ++i) writer.Write(std::string(99, 'x') + "\n");
}

}  // namespace
}  // namespace alloclab::server
