// A heap whose code is the user's own: a program (elf_program.h) on the simulated processor, in a process of a Unix kind.
//
//   | program | - | stack, growing down | - | heap ...      -> | break ... limit
//   ^ where it is linked                      ^ start, page-aligned       -: a page that is nowhere
//
// What is called is found by exported symbols, the first of these whose malloc and free (and init, if there is a pool) the
// program has; the name before it chooses one:
//
//   cmu       mm_malloc, mm_free, perhaps mm_init (once, before all; -1: it failed), mm_realloc, mm_calloc
//   freertos  pvPortMalloc, vPortFree, perhaps pvPortCalloc
//   kmalloc   kmalloc(size, flags = 0), kfree, perhaps krealloc(block, size, flags = 0)
//   tlsf      tlsf_create_with_pool(pool, bytes), which gives the handle that is the first argument of tlsf_malloc, tlsf_free,
//             and perhaps tlsf_realloc
//   o1heap    o1heapInit(pool, bytes), likewise; o1heapAllocate, o1heapFree
//   zephyr    sys_heap_init(heap, pool, bytes), where heap is kHandleBytes in front of the pool; sys_heap_alloc(heap, bytes),
//             sys_heap_free(heap, block), perhaps sys_heap_realloc(heap, block, bytes)
//   malloc    malloc, free, perhaps mm_init, realloc, calloc
//
// A pool is heap.pool_bytes from the start of the heap on, and the break is behind it.
//
// Without its own realloc and calloc the program has the lab's (heap_allocator.h). How it is called, and what it may ask the
// lab for, is in guest_call.h.
//
// A program that ends, faults, or runs for too long in one call is dead, as a process is: each later operation gives the same
// outcome again (kMachineFault with the address touched; kMachineHang: for too long; kAssertionFailed: abort; kPanic: all else;
// kOutOfMemory: a page was touched for which no frame was left), and CheckInvariants tells where it died. So what is refused
// undoes nothing here, guarded or not. Malloc may not give a block that is misaligned, overlaps one that is live, or lies
// neither in what the program may write nor in the heap: the program is dead then, too (kAssertionFailed).
//
// While it runs, a processor notices what others write into its page tables, and into code that the program itself may not
// write: an unguarded machine's page allocator, in pages of the program that somebody freed.
//
// Blocks: the live ones are known, as the program gave them. If it exports `int lab_walk(struct lab_block*)` (lab.h of the SDK)
// it is asked for the free ones, which must come in the order of their addresses and lie apart from each other and from those
// that are live; what lies between is metadata. Without it free memory is not known: what the program has not touched is shown
// as free, all else between live blocks as metadata. The walk runs under a journal and changes nothing, whatever it does; one
// that goes wrong is a broken walk. Blocks outside the heap, in variables of the program, are not shown.
//
// Costs: words_loaded and words_stored are the accesses of all of its code, those to its stack too; its instructions are a
// counter. Searches are not seen. All of it is the same on every computer.
//
// Invariant:
//   G1 the program lives
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_HEAP_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_HEAP_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/declaration.h"
#include "allocators/guest/elf_program.h"
#include "allocators/guest/guest_process.h"
#include "allocators/guest/live_extents.h"
#include "allocators/heap/heap_allocator.h"
#include "allocators/heap/heap_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kGuestCounters[] = {
    {"instructions", "instructions of the program"},
    {"operation_instructions", "instructions of the program, by the function that was called", "function", "malloc"},
    {"operation_instructions", "instructions of the program, by the function that was called", "function", "calloc"},
    {"operation_instructions", "instructions of the program, by the function that was called", "function", "realloc"},
    {"operation_instructions", "instructions of the program, by the function that was called", "function", "free"},
};

struct GuestHeapOptions {
  static constexpr std::uint32_t kLimitBytesMax = 512u << 20;
  static constexpr std::uint32_t kStackBytesMax = 64u << 20;
  static constexpr std::uint32_t kStepsMax = 200'000'000;

  std::uint32_t limit_bytes = 64u << 20;  // how far the break may go
  std::uint32_t stack_bytes = 8u << 20;   // the default of Unix systems
  std::uint32_t alignment = 8;            // of the blocks: 4, 8 or 16
  // In one call. Some 0.1 s of the host; 100 times that of a program that does all it can to be slow, such as writing over its
  // own code.
  std::uint32_t steps_max = 20'000'000;
  std::uint32_t pool_bytes = 16u << 20;  // of a program that manages a pool; at least a page
  std::string interface = {};            // the name of one of the list above; empty: the first that the program has
};

class GuestHeap final : public HeapAllocator {
 public:
  static constexpr std::uint32_t kHandleBytes = 64;
  // Of one walk: some 500,000 blocks, 50 ms; and what a journal may keep of what it writes, which it has no need to.
  static constexpr std::uint64_t kWalkStepsMax = 10'000'000, kWalkBytesMax = 8 << 20;

