// What the handlers of instructions work on: registers, flags, the translation of addresses to host memory, and decoded code.
//
// Translations are kept in two small tables, for reading and for writing, filled by real accesses of the address space, which
// set A and D bits and bring pages on demand. A page is in the table for writing only while a plain write into it has no
// other effect: not if its frame is a page table, and not if code was decoded from it.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_CORE_H_
#define ALLOCLAB_ALLOCATORS_GUEST_CORE_H_

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "allocators/guest/code_cache.h"
#include "allocators/guest/flags.h"
#include "allocators/guest/op.h"
#include "allocators/guest/stop.h"
#include "allocators/machine/address_space.h"

namespace alloclab::i386 {

static_assert(std::endian::native == std::endian::little);

enum Register : std::uint8_t { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };

struct Core final : private PhysicalMemory::PointerKeeper {
  explicit Core(AddressSpace& space);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Accesses of `op`.
  template <std::unsigned_integral Number>
  Number Load(const Op* op, std::uint32_t address) {
    if (const std::byte* place = Place<Number, Stop::Access::kRead>(address); place != nullptr) [[likely]] {
      Number number;
      std::memcpy(&number, place, sizeof(number));
      return number;
    }
    return static_cast<Number>(LoadSlowly(op, address, sizeof(Number), Stop::Access::kRead));
  }
  template <std::unsigned_integral Number>
  void Store(const Op* op, std::uint32_t address, Number number) {
    if (std::byte* place = Place<Number, Stop::Access::kWrite>(address); place != nullptr) [[likely]] {
      std::memcpy(place, &number, sizeof(number));
    } else {
      StoreSlowly(op, address, number, sizeof(Number));
    }
  }
  // An instruction that reads and then writes needs the page for writing from the beginning. `change` gives the new number, and
  // changes flags and registers.
  template <std::unsigned_integral Number, class Change>
  void ModifySlowly(const Op* op, std::uint32_t address, Change change) {
    const auto number = static_cast<Number>(LoadSlowly(op, address, sizeof(Number), Stop::Access::kWrite));
    StoreSlowly(op, address, number, sizeof(Number));  // faults, if any does
    StoreSlowly(op, address, change(number), sizeof(Number));
  }
  template <std::unsigned_integral Number, class Change>
  void Modify(const Op* op, std::uint32_t address, Change change) {
    std::byte* place = Place<Number, Stop::Access::kWrite>(address);
    if (place == nullptr) [[unlikely]]
      return ModifySlowly<Number>(op, address, change);
    Number number;
    std::memcpy(&number, place, sizeof(number));
    number = change(number);
    std::memcpy(place, &number, sizeof(number));
  }

  template <std::unsigned_integral Number>
  Number Get(std::uint8_t reg) const {
    if constexpr (sizeof(Number) == 1) {
      return static_cast<Number>(registers[reg & 3] >> ((reg & 4) * 2));
    } else {
      return static_cast<Number>(registers[reg]);
    }
  }
  template <std::unsigned_integral Number>
  void Set(std::uint8_t reg, Number number) {
    if constexpr (sizeof(Number) == 4) {
      registers[reg] = number;
    } else if constexpr (sizeof(Number) == 2) {
      registers[reg] = (registers[reg] & 0xFFFF0000) | number;
    } else {
      const int shift = (reg & 4) * 2;
      registers[reg & 3] = (registers[reg & 3] & ~(0xFFu << shift)) | (std::uint32_t{number} << shift);
    }
  }

  // As pushf shows it: the flags that programs use, and that interrupts are on. The others are 0 and cannot be changed.
  std::uint32_t Eflags() const { return flags.Bits() | 2 | kInterrupts | (backwards ? kDirection : 0); }
  void SetEflags(std::uint32_t eflags) {
    flags.SetBits(eflags);
    backwards = (eflags & kDirection) != 0;
  }

  // Counts what was done of a block: the ops in front of this one.
  void Count(const Op* op) {
    steps_left -= op->instructions;
    loads += op->loads;
    stores += op->stores;
  }
  // Goes on at a block.
  const Op* Enter(const Op* first) {
    if (steps_left < first->block_instructions) [[unlikely]]
      return LeaveFor(first->eip);
    return first;
  }
  // Ends the run of blocks; whoever called the first handler goes on at `eip`.
  const Op* LeaveFor(std::uint32_t next) {
    eip = next;
    return &halt;
  }
  // What was done of the block is counted: goes on where `op` leads to.
  const Op* Follow(const Op* op, std::uint32_t target) {
    if (op->next != nullptr) [[likely]]
      return Enter(op->next);
    link = &op->next;
    return LeaveFor(target);
  }
  // Leaves a block by the jump of an op.
  const Op* Jump(const Op* op) {
    Count(op + 1);
    return Follow(op, op->immediate);
  }
  // The same to an address out of a register or memory.
  const Op* JumpTo(const Op* op, std::uint32_t target) {
    Count(op + 1);
    const Op* first = code.FindNewest(target);
    return first != nullptr ? Enter(first) : LeaveFor(target);
  }

