// What the comparison with a real processor cannot show: faults, budgets, and 32-bit stacks.
#include "allocators/guest/i386_cpu.h"

#include <set>

#include "allocators/guest/guest_testing.h"
#include "allocators/guest/vectors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using namespace std::string_view_literals;
constexpr std::uint32_t kCode = GuestMachine::kCode, kStack = GuestMachine::kStack, kData = i386::kWindow & ~(kPageBytes - 1);
constexpr std::uint32_t kNowhere = 0x0000'1000;

// What ends a program that is placed at kCode.
Stop RunAt(GuestMachine& machine, std::string_view code, std::uint64_t steps = 1000) {
  machine.Place(code);
  return machine.cpu().Run(steps);
}
Stop RunNew(std::string_view code) {
  GuestMachine machine;
  return RunAt(machine, code);
}

TEST(I386Cpu, ReturnsToWhoeverCalled) {
  GuestMachine machine;
  machine.Place("\x8B\x44\x24\x04\xC2\x04\x00"sv);  // mov eax, [esp + 4]; ret 4
  ASSERT_TRUE(machine.cpu().Push(42));
  ASSERT_TRUE(machine.cpu().Push(I386Cpu::kReturnAddress));
  const Stop stop = machine.cpu().Run(100);
  EXPECT_EQ(stop.kind, Stop::Kind::kReturned);
  EXPECT_EQ(stop.eip, I386Cpu::kReturnAddress);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 42u);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEsp), kStack);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{2, 2, 0}));
}

TEST(I386Cpu, SaysWhyItStopped) {
  EXPECT_EQ(RunNew("\x90\xCC"), (Stop{.kind = Stop::Kind::kBreakpoint, .eip = kCode + 2}));
  EXPECT_EQ(RunNew("\xCD\x80"), (Stop{.kind = Stop::Kind::kInterrupt, .vector = 0x80, .eip = kCode + 2}));
  EXPECT_EQ(RunNew("\x90\x0F\x0B"), (Stop{.kind = Stop::Kind::kInvalidOpcode, .eip = kCode + 1}));
  EXPECT_EQ(RunNew("\x90\x90\xF4"), (Stop{.kind = Stop::Kind::kPrivileged, .eip = kCode + 2}));
  EXPECT_EQ(RunNew("\x31\xC9\xF7\xF1"), (Stop{.kind = Stop::Kind::kDivideError, .eip = kCode + 2}));
  EXPECT_EQ(RunNew("\xA1\x00\x10\x00\x00"sv), (Stop{.kind = Stop::Kind::kPageFault, .eip = kCode, .address = kNowhere}));
  EXPECT_EQ(RunNew("\xA3\x00\x10\x00\x00"sv),
            (Stop{.kind = Stop::Kind::kPageFault, .access = Stop::Access::kWrite, .eip = kCode, .address = kNowhere}));
  EXPECT_EQ(RunNew("\xFF\x05\x00\x10\x00\x00"sv),  // inc [kNowhere] reads and writes: the page is wanted for writing
            (Stop{.kind = Stop::Kind::kPageFault, .access = Stop::Access::kWrite, .eip = kCode, .address = kNowhere}));
  EXPECT_EQ(RunNew("\xB8\x00\x10\x00\x00\xFF\xE0"sv),  // mov eax, kNowhere; jmp eax
            (Stop{.kind = Stop::Kind::kPageFault, .access = Stop::Access::kFetch, .eip = kNowhere, .address = kNowhere}));
}

