#include "allocators/common/printable.h"

#include <gtest/gtest.h>

namespace alloclab {
namespace {

TEST(Printable, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(Printable("a\x1b[31mb\rc\n\t\x7f"), R"(a\x1b[31mb\x0dc\x0a\x09\x7f)");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), R"(\x00)");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            R"(\x9b31m)");
  EXPECT_FALSE(IsPrintable("a\x1b"));
  EXPECT_FALSE(IsPrintable("a\xc2\x85"));
}

TEST(Printable, WhatTurnsTextRoundIsWrittenOut) {
  EXPECT_EQ(Printable("a\u202eb\u2028c\u2069\u200e"), R"(a\u202eb\u2028c\u2069\u200e)");
  EXPECT_EQ(JsonEscaped("a\u202e\u0085\x1b\n"), R"(a\u202e\u0085\u001b\n)");
  EXPECT_FALSE(IsPrintable("run\u2066"));
}

TEST(Printable, TextStaysAsItIs) {
  for (const char* text :
       {"", "sqlite.rep", "gr\xc3\xbc\xc3\x9f", "\xc2\xa0", "\xc2", "\u2013", "\u2026", "\u2065", "\xe2\x80"}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_TRUE(IsPrintable(text));
  }
}

}  // namespace
}  // namespace alloclab
