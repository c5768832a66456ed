#include "allocators/guest/elf_program.h"

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

#include "allocators/heap/heap_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

std::string File(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
template <class Number>
void Put(std::string& file, std::size_t at, Number number) {
  std::memcpy(file.data() + at, &number, sizeof(number));
}
template <class Number>
Number At(const std::string& file, std::size_t at) {
  Number number;
  std::memcpy(&number, file.data() + at, sizeof(number));
  return number;
}

TEST(ElfProgram, ReadsWhatALinkerWrote) {
  const absl::StatusOr<ElfProgram> program = ElfProgram::Parse(File("kr"));
  ASSERT_TRUE(program.ok()) << program.status();
  ASSERT_EQ(program->segments().size(), 3u);
  EXPECT_EQ(program->start(), 0x08048000u);
  EXPECT_EQ(program->end(), 0x0804A3DCu);
  EXPECT_FALSE(program->segments()[1].writable);
  EXPECT_TRUE(program->segments()[1].executable);
  EXPECT_TRUE(program->segments()[2].writable);
  const ElfProgram::Symbol* symbol = program->Find("malloc");
  ASSERT_NE(symbol, nullptr);
  EXPECT_TRUE(symbol->is_function);
  EXPECT_EQ(program->Describe(symbol->address), "malloc");
  EXPECT_EQ(program->Describe(symbol->address + 5), "malloc+0x5");
  EXPECT_EQ(program->Describe(0x1234), "0x00001234");
  EXPECT_EQ(program->Find("grow"), nullptr);  // static: no interface, but
  EXPECT_EQ(program->Find("realloc"), nullptr);
  EXPECT_NE(program->Find("mem_heap_lo"), nullptr);
}

TEST(ElfProgram, GoesIntoMemory) {
  const absl::StatusOr<ElfProgram> program = ElfProgram::Parse(File("kr"));
  PhysicalMemory memory(1 << 20);
  BudgetedFrames frames(memory.frame_count());
  ASSERT_TRUE(memory.FillFrames(PageFrame{0}, memory.frame_count(), 0xAA));
  const auto space = *AddressSpace::Create(memory, frames);
  ASSERT_TRUE(program->LoadInto(*space).ok());
  const ElfProgram::Segment& code = program->segments()[1];
  for (std::uint32_t i = 0; i < code.bytes.size(); ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(*space->Peek(VirtAddr(code.address + i))), static_cast<std::uint8_t>(code.bytes[i]));
  }
  EXPECT_EQ(space->Peek(VirtAddr(code.end() & ~3u) + 4), 0u);  // the rest of its page
  EXPECT_EQ(space->Peek(VirtAddr(program->segments()[2].address)), 0u);
  EXPECT_FALSE(space->StoreU32(VirtAddr(code.address), 1));
  EXPECT_TRUE(space->StoreU32(VirtAddr(program->segments()[2].address), 1));
  PhysicalMemory small(4 * kPageBytes);
  BudgetedFrames few(small.frame_count());
  const auto small_space = *AddressSpace::Create(small, few);
  EXPECT_EQ(program->LoadInto(*small_space).code(), absl::StatusCode::kResourceExhausted);
}

struct Damage {
  const char* expected;
  std::function<void(std::string&)> make;
};