TEST(I386Cpu, KnowsWhatAnInvalidOpcodeIs) {
  for (const std::string_view code : {
           "\xD9\xE8"sv,
           "\x9B"sv,
           "\x0F\x6F\xC0"sv,
           "\x0F\x58\xC0"sv,
           "\xF3\x0F\x10\xC0"sv,  // x87, MMX, SSE
           "\x0F\xA2"sv,
           "\x0F\x31"sv,
           "\xF3\x0F\xB8\xC0"sv,
           "\x0F\x05"sv,
           "\x0F\x34"sv,  // cpuid, rdtsc, popcnt, syscall
           "\x27"sv,
           "\x37"sv,
           "\xD4\x0A"sv,
           "\xCE"sv,
           "\x62\x00"sv,
           "\x63\xC0"sv,  // decimal, into, bound, arpl
           "\x1E"sv,
           "\x8E\xD8"sv,
           "\xC5\x00"sv,
           "\xEA\0\0\0\0\0\0"sv,
           "\xCF"sv,
           "\xCB"sv,  // segments, far returns
           "\x67\x8B\x00"sv,
           "\x66\xC3"sv,
           "\x66\xEB\x00"sv,  // 16-bit addresses and jumps
           "\x8D\xC0"sv,
           "\xFF\xF8"sv,
           "\xFE\xD0"sv,
           "\x8F\xC8"sv,
           "\x0F\xC7\xC8"sv,  // no such operand
           "\xF0\x90"sv,
           "\xF0\x01\xC0"sv,
           "\xF0\x39\x00"sv,
           "\xF0\x8B\x00"sv,  // lock without a reason
       }) {
    EXPECT_EQ(RunNew(code).kind, Stop::Kind::kInvalidOpcode) << Hex(code);
  }
  for (const std::string_view code : {
           "\xFA"sv, "\xFB"sv, "\xE4\x01"sv, "\xEF"sv, "\x6C"sv, "\x0F\x01\x00"sv, "\x0F\x22\xC0"sv, "\x0F\x30"sv, "\x0F\x09"sv,
           "\x65\xA1\x14\x00\x00\x00"sv, "\x64\x8B\x00"sv,                        // through gs and fs
           "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"sv,  // 16 bytes
       }) {
    EXPECT_EQ(RunNew(code).kind, Stop::Kind::kPrivileged) << Hex(code);
  }
}

TEST(I386Cpu, PassesOverHints) {
  GuestMachine machine;
  EXPECT_EQ(RunAt(machine, "\xF3\x0F\x1E\xFB\x66\x0F\x1F\x84\x00\x00\x00\x00\x00\xF3\x90\x0F\x18\x00\x2E\x66\x90\xCC"sv).kind,
            Stop::Kind::kBreakpoint);  // endbr32, a nop of 9 bytes, pause, a prefetch of what is not there, a nop
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{6, 0, 0}));
}

TEST(I386Cpu, FaultChangesNothing) {
  GuestMachine machine;
  machine.cpu().set_reg(I386Cpu::kEax, 7);
  machine.cpu().set_eflags(i386::kCarry | i386::kZero);
  machine.Place("\x43\x43\x11\x05\x00\x10\x00\x00\x43"sv);  // inc ebx twice; adc [kNowhere], eax; inc ebx
  machine.cpu().set_reg(I386Cpu::kEbx, 10);
  EXPECT_EQ(machine.cpu().Run(100).eip, kCode + 2);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), 12u);
  EXPECT_EQ(machine.cpu().eflags() & (i386::kCarry | i386::kZero), i386::kCarry);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{2, 0, 0}));
  for (const std::string_view code :
       {"\x50"sv, "\x60"sv, "\x9C"sv, "\xE8\0\0\0\0"sv, "\xC8\0\0\0"sv, "\x58"sv, "\x61"sv, "\xC3"sv}) {
    machine.Place(code);
    machine.cpu().set_reg(I386Cpu::kEsp, kNowhere);
    machine.cpu().set_reg(I386Cpu::kEbp, 5);
    EXPECT_EQ(machine.cpu().Run(1).kind, Stop::Kind::kPageFault);
    EXPECT_EQ(machine.cpu().reg(I386Cpu::kEsp), kNowhere);
    EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbp), 5u);
    EXPECT_EQ(machine.cpu().eip(), kCode);
    machine.cpu().ForgetTranslations();
  }
}

