// The processor and its pages: A and D bits, protection, accesses and instructions in two pages, code that changes, images.
#include "allocators/guest/guest_testing.h"
#include "allocators/guest/i386_cpu.h"
#include "allocators/machine/journal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using namespace std::string_view_literals;
constexpr std::uint32_t kCode = GuestMachine::kCode, kData = i386::kWindow & ~(kPageBytes - 1);

// What ends a program that is placed at kCode.
Stop RunAt(GuestMachine& machine, std::string_view code, std::uint64_t steps = 1000) {
  machine.Place(code);
  return machine.cpu().Run(steps);
}

TEST(I386CpuPages, NoticesThatItsCodeChanged) {
  GuestMachine machine;
  // In the block under way: the operand of the next instruction but one.
  EXPECT_EQ(RunAt(machine, "\xC6\x05\x09\x90\x04\x08\x2A\x90\xB8\x00\x00\x00\x00\xCC"sv).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 42u);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{4, 0, 1}));
  // Behind jumps that are not taken, of which one is done together with the comparison in front of it.
  GuestMachine behind;
  EXPECT_EQ(RunAt(behind, "\x85\xC0\x75\x10\xC6\x05\x10\x90\x04\x08\x2A\x75\x07\x85\xC0\xB8\x00\x00\x00\x00\xCC"sv).kind,
            Stop::Kind::kBreakpoint);
  EXPECT_EQ(behind.cpu().reg(I386Cpu::kEax), 42u);
  EXPECT_EQ(behind.cpu().counts(), (I386Cpu::Counts{7, 0, 1}));
  // In a block that ran before: a function is written over with another one, 100 times.
  GuestMachine twice;
  twice.Write(kCode + 0x800, "\xB8\x00\x00\x00\x00\xC3"sv);  // f: mov eax, 0; ret
  twice.cpu().set_reg(I386Cpu::kEcx, 100);
  EXPECT_EQ(RunAt(twice,
                  "\xBB\x00\x98\x04\x08"  // mov ebx, f
                  "\xFE\x43\x01"          // again: inc byte [ebx + 1]
                  "\xFF\xD3"              // call ebx
                  "\x01\xC2"              // add edx, eax
                  "\xE2\xF7\xCC"sv,
                  10'000)
                .kind,
            Stop::Kind::kBreakpoint);
  EXPECT_EQ(twice.cpu().reg(I386Cpu::kEdx), 5050u);
}

TEST(I386CpuPages, NoticesCodeThatIsSeenAtTwoAddresses) {
  GuestMachine machine;
  machine.Write(kCode + kPageBytes, "\xB8\x01\x00\x00\x00\xC3"sv);  // f: mov eax, 1; ret
  const PageFrame frame = FrameOf(*machine.space().Translate(VirtAddr(kCode + kPageBytes)).phys);
  ASSERT_TRUE(machine.space().Map(VirtAddr(kData), frame, true));
  machine.Place(
      "\xC6\x05\x01\x00\x00\x20\x02"  // mov byte [kData + 1], 2, so that the page is known for writing
      "\xE8\xF4\x0F\x00\x00\x89\xC3"  // call f; mov ebx, eax
      "\xC6\x05\x01\x00\x00\x20\x03"  // mov byte [kData + 1], 3
      "\xE8\xE6\x0F\x00\x00\xCC"sv);  // call f
  EXPECT_EQ(machine.cpu().Run(100).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), 2u);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 3u);
}

TEST(I386CpuPages, RunsAnInstructionThatLiesInTwoPages) {
  GuestMachine machine;
  const std::uint32_t at = kCode + kPageBytes - 3;
  machine.Place("\x90\xB8\x01\x02\x03\x04\xCC"sv, at);  // nop; mov eax, 0x04030201, of which 3 bytes are in the next page
  EXPECT_EQ(machine.cpu().Run(1).kind, Stop::Kind::kBudget);
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 0x04030201u);
  // Its second part is written over by the program: it is decoded anew.
  machine.Write(kCode + 0x100, "\xC6\x05\x00\xA0\x04\x08\x77\xE9\xF1\x0E\x00\x00"sv);
  machine.cpu().set_eip(kCode + 0x100);
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEax), 0x04037701u);
  // Where the next page is not there, the instruction faults with the address of the page, and the one before it has run.
  const std::uint32_t last = kCode + 16 * kPageBytes - 3;
  machine.Place("\x43\xB8\x01"sv, last);
  const Stop stop = machine.cpu().Run(10);
  EXPECT_EQ(stop, (Stop{.kind = Stop::Kind::kPageFault,
                        .access = Stop::Access::kFetch,
                        .eip = last + 1,
                        .address = kCode + 16 * kPageBytes}));
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), 1u);
}