  // Loads the program and calls its initialisation. INVALID_ARGUMENT: options out of their bounds, no interface that is known,
  // no room above the program, or it failed or died in its initialisation. RESOURCE_EXHAUSTED: too few frames.
  static absl::StatusOr<std::unique_ptr<GuestHeap>> Create(AddressSpace& space, std::shared_ptr<const ElfProgram> program,
                                                           const GuestHeapOptions& options);

  HeapResult Malloc(std::uint32_t bytes) override;
  HeapResult Calloc(std::uint32_t count, std::uint32_t bytes) override;
  HeapResult Realloc(VirtAddr block, std::uint32_t bytes) override;
  HeapResult Free(VirtAddr block) override;

  const Declaration& declaration() const override { return declaration_; }
  std::uint32_t PayloadBytes(VirtAddr block) override;  // what was asked for; 0 of what is no live block
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override;
  // Of one that has no walker only the live blocks are counted.
  HeapShape Shape() const override;
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;

  // How and where the program died; empty: it lives.
  std::string_view died() const { return state_.death ? std::string_view(state_.death->what) : std::string_view(); }
  // The beginning of what it printed, as it did.
  std::string_view printed() const { return state_.text.printed; }
  const GuestText& text() const { return state_.text; }
  const ElfProgram& program() const { return process_.program(); }
  const I386Cpu& cpu() const { return process_.cpu(); }
  std::string_view interface() const { return interface_->name; }
  bool has_pool() const { return interface_->convention >= Convention::kPool; }
  const std::optional<GuestProcess::Death>& death() const { return state_.death; }
  std::uint64_t printed_bytes() const { return state_.text.printed_bytes; }  // kept or not
  void set_watch(GuestProcess::Watch watch) { process_.set_watch(std::move(watch)); }
  // Calls a function of the program, its own checks of its heap, as any other. False: the program is dead.
  bool CallFunction(std::uint32_t function, std::uint32_t argument) { return Call(function, {argument}); }
  static std::vector<std::string_view> InterfaceNames();
  // How much RAM it may touch, whatever it does: any operation may touch all that was not touched yet.
  std::uint64_t reach_bytes() const;
  std::uint64_t instructions() const { return state_.counters.values().front(); }

 private:
  // What the lab calls, in the order of the counters.
  enum Member : std::uint8_t { kMalloc, kCalloc, kRealloc, kFree };
  enum class Convention : std::uint8_t { kPlain, kFlags, kPool, kPlacedHandle };  // flags: behind the size
  struct Interface {
    const char* name;
    Convention convention;
    const char *init, *malloc, *free, *realloc, *calloc;  // null: it has none
  };
  static const Interface kInterfaces[];

  struct State : GuestProcess::State {
    Counters<kGuestCounters> counters;
    LiveExtents live;
  };

  GuestHeap(AddressSpace& space, const ProgramBreak& brk, std::shared_ptr<const ElfProgram> program,
            const GuestHeapOptions& options);
  absl::Status FindInterface();
  absl::Status Initialise();

  // Whether the function came back; what it gives is in eax. If not, the program is dead.
  bool Call(std::uint32_t function, std::initializer_list<std::uint32_t> arguments);
  bool CallWith(std::uint32_t function, std::span<const std::uint32_t> arguments);
  // Of a member, which may have a handle in front of the arguments or flags behind them.
  bool CallMember(Member member, std::initializer_list<std::uint32_t> arguments);
  // What it asks the host for; false ends it.
  bool Serve();
  VirtAddr Sbrk(std::int32_t bytes);
  std::uint32_t eax() const { return cpu().reg(I386Cpu::kEax); }
  HeapResult Dead() const { return {state_.death->outcome, VirtAddr(state_.death->address)}; }
  std::string Explain(const Stop& stop) const;
  // The block that the program gave: live from now on, unless it cannot be.
  HeapResult Accept(Member member, std::uint32_t bytes);
  // What is wrong with a block that may not be.
  std::string WhyNot(const LiveExtents::Extent& block) const;
  bool IsSomewhere(const LiveExtents::Extent& block) const;
  HeapResult Refused(std::uint32_t bytes) const;
  // The free blocks, first and end of each, up to where the walk is broken.
  using FreeRanges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  std::optional<BrokenWalk> FindFree(FreeRanges& free) const;
  std::optional<BrokenWalk> AskWalker(I386Cpu& cpu, FreeRanges& free) const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override;
  void RestoreOwn(const AllocatorState& saved) override;
  void ResetOwnCounters() override;

  const GuestHeapOptions options_;
  Declaration declaration_;
  std::uint32_t stack_top_ = 0;
  const Interface* interface_ = nullptr;
  std::uint32_t init_ = 0;                     // 0: it has none
  std::array<std::uint32_t, 4> members_ = {};  // likewise
  std::uint32_t handle_ = 0;                   // of a pool
  std::uint32_t walk_ = 0;                     // lab_walk; 0: it has none
  GuestProcess process_;
  State state_;
};

// The entry of a program as an allocator.
HeapAllocatorInfo GuestHeapInfo(std::string name, std::shared_ptr<const ElfProgram> program);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_HEAP_H_