TEST(I386Cpu, GoesOnAfterAFaultThatWasMended) {
  GuestMachine machine;
  machine.Place("\xC7\x05\x00\x10\x00\x00\x2A\x00\x00\x00\xCC"sv);  // mov [kNowhere], 42
  EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kPageFault);
  ASSERT_TRUE(machine.space().AddPageTables(VirtAddr(kNowhere), 1).ok());
  machine.space().PromisePages(VirtAddr(kNowhere), 1);
  EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.Word(kNowhere), 42u);
}

// A loop over everything that ends blocks: the same after every budget as in one go.
TEST(I386Cpu, BudgetIsExact) {
  constexpr auto kProgram =
      "\xB9\x05\x00\x00\x00"      // mov ecx, 5
      "\x51"                      // again: push ecx
      "\xE8\x16\x00\x00\x00"      // call f
      "\x59"                      // pop ecx
      "\x85\xC9"                  // test ecx, ecx
      "\x74\x08"                  // je +8
      "\xBF\x00\x00\x00\x20"      // mov edi, kData
      "\x83\xC7\x01"              // add edi, 1
      "\xE2\xEB"                  // loop again
      "\x83\xF8\x06"              // cmp eax, 6
      "\x77\x01"                  // ja +1
      "\x90\xCC"                  // nop; int3
      "\x51\xBF\xF8\x0F\x00\x20"  // f: push ecx; mov edi, end of the page - 8
      "\xB9\x0B\x00\x00\x00"      // mov ecx, 11
      "\xF3\xAA"                  // rep stosb
      "\x59\x40\xC3"sv;           // pop ecx; inc eax; ret
  GuestMachine whole;
  EXPECT_EQ(RunAt(whole, kProgram, 100'000).kind, Stop::Kind::kBreakpoint);
  const I386Cpu::State end = whole.cpu().Save();
  const std::uint64_t steps = end.counts.instructions + 5 * 10;  // the elements of rep stosb behind the first
  EXPECT_EQ(end.counts.stores, 5u * (3 + 11));
  for (std::uint64_t budget = 0; budget <= steps; ++budget) {
    GuestMachine machine;
    const Stop stop = RunAt(machine, kProgram, budget);
    ASSERT_EQ(stop.kind, budget < steps ? Stop::Kind::kBudget : Stop::Kind::kBreakpoint) << budget;
    ASSERT_EQ(stop.eip, machine.cpu().eip());
    if (budget < steps) {
      ASSERT_EQ(machine.cpu().Run(steps - budget).kind, Stop::Kind::kBreakpoint) << budget;
    }
    ASSERT_EQ(machine.cpu().Save(), end) << budget;
  }
  GuestMachine stepped;
  stepped.Place(kProgram);
  for (std::uint64_t i = 1; i < steps; ++i) ASSERT_EQ(stepped.cpu().Run(1).kind, Stop::Kind::kBudget);
  EXPECT_EQ(stepped.cpu().Run(1).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(stepped.cpu().Save(), end);
}

TEST(I386Cpu, RepeatedStringsStopInTheMiddle) {
  GuestMachine machine;
  machine.Place("\xF3\xA5\xCC"sv);  // rep movsd
  machine.cpu().set_reg(I386Cpu::kEcx, 50'000);
  machine.cpu().set_reg(I386Cpu::kEsi, kCode + kPageBytes);
  machine.cpu().set_reg(I386Cpu::kEdi, kData + 2);
  EXPECT_EQ(machine.cpu().Run(77).kind, Stop::Kind::kBudget);
  EXPECT_EQ(machine.cpu().eip(), kCode);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEcx), 50'000u - 77);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{0, 77, 77}));
  const std::uint32_t end = kCode + 16 * kPageBytes, words = 15 * kPageWords;  // what is promised from its source on
  EXPECT_EQ(machine.cpu().Run(1'000'000), (Stop{.kind = Stop::Kind::kPageFault, .eip = kCode, .address = end}));
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEsi), end);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEcx), 50'000u - words);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{0, words, words}));
}

