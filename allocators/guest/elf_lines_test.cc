#include "allocators/guest/elf_lines.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "allocators/guest/elf_program.h"
#include "allocators/guest/program_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string File(const std::string& path) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
ElfProgram Program(const std::string& name) {
  return *ElfProgram::Parse(File("allocators/guest/testdata/programs/" + name + ".elf"));
}

// The number of the first line that holds a text; 0: none.
int LineWith(const std::string& text, const std::string& wanted) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find(wanted) != std::string::npos) return number;
  }
  return 0;
}

// By clang 14, which writes version 5.
TEST(ElfLines, OfFunctionsAreThoseOfTheSource) {
  const ElfProgram program = Program("explicit_list");
  const std::string source = File("sdk/examples/explicit_list.c"), runtime = File("sdk/rt.c");
  for (const char* function : {"int mm_init", "void *mm_malloc", "void mm_free", "void *mm_realloc", "int lab_walk"}) {
    const std::string name = std::string(function).substr(std::string(function).find_last_of(" *") + 1);
    const std::uint32_t address = program.Find(name)->address;
    const auto lines = FindLines(program.line_sections(), {address});
    ASSERT_EQ(lines.size(), 1u) << function;
    EXPECT_EQ(lines.at(address).line, LineWith(source, std::string(function) + "("));
    EXPECT_EQ(ShortName(lines.at(address)), "explicit_list.c:" + std::to_string(LineWith(source, std::string(function) + "(")));
    EXPECT_THAT(program.Locate(address), HasSubstr(name + " (explicit_list.c:"));
  }
  const std::uint32_t memcpy_at = program.Find("memcpy")->address;
  EXPECT_EQ(FindLines(program.line_sections(), {memcpy_at}).at(memcpy_at).file, "./sdk/rt.c");
  EXPECT_EQ(FindLines(program.line_sections(), {memcpy_at}).at(memcpy_at).line, LineWith(runtime, "WEAK void *memcpy("));
}

TEST(ElfLines, OfNothingAreNone) {
  EXPECT_THAT(FindLines(Program("kr").line_sections(), {Program("kr").Find("malloc")->address}), IsEmpty());
  EXPECT_EQ(Program("kr").Locate(Program("kr").Find("malloc")->address), "malloc");
  EXPECT_THAT(FindLines(Program("explicit_list").line_sections(), {0, 0x1234, ~0u}), IsEmpty());
}

void Put(std::string& bytes, std::uint64_t number, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(number >> (8 * i));
}

// As gcc 10 and older do: one folder, a file in it and one where it was compiled; three bytes of line 7 of the first, two
// of line 9 of the second.
std::string Version4(std::uint64_t line_range = 14) {
  std::string header;
  for (const std::uint64_t byte : {1ull, 1ull, 1ull, 0xFBull, static_cast<unsigned long long>(line_range), 13ull})
    Put(header, byte, 1);
  for (const int operands : {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}) Put(header, static_cast<std::uint64_t>(operands), 1);
  header += std::string("sub\0\0first.c\0\1\0\0second.c\0\0\0\0\0", 29);
  std::string code;
  code += std::string("\0\5\2", 3);
  Put(code, 0x8049000, 4);
  code += std::string("\3\6\1", 3);          // line 7: a row
  code += std::string("\4\2\2\3\3\2\1", 7);  // file 2, 3 bytes on, line 9: a row
  code += std::string("\2\2\0\1\1", 5);      // 2 bytes on, the end
  std::string unit;
  Put(unit, 4, 2);
  Put(unit, header.size(), 4);
  unit += header + code;
  std::string all;
  Put(all, unit.size(), 4);
  return all + unit;
}

TEST(ElfLines, OfTheOlderVersions) {
  const LineSections sections{.lines = Version4(), .strings = {}};
  const auto lines = FindLines(sections, {0x8048FFF, 0x8049004, 0x8049000, 0x8049002, 0x8049003, 0x8049005});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines.at(0x8049002), (SourceLine{"sub/first.c", 7}));
  EXPECT_EQ(lines.at(0x8049003), (SourceLine{"second.c", 9}));
  EXPECT_THAT(FindLines({.lines = Version4(0), .strings = {}}, {0x8049000}), IsEmpty());  // a division by it
}

TEST(ElfLines, WhatIsMalformedEndsTheReading) {
  const ElfProgram program = Program("walks_wrongly");
  const LineSections good = program.line_sections();
  const std::uint32_t address = program.Find("mm_malloc")->address;
  for (std::size_t cut = 0; cut < good.lines.size(); ++cut) {
    (void)FindLines({.lines = good.lines.substr(0, cut), .strings = good.strings}, {address});
  }
  for (std::size_t at = 0; at < good.lines.size(); ++at) {
    for (const int bit : {1, 0x80}) {
      LineSections changed = good;
      changed.lines[at] = static_cast<char>(changed.lines[at] ^ bit);
      (void)FindLines(changed, {address});
    }
  }
  // Ever so many folders, each of which takes no bytes.
  std::string header;
  for (const std::uint64_t byte : {1, 1, 1, 0xFB, 14, 1, 0}) Put(header, byte, 1);
  header += "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F";
  std::string unit;
  Put(unit, 5, 2);
  Put(unit, 4, 1);
  Put(unit, 0, 1);
  Put(unit, header.size(), 4);
  std::string all;
  Put(all, unit.size() + header.size(), 4);
  EXPECT_THAT(FindLines({.lines = all + unit + header, .strings = {}}, {address}), IsEmpty());
}

TEST(ProgramText, IsValidWhateverItWas) {
  EXPECT_EQ(ProgramText("mm_free+0x3"), "mm_free+0x3");
  EXPECT_EQ(ProgramText("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
  EXPECT_EQ(ProgramText("\x1B[31m\xC2\x9B"), "\\x1b[31m\\x9b");
  EXPECT_EQ(ProgramText("\xFF \xC3 \xC0\x80 \xED\xA0\x80 \xF4\x90\x80\x80"),
            "\\xff \\xc3 \\xc0\\x80 \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80");
}

}  // namespace
}  // namespace alloclab
