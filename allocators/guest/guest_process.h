// A user's program that is called again and again until it dies: what a heap (guest_heap.h) and a page allocator
// (guest_pages.h) do alike.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_PROCESS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_PROCESS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "allocators/common/allocator_state.h"
#include "allocators/guest/elf_program.h"
#include "allocators/guest/guest_call.h"
#include "allocators/guest/i386_cpu.h"

namespace alloclab {

class GuestProcess {
 public:
  // Called before each instruction, and each element of a repeated string instruction.
  using Watch = std::function<void(const I386Cpu&)>;

  // How it ended.
  struct Death {
    Outcome outcome = Outcome::kOk;
    std::uint32_t address = 0;  // the address touched, the instruction, or the block that cannot be
    std::string what;           // a sentence
    std::uint32_t eip = 0;      // where; 0: it came back, with a block that cannot be
  };
  // Of the owner's variables, which it saves.
  struct State {
    std::optional<Death> death;
    GuestText text;
  };

  GuestProcess(AddressSpace& space, std::shared_ptr<const ElfProgram> program)
      : program_(std::move(program)), space_(space), cpu_(space) {}

  // Calls a function as a C compiler would, for at most so many steps, which it counts down; `serve` does what the program asks
  // for, false ends it; `spent` is what that has cost. The answer is good until the next call.
  template <class Serve>
  const Stop& Call(std::uint32_t stack_top, std::uint32_t function, std::span<const std::uint32_t> arguments,
                   std::uint64_t& steps, Serve serve, I386Cpu::Counts& spent) {
    if (forget_) [[unlikely]]
      Forget();
    const I386Cpu::Counts before = cpu_.counts();
    if (!cpu_.BeginCall(TopOfArguments(stack_top, arguments.size()), function, arguments)) [[unlikely]]
      return StopAtBegin(function);
    const Stop& stop = watch_ ? RunWatched(steps, serve) : Run(steps, serve);
    const I386Cpu::Counts after = cpu_.counts();
    spent = {after.instructions - before.instructions, after.loads - before.loads, after.stores - before.stores};
    return stop;
  }
  // `stack`: its lowest address; `steps_max`: what the call had.
  std::string Explain(const Stop& stop, std::uint32_t stack, std::uint64_t steps_max) const {
    return ExplainStop(stop, cpu_, *program_, stack, steps_max, left_);
  }
  // What a call is that did not return.
  Death DeathOf(std::uint32_t function, const Stop& stop, const std::string& why) const;
  // The service write.
  void Write(State& state) {
    const std::uint32_t text = cpu_.reg(I386Cpu::kEbx), bytes = cpu_.reg(I386Cpu::kEcx);
    cpu_.set_reg(I386Cpu::kEax, state.text.Write(space_, VirtAddr(text), bytes));
  }

  // The owner's variables. A journal, if one begins, begins behind a save: translations are not good for it.
  template <class Variables>
  std::unique_ptr<const AllocatorState> Save(const Variables& variables) const {
    NoteJournal();
    return SaveState(variables);
  }
  template <class Variables>
  void Restore(const AllocatorState& saved, Variables& variables) const {
    RestoreState(saved, variables);
    NoteJournal();
  }
  void NoteJournal() const { forget_ = true; }
  bool may_be_journaled() const { return forget_; }  // since the last call

  // From now on the program runs step by step, watched; the same answers and counts, only later. Null: no more.
  void set_watch(Watch watch) { watch_ = std::move(watch); }
  I386Cpu& cpu() { return cpu_; }
  const I386Cpu& cpu() const { return cpu_; }
  const ElfProgram& program() const { return *program_; }
  // Beside sizeof.
  std::uint64_t host_bytes() const { return cpu_.host_bytes(); }

 private:
  static constexpr std::uint32_t kStackAlignment = 16;
  static constexpr std::uint64_t kSlice = 100'000;  // some 0.5 ms; 50 ms of a program that is as slow as can be

  // Where the arguments end: they begin at a multiple of 16 bytes, with the return address in front of them.
  static std::uint32_t TopOfArguments(std::uint32_t stack_top, std::size_t arguments) {
    const auto bytes = static_cast<std::uint32_t>(arguments * kWordBytes);
    return stack_top - (0 - bytes) % kStackAlignment;
  }
  void Forget();
  // Of a call whose arguments no frame was left for.
  const Stop& StopAtBegin(std::uint32_t function);
  const Stop& RunSlice(std::uint64_t& steps) {
    const std::uint64_t slice = std::min(steps, kSlice);
    const Stop& stop = cpu_.Run(slice);
    steps -= slice - cpu_.steps_left();
    return stop;
  }
  // Runs to the end of the call, in slices, between which it is asked whether anybody still waits (GuestPatience): if nobody
  // does, left_ is set.
  template <class Serve>
  const Stop& Run(std::uint64_t& steps, Serve& serve) {
    const Stop& stop = RunSlice(steps);
    return stop.kind == Stop::Kind::kReturned ? stop : RunOn(stop, steps, serve);
  }
  const Stop& RunOn(const Stop& first, std::uint64_t& steps, absl::FunctionRef<bool()> serve);
  const Stop& RunWatched(std::uint64_t& steps, absl::FunctionRef<bool()> serve);

  const std::shared_ptr<const ElfProgram> program_;
  AddressSpace& space_;
  Watch watch_;
  Stop stop_;          // of a call that the processor did not stop
  bool left_ = false;  // the call under way, as nobody waited any more
  mutable bool forget_ = false;
  I386Cpu cpu_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_PROCESS_H_