TEST(I386Cpu, RepeatedStringsAreFetchedAgainWhenTheyWriteOverThemselves) {
  GuestMachine machine;
  machine.Place("\xF3\xAA"sv);                 // rep stosb
  machine.cpu().set_reg(I386Cpu::kEax, 0xCC);  // int3
  machine.cpu().set_reg(I386Cpu::kEcx, 100);
  machine.cpu().set_reg(I386Cpu::kEdi, kCode);
  EXPECT_EQ(machine.cpu().Run(1000), (Stop{.kind = Stop::Kind::kBreakpoint, .eip = kCode + 1}));
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEcx), 99u);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{1, 0, 1}));
}

TEST(I386Cpu, RepeatedStringsOfNothing) {
  GuestMachine machine;
  machine.Place("\xF3\xAA\xF2\xAE\xCC"sv);  // rep stosb; repne scasb
  machine.cpu().set_reg(I386Cpu::kEdi, kNowhere);
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{3, 0, 0}));
}

TEST(I386Cpu, KeepsItsStack) {
  GuestMachine machine;
  machine.Place(
      "\xB8\x78\x56\x34\x12"                  // mov eax, 0x12345678
      "\x54\x5B"                              // push esp; pop ebx
      "\x60\x31\xC0\x61"                      // pusha; xor eax, eax; popa
      "\xC8\x10\x00\x00"                      // enter 16, 0
      "\x89\x45\xFC\xC9"                      // mov [ebp - 4], eax; leave
      "\x68\x00\x10\x00\x20\x8F\x44\x24\x04"  // push 0x20001000; pop [esp + 4], by the new esp
      "\xF9\x9C\x58"                          // stc; pushf; pop eax
      "\x6A\xFF\x9D\x9C\x59"                  // push -1; popf; pushf; pop ecx
      "\xFC\x66\x50\x66\x5A\xCC"sv);          // cld; push ax; pop dx
  machine.cpu().set_reg(I386Cpu::kEsp, kStack - 16);
  EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), kStack - 16);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEsp), kStack - 16);
  EXPECT_EQ(machine.Word(kStack - 12), 0x20001000u);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax) & 0xFF03, 0x0203u);  // interrupts are on, the carry is set
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEcx), 0xED7u);            // all that a program can set
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEdx) & 0xFFFF, machine.cpu().reg(I386Cpu::kEax) & 0xFFFF);
}

// Instructions of the stack are done several at once where they can be: also where the stack lies in two pages, ends, or is not
// aligned, all is as if they were done one by one.
TEST(I386Cpu, RunsOfTheStackAreAsOneByOne) {
  constexpr auto kProgram =
      "\xE8\x01\x00\x00\x00\xCC"  // call f; int3
      "\x55\x89\xE5\x53\x56\x57"  // f: push ebp; mov ebp, esp; push ebx; push esi; push edi
      "\x53\x56\x50\x51\x52\x54"  // push ebx; push esi; push eax; push ecx; push edx; push esp
      "\x5C\x5A\x59\x58\x5E\x5B"  // pop esp; pop edx; pop ecx; pop eax; pop esi; pop ebx
      "\x5F\x5E\x5B\x5D\xC3"sv;   // pop edi; pop esi; pop ebx; pop ebp; ret
  const auto start = [](GuestMachine& machine, std::uint32_t top) {
    for (std::uint8_t reg = 0; reg < 8; ++reg) machine.cpu().set_reg(static_cast<I386Cpu::Register>(reg), 0x1000u + reg);
    machine.cpu().set_reg(I386Cpu::kEsp, top);
    machine.cpu().set_eip(kCode);
  };
  const auto prepare = [&](GuestMachine& machine, std::uint32_t top, bool pages_at_hand) {
    machine.Place(kProgram);
    for (const std::uint32_t page : {kData, kData + kPageBytes}) {
      if (!pages_at_hand) continue;
      start(machine, page + kPageBytes / 2);
      EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kBreakpoint);
    }
    machine.cpu().ResetCounts();
    start(machine, top);
  };
  std::set<Stop::Kind> ends;
  for (std::uint32_t i = 0; i < 4 * 40; ++i) {
    const std::uint32_t top = (i % 2 == 0 ? kData + kPageBytes : kData) + i / 4 * 2;  // below kData is nothing
    const bool at_hand = i % 4 < 2;
    GuestMachine whole, stepped;
    prepare(whole, top, at_hand);
    prepare(stepped, top, at_hand);
    const Stop stop = whole.cpu().Run(100);
    Stop step;
    do step = stepped.cpu().Run(1);
    while (step.kind == Stop::Kind::kBudget);
    EXPECT_EQ(stop, step) << top;
    EXPECT_EQ(whole.cpu().Save(), stepped.cpu().Save()) << top;
    for (std::uint32_t at = kData; at != kData + 2 * kPageBytes; at += 4) {
      ASSERT_EQ(whole.Word(at), stepped.Word(at)) << top;
    }
    ends.insert(stop.kind);
  }
  EXPECT_THAT(ends, testing::ElementsAre(Stop::Kind::kPageFault, Stop::Kind::kBreakpoint));
}