TEST(ElfProgram, NamesWhatItRefuses) {
  constexpr std::size_t kSegments = 52, kSegment = 32;  // of kr.elf: headers, read-only data, code, variables
  const auto sections = [](const std::string& file) { return At<std::uint32_t>(file, 32); };
  const auto symbols = [&](const std::string& file) {
    for (std::size_t at = sections(file);; at += 40) {
      if (At<std::uint32_t>(file, at + 4) == 2) return at;
    }
  };
  const Damage kDamages[] = {
      {"no ELF file; its header alone has 52", [](auto& file) { file.resize(51); }},
      {"does not begin with 7F 45 4C 46", [](auto& file) { file[1] = 'e'; }},
      {"of class 2 for machine 3", [](auto& file) { file[4] = 2; }},
      {"for machine 62", [](auto& file) { Put<std::uint16_t>(file, 18, 62); }},
      {"byte order 2", [](auto& file) { file[5] = 2; }},
      {"an object file; expected a program: link it", [](auto& file) { Put<std::uint16_t>(file, 16, 1); }},
      {"link with -static -no-pie", [](auto& file) { Put<std::uint16_t>(file, 16, 3); }},
      {"ELF type 4", [](auto& file) { Put<std::uint16_t>(file, 16, 4); }},
      {"0 program headers", [](auto& file) { Put<std::uint16_t>(file, 44, 0); }},
      {"17 program headers; expected from 1 to 16", [](auto& file) { Put<std::uint16_t>(file, 44, 17); }},
      {"program headers of 33 bytes", [](auto& file) { Put<std::uint16_t>(file, 42, 33); }},
      {"program headers at 4294967295", [](auto& file) { Put<std::uint32_t>(file, 28, ~0u); }},
      {"program header 0 wants a dynamic linker", [](auto& file) { Put<std::uint32_t>(file, kSegments, 3); }},
      {"program header 0 wants storage for threads", [](auto& file) { Put<std::uint32_t>(file, kSegments, 7); }},
      {"segment 1 has 4294967295 bytes in the file",
       [](auto& file) { Put<std::uint32_t>(file, kSegments + kSegment + 16, ~0u); }},
      {"segment 1: bytes 4294967295 to", [](auto& file) { Put<std::uint32_t>(file, kSegments + kSegment + 4, ~0u); }},
      {"at 0; expected between 0x1000", [](auto& file) { Put<std::uint32_t>(file, kSegments + kSegment + 8, 0); }},
      {"at 0xbffffff0; expected between", [](auto& file) { Put<std::uint32_t>(file, kSegments + kSegment + 8, 0xBFFFFFF0); }},
      {"take 67109845 bytes of memory; expected at most 67108864",
       [](auto& file) { Put<std::uint32_t>(file, kSegments + 3 * kSegment + 20, (64 << 20) + 24); }},
      {"the segments at 0x8048000 and 0x80480d0 overlap",
       [](auto& file) { Put<std::uint32_t>(file, kSegments + 2 * kSegment + 8, 0x080480D0); }},
      {"no segment to be loaded",
       [](auto& file) {
         for (std::size_t i = 0; i < 5; ++i) Put<std::uint32_t>(file, kSegments + i * kSegment, 6);
       }},
      {"4097 sections; expected at most 4096", [](auto& file) { Put<std::uint16_t>(file, 48, 4097); }},
      {"section headers of 0 bytes", [](auto& file) { Put<std::uint16_t>(file, 46, 0); }},
      {"section headers at 4294967280", [](auto& file) { Put<std::uint32_t>(file, 32, ~0u - 15); }},
      {"the symbols: entries of 16 bytes at 4294967295",
       [&](auto& file) { Put<std::uint32_t>(file, symbols(file) + 16, ~0u); }},
      {"the symbols: entries of 0 bytes", [&](auto& file) { Put<std::uint32_t>(file, symbols(file) + 36, 0); }},
      {"has its names in section 99 of", [&](auto& file) { Put<std::uint32_t>(file, symbols(file) + 24, 99); }},
      {"the names of symbols: type 0", [&](auto& file) { Put<std::uint32_t>(file, symbols(file) + 24, 0); }},
      {"has its name at 4294967295 of",
       [&](auto& file) { Put<std::uint32_t>(file, At<std::uint32_t>(file, symbols(file) + 16) + 32, ~0u); }},
  };
  for (const Damage& damage : kDamages) {
    std::string file = File("kr");
    damage.make(file);
    const absl::StatusOr<ElfProgram> program = ElfProgram::Parse(file);
    ASSERT_FALSE(program.ok()) << damage.expected;
    EXPECT_EQ(program.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(program.status().message()), HasSubstr(damage.expected));
  }
  EXPECT_THAT(std::string(ElfProgram::Parse(std::string(ElfProgram::kFileBytesMax + 1, 'x')).status().message()),
              HasSubstr("4194305 bytes; expected at most 4194304"));
}

TEST(ElfProgram, ReadsAStrippedOne) {
  std::string file = File("kr");
  Put<std::uint32_t>(file, 32, 0);
  const absl::StatusOr<ElfProgram> program = ElfProgram::Parse(file);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->symbol_count(), 0u);
  EXPECT_EQ(program->Find("malloc"), nullptr);
}

}  // namespace
}  // namespace alloclab
