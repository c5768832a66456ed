// A user's program on a machine of its own under one workload, checked as drivers of courses check it. A heap (guest_heap.h):
// every block is aligned, lies where it may, and overlaps none; what the caller writes into it is there until it is freed,
// through the reallocs, frees and allocations of all others. A page allocator (guest_pages.h): every block of pages is aligned,
// in the arena, and not in use; and as the program may not write to pages that are in use, no contents need be looked at.
//
// Each block of a heap is filled when it is given, and looked at when it is freed, resized, and at the end. The first thing
// that is wrong ends the trial; of contents that changed, the workload is run again to the operation, the instruction and the
// address that changed them. All of it depends on program and workload alone, never on the host.
//
// A realloc to 0 bytes is a free; a free of null is not passed on, as many programs die of it, nor is what a PageGuard refuses.
//
// Thread safety: none; trials share nothing but their programs, which are immutable.
#ifndef ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_
#define ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_pages.h"
#include "allocators/workload/trace.h"

namespace alloclab {

struct TrialOptions {
  GuestHeapOptions heap;        // of a heap; its interface is the one below
  GuestPagesOptions pages;      // of a page allocator
  std::string interface;        // the name of one; empty: the first that the program has
  std::optional<bool> paged;    // whether it must be a page allocator; nothing: it may be either, and is one if it can be
  std::uint8_t fresh_byte = 0;  // what pages hold that the program has not written: 0, as a kernel gives them, or a poison
  // A function of the program, called every so many operations: by dying or printing it says that the heap is wrong.
  std::string check;
  std::uint64_t check_every = 1;
};

struct TrialBlock {
  std::uint32_t address = 0, bytes = 0;
  std::uint64_t operation = 0;  // that gave it
};

// What was wrong first.
struct TrialViolation {
  std::uint64_t operation = 0;             // from 0
  std::string what;                        // a sentence
  std::uint32_t eip = 0;                   // of the instruction that did it; 0: it was seen when the program had returned
  std::optional<std::uint32_t> changed;    // the address whose contents are other ones
  std::optional<TrialBlock> block, other;  // the one that it befell, and the one that the operation was on
};

struct TrialCosts {
  std::uint64_t operations = 0, instructions = 0, loads = 0, stores = 0;
  // On the 386DX-33: model i386-v1 (cost_model.h), and 2 clocks, those of an instruction between registers, for each
  // instruction that is neither a load nor a store.
  std::uint64_t Cycles() const;
  void Add(const TrialCosts& costs);
};

struct TrialResult {
  std::uint64_t operations = 0;              // that were done
  std::optional<TrialViolation> violation;   // nothing: the program is right on this workload
  std::array<TrialCosts, kOpKinds> costs{};  // by OpKind; without mm_init and the function `check`
  std::uint64_t costliest_operation = 0, costliest_instructions = 0;
  std::uint64_t live_peak_bytes = 0;  // most bytes that were asked for at a time
  // The heap at its largest: what the break passed; and of blocks that lie elsewhere, in arrays of the program or a pool, all
  // from the lowest to the end of the highest. Of a page allocator the same: from the lowest page that it gave to the end of
  // the highest.
  std::uint64_t heap_peak_bytes = 0;
  std::uint64_t page_faults = 0;
  std::string printed;  // printed, the first GuestText::kPrintedBytesMax
  std::uint64_t printed_bytes = 0;

  TrialCosts total() const;
  // In millionths.
  std::uint64_t utilisation_ppm() const { return heap_peak_bytes == 0 ? 0 : live_peak_bytes * 1'000'000 / heap_peak_bytes; }
};

class Trial {
 public:
  // Loads and initialises the program, as a page allocator if it is one and no interface of a heap is wanted: the errors of
  // GuestHeap::Create and GuestPages::Create.
  static absl::StatusOr<std::unique_ptr<Trial>> Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options);
  virtual ~Trial() = default;
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // INVALID_ARGUMENT: it has operations that such a program cannot be asked for.
  virtual absl::Status CheckFits(const Trace& trace) const = 0;
  // One operation; false: something is wrong, and nothing more will be done. REQUIRES: an operation of a workload that fits,
  // with a handle below those of the trace. `returned` is called when the program is back, before its blocks are touched.
  bool Apply(const Operation& op, const std::function<void()>& returned = nullptr);
  // At the end: all that are live still have their contents.
  virtual bool CheckLive() { return !result_.violation; }
  TrialResult Result() const;

  const std::optional<TrialViolation>& violation() const { return result_.violation; }
  std::uint64_t operations() const { return result_.operations; }
  // The live block of a handle; an address of 0: none.
  virtual TrialBlock BlockOf(std::uint32_t handle) const = 0;
  virtual AddressSpace& space() const = 0;
  virtual const I386Cpu& cpu() const = 0;
  virtual void set_watch(GuestProcess::Watch watch) = 0;
  virtual std::string_view interface() const = 0;

 protected:
  explicit Trial(const TrialOptions& options) : options_(options) {}
  // Finds the function `check`. INVALID_ARGUMENT: there is none.
  absl::Status FindCheck(const ElfProgram& program);

  virtual bool Do(const Operation& op) = 0;
  virtual TrialCosts Counted() const = 0;  // since the program was initialised; no operations
  virtual const GuestText& text() const = 0;
  virtual const std::optional<GuestProcess::Death>& death() const = 0;
  virtual void CallFunction(std::uint32_t function) = 0;
  virtual std::uint64_t peak_bytes() const = 0;  // TrialResult::heap_peak_bytes

  // What the call of the program gives; its costs are those of an operation of the kind.
  template <class Call>
  auto Charged(OpKind kind, Call call) {
    const TrialCosts before = Counted();
    const auto result = call();
    if (*returned_) (*returned_)();
    Charge(kind, before, Counted());
    return result;
  }
  void NoteLive(std::uint64_t bytes) {
    live_bytes_ += bytes;
    result_.live_peak_bytes = std::max(result_.live_peak_bytes, live_bytes_);
  }
  void NoteFreed(std::uint64_t bytes) { live_bytes_ -= bytes; }
  bool Fail(std::string what, std::uint32_t eip, const TrialBlock* block, const TrialBlock* other);
  bool FailDead(const TrialBlock* block) { return Fail(death()->what, death()->eip, block, nullptr); }

  const TrialOptions options_;
  TrialResult result_;

 private:
  void Charge(OpKind kind, const TrialCosts& before, const TrialCosts& after);
  bool CallCheck();

  std::uint32_t check_ = 0;  // the function's address; 0: none
  std::uint64_t live_bytes_ = 0;
  const std::function<void()>* returned_ = nullptr;
};

// A whole workload; INVALID_ARGUMENT: one that does not fit. `progress` is asked now and then: false ends it (CANCELLED).
absl::StatusOr<TrialResult> RunTrial(std::shared_ptr<const ElfProgram> program, const Trace& trace, const TrialOptions& options,
                                     const std::function<bool(std::uint64_t operations)>& progress = nullptr);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_