TEST(I386Cpu, EntersNestedFrames) {
  GuestMachine machine;
  machine.Place("\xC8\x08\x00\x00\xC8\x08\x00\x01\xC8\x04\x00\x02\xCC"sv);
  EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kBreakpoint);
  const std::uint32_t first = kStack - 4, second = first - 8 - 4, third = second - 4 - 8 - 4;
  EXPECT_EQ(machine.Word(second), first);
  EXPECT_EQ(machine.Word(second - 4), second);
  EXPECT_EQ(machine.Word(third), second);
  EXPECT_EQ(machine.Word(third - 4), second);
  EXPECT_EQ(machine.Word(third - 8), third);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEsp), third - 8 - 4);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{4, 1, 6}));
}

TEST(I386Cpu, TranslatesBytes) {
  GuestMachine machine;
  machine.Place("\xBB\x00\x00\x00\x20\xB0\x05\xD7\xCC"sv);  // mov ebx, kData; mov al, 5; xlat
  ASSERT_TRUE(machine.space().StoreU32(VirtAddr(kData + 4), 0x44556677));
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 0x66u);
}

TEST(I386Cpu, GoesOnFromASavedState) {
  GuestMachine machine;
  machine.Place("\x40\x83\xF8\x64\x75\xFA\xCC"sv);  // inc eax; cmp eax, 100; jne back
  EXPECT_EQ(machine.cpu().Run(101).kind, Stop::Kind::kBudget);
  const I386Cpu::State saved = machine.cpu().Save();
  EXPECT_EQ(machine.cpu().Run(1000).kind, Stop::Kind::kBreakpoint);
  const I386Cpu::State end = machine.cpu().Save();
  EXPECT_EQ(end.counts.instructions, 301u);
  machine.cpu().Restore(saved);
  EXPECT_EQ(machine.cpu().Save(), saved);
  EXPECT_EQ(machine.cpu().Run(1000).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().Save(), end);
}

// Code that fills the room for decoded blocks several times over, and jumps back and forth in it.
TEST(I386Cpu, DecodesMoreThanItCanKeep) {
  GuestMachine machine;
  std::string code;
  for (int i = 0; i < 6000; ++i) code += "\x40\xEB\x00"sv;  // inc eax; jmp to the next
  code += "\xE2\x01\xCC\xE9"sv;                             // loop +1; int3; jmp to the beginning
  const std::uint32_t back = 0 - static_cast<std::uint32_t>(code.size()) - 4;
  for (int i = 0; i < 4; ++i) code += static_cast<char>(back >> (8 * i));
  machine.Place(code);
  machine.cpu().set_reg(I386Cpu::kEcx, 4);
  EXPECT_EQ(machine.cpu().Run(100'000).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 24'000u);
  EXPECT_LE(machine.cpu().host_bytes(), 600u << 10);
}

}  // namespace
}  // namespace alloclab
