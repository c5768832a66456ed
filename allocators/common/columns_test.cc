#include "allocators/common/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace alloclab {
namespace {

using ::testing::ElementsAre;

TEST(Columns, WidthIsBounded) {
  setenv("COLUMNS", "5", 1);
  EXPECT_EQ(TerminalWidth(stdout), 40);
  setenv("COLUMNS", "100000", 1);
  EXPECT_EQ(TerminalWidth(stdout), 400);
  setenv("COLUMNS", "120", 1);
  EXPECT_EQ(TerminalWidth(stdout), 120);
  unsetenv("COLUMNS");
}

TEST(Columns, WidthCountsCodePoints) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("größer"), 6u);
}

TEST(Columns, WrapsBetweenWordsAndCutsNone) {
  EXPECT_THAT(WrapWords("", 10), ElementsAre(""));
  EXPECT_THAT(WrapWords("one two", 7), ElementsAre("one two"));
  EXPECT_THAT(WrapWords("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(WrapWords("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(WrapWords("größer größer", 6), ElementsAre("größer", "größer"));
  EXPECT_THAT(WrapWords("a word-that-is-too-long b", 6), ElementsAre("a", "word-that-is-too-long", "b"));
  EXPECT_THAT(WrapWords("one  two", 4), ElementsAre("one", "two"));
  EXPECT_THAT(WrapWords("  one two", 4), ElementsAre("one", "two"));
  EXPECT_THAT(WrapWords("one two", 1), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace alloclab
