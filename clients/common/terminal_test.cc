// What a terminal shows: colour, width, wrapped and cut text, the line that redraws itself.
#include "clients/common/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "clients/common/status_line.h"

namespace alloclab::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(Terminal, ColourFollowsTheModeAndTheEnvironment) {
  EXPECT_TRUE(UseColor(ColorMode::kAlways, stdout));
  EXPECT_FALSE(UseColor(ColorMode::kNever, stdout));
  std::FILE* file = std::tmpfile();
  EXPECT_FALSE(UseColor(ColorMode::kAuto, file));
  std::fclose(file);
}

TEST(Terminal, CutsBetweenCodePoints) {
  EXPECT_EQ(FirstColumns("größer", 3), "grö");
  EXPECT_EQ(FirstColumns("größer", 6), "größer");
  EXPECT_EQ(FirstColumns("größer", 60), "größer");
  EXPECT_EQ(FirstColumns("größer", 0), "");
}

// The two ends of a pseudo-terminal.
class OnATerminal : public testing::Test {
 protected:
  OnATerminal() {
    setenv("COLUMNS", "40", 1);
    int terminal = -1;
    EXPECT_EQ(openpty(&master_, &terminal, nullptr, nullptr, nullptr), 0);
    termios settings{};
    tcgetattr(terminal, &settings);
    cfmakeraw(&settings);
    tcsetattr(terminal, TCSANOW, &settings);
    stream_ = fdopen(terminal, "w");
  }
  ~OnATerminal() override {
    std::fclose(stream_);
    close(master_);
    unsetenv("COLUMNS");
  }

  // What has been written since the last call.
  std::string Shown() {
    std::string text(1 << 12, '\0');
    const ssize_t got = read(master_, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

  int master_ = -1;
  std::FILE* stream_ = nullptr;
};

TEST_F(OnATerminal, StatusLineRedrawsItselfCutToTheWidthAndGoesAway) {
  StatusLine line(stream_, /*quiet=*/false, milliseconds(50));
  EXPECT_TRUE(line.terminal());
  EXPECT_EQ(line.width(), 39);
  line.Show("größer");
  EXPECT_EQ(Shown(), "\rgrößer\x1b[K");
  line.Show(std::string(100, 'x'));
  EXPECT_EQ(Shown(), "\r" + std::string(39, 'x') + "\x1b[K");
  line.Finish();
  EXPECT_EQ(Shown(), "\r\x1b[K");
}

TEST_F(OnATerminal, StatusLineIsDueMoreOftenOnATerminal) {
  const StatusLine on_terminal(stream_, /*quiet=*/false, milliseconds(50));
  EXPECT_FALSE(on_terminal.IsDue(milliseconds(49)));
  EXPECT_TRUE(on_terminal.IsDue(milliseconds(50)));
  const StatusLine quiet(stream_, /*quiet=*/true, milliseconds(50));
  EXPECT_FALSE(quiet.IsDue(seconds(100)));
}

TEST(StatusLine, IsAPlainLineElsewhere) {
  std::FILE* file = std::tmpfile();
  {
    StatusLine line(file, /*quiet=*/false, milliseconds(50));
    EXPECT_FALSE(line.IsDue(milliseconds(4'999)));
    EXPECT_TRUE(line.IsDue(seconds(5)));
    line.Show(std::string(100, 'x'));
    StatusLine quiet(file, /*quiet=*/true, milliseconds(50));
    quiet.Show("nobody sees this");
  }
  std::string text(200, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  EXPECT_EQ(text, std::string(100, 'x') + "\n");
}

}  // namespace
}  // namespace alloclab::client