TEST(I386CpuPages, SetsAccessedAndDirty) {
  constexpr std::uint32_t kBits = pte::kAccessed | pte::kDirty;
  GuestMachine machine;
  machine.Place("\xA1\x00\x00\x00\x20\xA3\x00\x10\x00\x20\xFF\x05\x00\x20\x00\x20\x83\x3D\x00\x30\x00\x20\x00\xCC"sv);
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kBreakpoint);
  EXPECT_EQ(machine.Entry(kData) & kBits, pte::kAccessed);                                 // mov eax, [kData]
  EXPECT_EQ(machine.Entry(kData + 1 * kPageBytes) & kBits, pte::kAccessed | pte::kDirty);  // mov [...], eax
  EXPECT_EQ(machine.Entry(kData + 2 * kPageBytes) & kBits, pte::kAccessed | pte::kDirty);  // inc [...]
  EXPECT_EQ(machine.Entry(kData + 3 * kPageBytes) & kBits, pte::kAccessed);                // cmp [...], 0
  EXPECT_EQ(machine.Entry(kData + 4 * kPageBytes) & pte::kPresent, 0u);
  EXPECT_EQ(machine.space().costs().demand_faults, 5u);  // with the one of the code, at Place
}

TEST(I386CpuPages, DoesNotTouchThePageBehindItsCode) {
  GuestMachine machine;
  machine.Place("\x90\xF4"sv, kCode + kPageBytes - 2);
  EXPECT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kPrivileged);
  EXPECT_EQ(machine.Entry(kCode + kPageBytes) & pte::kPresent, 0u);
}

TEST(I386CpuPages, HeedsPagesThatAreReadOnly) {
  GuestMachine machine;
  machine.Place("\x8B\x1D\x00\x00\x00\x20\xFF\x05\x00\x00\x00\x20\xCC"sv);  // mov ebx, [kData]; inc [kData]
  ASSERT_TRUE(machine.space().StoreU32(VirtAddr(kData), 9));
  ASSERT_TRUE(machine.space().SetWritable(VirtAddr(kData), false));
  const Stop stop = machine.cpu().Run(10);
  EXPECT_EQ(stop, (Stop{.kind = Stop::Kind::kPageFault, .access = Stop::Access::kWrite, .eip = kCode + 6, .address = kData}));
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), 9u);
  EXPECT_EQ(machine.Word(kData), 9u);
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{1, 1, 0}));
}

TEST(I386CpuPages, AnAccessAcrossPagesIsOneAccess) {
  GuestMachine machine;
  machine.Place("\xA3\xFE\x0F\x00\x20\x8B\x1D\xFE\x0F\x00\x20\xA3\xFE\xFF\x00\x20"sv);
  machine.cpu().set_reg(I386Cpu::kEax, 0x11223344);
  const Stop stop = machine.cpu().Run(10);  // the last one begins in the last page and ends behind it
  EXPECT_EQ(stop, (Stop{.kind = Stop::Kind::kPageFault,
                        .access = Stop::Access::kWrite,
                        .eip = kCode + 11,
                        .address = kData + 16 * kPageBytes}));
  EXPECT_EQ(machine.cpu().reg(I386Cpu::kEbx), 0x11223344u);
  EXPECT_EQ(machine.Word(kData + 16 * kPageBytes - 4), 0u);  // nothing of it was written
  EXPECT_EQ(machine.cpu().counts(), (I386Cpu::Counts{2, 1, 1}));
}

TEST(I386CpuPages, TellsThatNoFrameWasLeft) {
  GuestMachine machine(5);  // page directory, three page tables, the page of the code
  EXPECT_EQ(
      RunAt(machine, "\xA3\x00\x00\x00\x20"sv),
      (Stop{.kind = Stop::Kind::kPageFault, .access = Stop::Access::kWrite, .no_frame = true, .eip = kCode, .address = kData}));
}

TEST(I386CpuPages, ImagesAndJournalsAreHeeded) {
  GuestMachine machine;
  machine.Place("\xFF\x05\x00\x00\x00\x20\xC3"sv);  // inc [kData]; ret
  const auto increment = [&machine] {
    machine.cpu().set_eip(kCode);
    ASSERT_TRUE(machine.cpu().Push(I386Cpu::kReturnAddress));
    ASSERT_EQ(machine.cpu().Run(10).kind, Stop::Kind::kReturned);
  };
  increment();
  const auto image = machine.space().memory().TakeSnapshot();
  const AddressSpace::State state = machine.space().Save();
  increment();
  EXPECT_EQ(machine.Word(kData), 2u);
  machine.space().memory().Restore(*image);
  machine.space().Restore(state);
  EXPECT_EQ(machine.Word(kData), 1u);
  increment();
  EXPECT_EQ(machine.Word(kData), 2u);
  {
    Journal journal(machine.space().memory(), &machine.space());
    machine.cpu().ForgetTranslations();
    increment();
    EXPECT_EQ(machine.Word(kData), 3u);
  }
  machine.cpu().ForgetTranslations();
  EXPECT_EQ(machine.Word(kData), 2u);
  increment();
  EXPECT_EQ(machine.Word(kData), 3u);
}

}  // namespace
}  // namespace alloclab
