// A user's program (guest_heap.h) on a machine of its own under one workload, checked as drivers of courses check it: every
// block is aligned, lies where it may, and overlaps none; what the caller writes into it is there until it is freed, through
// the reallocs, frees and allocations of all others.
//
// Each block is filled when it is given, and looked at when it is freed, resized, and at the end. The first thing that is wrong
// ends the trial; of contents that changed, the workload is run again to the operation, the instruction and the address that
// changed them. All of it depends on program and workload alone, never on the host.
//
// A realloc to 0 bytes is a free; a free of null is not passed on, as many programs die of it. Operations on pages are none for
// a heap: INVALID_ARGUMENT.
//
// Thread safety: none; trials share nothing but their programs, which are immutable.
#ifndef ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_
#define ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/workload/trace.h"

namespace alloclab {

struct TrialOptions {
  GuestHeapOptions heap;
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
  // from the lowest to the end of the highest.
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
  // Loads and initialises the program: the errors of GuestHeap::Create.
  static absl::StatusOr<std::unique_ptr<Trial>> Create(std::shared_ptr<const ElfProgram> program, const TrialOptions& options);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // One operation; false: something is wrong, and nothing more will be done. REQUIRES: an operation of a heap, with a handle
  // below those of the trace. `returned` is called when the program is back, before its blocks are touched.
  bool Apply(const Operation& op, const std::function<void()>& returned = nullptr);
  // At the end: all that are live still have their contents.
  bool CheckLive();
  TrialResult Result() const;

  const std::optional<TrialViolation>& violation() const { return result_.violation; }
  std::uint64_t operations() const { return result_.operations; }
  GuestHeap& heap() { return *heap_; }
  AddressSpace& space();

 private:
  friend class Investigation;
  struct Machine;
  struct Live {
    TrialBlock block;
    std::uint32_t pattern = 0;  // which contents
  };

  Trial(std::unique_ptr<Machine> machine, GuestHeap* heap, const TrialOptions& options);
  HeapResult Call(const Operation& op, Live* old);
  bool Allocated(const Operation& op, const HeapResult& result, std::uint32_t bytes, Live* old);
  bool Resize(const Operation& op);
  bool Release(const Operation& op);
  bool CheckHeap();
  // Writes the contents of a block; false if its pages are not there.
  bool Fill(const Live& live);
  // Whether the first bytes of `at` are those of the block; if not, where they differ first.
  std::optional<std::uint32_t> FirstDifference(const Live& live, std::uint32_t at, std::uint32_t bytes);
  bool Fail(std::string what, std::uint32_t eip, const Live* block, const Live* other);
  bool FailDead(const Live* block);
  bool FailChanged(const Live& live, std::uint32_t offset);
  void Note(const Live& live);
  Live& At(std::uint32_t handle);

  const std::unique_ptr<Machine> machine_;
  GuestHeap* const heap_;
  const TrialOptions options_;
  std::uint32_t check_ = 0;  // the function's address; 0: none
  std::vector<Live> live_;   // by handle; an address of 0: null
  std::uint64_t live_bytes_ = 0;
  std::uint32_t elsewhere_low_ = ~0u, elsewhere_high_ = 0;
  const std::function<void()>* returned_ = nullptr;
  TrialResult result_;
};

// A whole workload. `progress` is asked now and then: false ends it (CANCELLED).
absl::StatusOr<TrialResult> RunTrial(std::shared_ptr<const ElfProgram> program, const Trace& trace, const TrialOptions& options,
                                     const std::function<bool(std::uint64_t operations)>& progress = nullptr);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TRIAL_TRIAL_H_