  // The first op of the block at an address, decoded if it was not. Throws Stop.
  const Op* Find(std::uint32_t address);
  // The instruction at an address alone, good until the next call.
  const Op* FindSingle(std::uint32_t address);
  void ForgetTranslations();

  // A number of up to 4 bytes: across pages, or in one that is not in the tables. `op` is null where none is done.
  [[gnu::noinline]] std::uint32_t LoadSlowly(const Op* op, std::uint32_t address, std::uint32_t bytes, Stop::Access access);
  [[gnu::noinline]] void StoreSlowly(const Op* op, std::uint32_t address, std::uint32_t number, std::uint32_t bytes);

  // By page, the last ones that were accessed. The tag is the page's address; that of no access is kNoTag.
  template <class Byte>
  struct Translated {
    std::uint32_t tag = kNoTag;
    Byte* bytes = nullptr;  // of the whole page
  };
  static constexpr std::uint32_t kNoTag = kPageBytes / 2;
  static constexpr std::uint32_t kTranslations = 1024;
  static std::uint32_t PageIndex(std::uint32_t address) { return (address >> kPageShift) % kTranslations; }
  // What the tag must be for an access that is aligned.
  template <class Number>
  static std::uint32_t TagOf(std::uint32_t address) {
    return address & (pte::kFrameMask | (sizeof(Number) - 1));
  }
  // Where an aligned number is in host memory, if its page is in the table for that access; null: it must be done slowly. Of a
  // byte: all bytes from there to the end of the page.
  template <class Number, Stop::Access access>
  auto* Place(std::uint32_t address) const {
    if constexpr (access == Stop::Access::kWrite) {
      return PlaceIn<Number>(to_write, address);
    } else {
      return PlaceIn<Number>(to_read, address);
    }
  }
  template <class Number, class Table>
  static auto* PlaceIn(const Table& table, std::uint32_t address) {
    const auto& page = table[PageIndex(address)];
    return page.tag == TagOf<Number>(address) ? page.bytes + address % kPageBytes : nullptr;
  }

  std::array<std::uint32_t, 9> registers{};  // the last one is kNoRegister
  Flags flags;
  bool backwards = false;  // DF
  std::uint32_t eip = 0;   // between blocks
  std::uint64_t steps_left = 0;
  std::uint64_t loads = 0, stores = 0;
  std::uint64_t repeated = 0;       // steps that were not the first one of their instruction
  const Op* at = nullptr;           // the op whose slow access, or fault, is under way
  const Op** link = nullptr;        // where the block that is found next will be looked for from now on
  bool forgotten = false;           // all blocks, so that `link` is void
  std::optional<Stop> interrupted;  // set by int
  const Op halt;                    // goes to itself

  std::array<Translated<const std::byte>, kTranslations> to_read;
  std::array<Translated<std::byte>, kTranslations> to_write;
  AddressSpace& space;
  CodeCache code;
  std::array<Op, 3> single_ops;  // of FindSingle, and one more as code_cache has

 private:
  void ForgetWritablePointers() override { ForgetTranslations(); }
  void ForgetAllPointers() override { ForgetTranslations(); }

  [[noreturn]] void ThrowFault(Stop::Access access) const;
  std::optional<PageFrame> FrameAt(std::uint32_t address) const;
  // After a write of those bytes of one page: code that was there is forgotten, else the page can be written plainly from now
  // on.
  void AfterWrite(std::uint32_t address, std::uint32_t bytes);
  void ForgetCode();
  // How many ops there are now.
  std::uint32_t Decode(std::uint32_t address, std::uint32_t limit, Op* ops);
};

// How a handler ends that does not leave the block (op.h).
inline const Op* Next(Core& core, const Op* op) { return op->handler(core, op); }

// The address of an op's memory operand.
inline std::uint32_t AddressOf(const Core& core, const Op* op) {
  return core.registers[op->base] + (core.registers[op->index] << op->scale) + op->displacement;
}

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_CORE_H_
