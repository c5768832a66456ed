// A page allocator whose code is the user's own: a program (elf_program.h) on the simulated processor, in a kernel of its own.
//
//   | - | - | stack | page tables ... | - | program | arena ...                    -> end of RAM     -: a page that is nowhere
//   0  4 KiB  ^ 64 KiB                    ^ where it is linked, 1 MiB if `alloclab guest build` linked it
//
// The kernel sees RAM at itself: a virtual address is the physical one. So the program lies in RAM where it is linked, and the
// arena begins with the first page behind it, where the linker's symbol `end` points to. Page tables for which there is no room
// below the program are at the end of RAM.
//
// What is called is found by exported symbols, the first of these whose functions the program has:
//
//   kalloc      kinit(first, end), or kinit1(first, end) and kinit2(end, end), once, before all; kalloc(), kfree(page): of xv6
//   palloc      pages_init(first, end); palloc_get_multiple(flags = 0, count), palloc_free_multiple(pages, count): of Pintos
//   free_pages  pages_init(first, end); __get_free_pages(flags = 0, order), free_pages(pages, order): of Linux
//
// How they are called, and what the program may ask the lab for, is in guest_call.h. An allocator of single pages refuses to
// give more; several are freed one after the other, upwards. Of runs only whole ones are freed.
//
// A page that is given may be read by the program, not written, until it is freed. So a write to a page that is in use is a
// fault at the instruction that does it, and no program, whatever it does, harms what lies in the pages that it gave.
//
// A program that ends, faults, or runs for too long in one call is dead, as a process is: each later operation has the same
// outcome, and CheckInvariants tells where it died (guest_heap.h lists the outcomes). It may not give a page that is
// misaligned, not in the arena, or in use: it is dead then, too (kAssertionFailed). So what is refused undoes nothing here,
// guarded or not.
//
// Promises (HoldsPages). As long as an eighth of the arena is left a promise is the lab's own knowledge of how many pages are
// in use. Nearer to the end the lab takes the pages that it promises from the program at once, and has them ready: so page
// faults there may take pages a few operations earlier than they would from an allocator of the catalogue. A promise is kept in
// any case: when a program dies, or gives nothing, with a page promised, the lab gives one of those that are left, and the
// program is not asked again. A guarded heap that was promised pages must not be stopped half-way: below one, what a dead
// program is asked for is refused (kOutOfMemory), and what is freed is taken back without it.
//
// Blocks: what is not in use is free, the program's own tables in the arena too: of these the lab knows nothing.
//
// Metadata, for the digest: address of every page in use, in order.
//
// Costs: words_loaded and words_stored are the accesses of all of its code, those to its stack too; its instructions are a
// counter. Searches are not seen. All of it is the same on every computer.
//
// Invariant:
//   G1 the program lives
#ifndef ALLOCLAB_ALLOCATORS_GUEST_GUEST_PAGES_H_
#define ALLOCLAB_ALLOCATORS_GUEST_GUEST_PAGES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/guest/elf_program.h"
#include "allocators/guest/guest_process.h"
#include "allocators/pages/page_allocator.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

inline constexpr CounterInfo kGuestPagesCounters[] = {
    {"instructions", "instructions of the program"},
};

struct GuestPagesOptions {
  static constexpr std::uint32_t kStepsMax = 200'000'000;
  // Of the initialisation: kalloc of xv6 fills all pages of 1 GiB of RAM within.
  static constexpr std::uint64_t kInitStepsMax = 2'000'000'000;

  // Pages of the arena; 0: RAM behind the program, at most GuestPages::kArenaPagesUnasked. The host holds all of it once the
  // program has written there, as an initialisation does that links its pages.
  std::uint32_t arena_pages = 0;
  std::uint32_t steps_max = 20'000'000;  // in one call
};

class GuestPages final : public PageAllocator {
 public:
  static constexpr std::uint32_t kStackBytes = 64 << 10;
  // Of the stack; the page below is nowhere.
  static constexpr std::uint32_t kStack = 2 * kPageBytes;
  static constexpr std::uint32_t kLinkedAt = 1 << 20;  // by `alloclab guest build`
  // Of an arena that nobody set the size of: 32 MiB.
  static constexpr std::uint32_t kArenaPagesUnasked = 8192;

  // Loads the program and calls its initialisation. INVALID_ARGUMENT: options out of their bounds, no interface that is known,
  // a program that does not lie in RAM above the stack, or that died in its initialisation. RESOURCE_EXHAUSTED: no RAM behind
  // it.
  static absl::StatusOr<std::unique_ptr<GuestPages>> Create(PhysicalMemory& memory, std::shared_ptr<const ElfProgram> program,
                                                            const GuestPagesOptions& options);
  ~GuestPages() override;

  // Whether a program exports a page allocator.
  static bool IsIn(const ElfProgram& program);

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;
  bool HoldsPages(std::uint32_t count) const override;

  const Declaration& declaration() const override;
  std::span<const std::uint64_t> own_counters() const override { return state_.counters.values(); }
  std::optional<BrokenWalk> VisitBlocks(BlockCursor from, const BlockVisitor& visit) const override;
  void VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const override;
  std::vector<Violation> CheckInvariants(const Interrupt& interrupt) const override;
  std::uint64_t host_bytes() const override;

  // How and where the program died; empty: it lives.
  std::string_view died() const { return state_.death ? std::string_view(state_.death->what) : std::string_view(); }
  const std::optional<GuestProcess::Death>& death() const { return state_.death; }
  const GuestText& text() const { return state_.text; }
  const I386Cpu& cpu() const { return process_.cpu(); }
  AddressSpace& space() const { return *space_; }
  void set_watch(GuestProcess::Watch watch) { process_.set_watch(std::move(watch)); }
  // As GuestHeap's.
  std::optional<std::uint32_t> CallFunction(std::uint32_t function, std::uint32_t argument);
  // How much the program gives to who asks for so many bytes: whole pages, or a power of two of them.
  std::uint64_t BytesGiven(std::uint32_t bytes) const;
  bool gives_runs() const { return interface_->unit != Unit::kPage; }  // else single pages alone
  static std::vector<std::string_view> InterfaceNames();
  std::string_view interface() const { return interface_->name; }
  std::uint64_t instructions() const { return state_.counters.values().front(); }
  // How much RAM it may touch, whatever it does.
  std::uint64_t reach_bytes() const;

 private:
  enum class Unit : std::uint8_t { kPage, kCount, kOrder };
  struct Interface {
    const char* name;
    Unit unit;
    const char *init, *init_more, *allocate, *free;  // init_more: null, or also to be called if it is there
  };
  struct Functions {
    std::uint32_t init = 0, init_more = 0, allocate = 0, free = 0;
    bool IsInit(std::uint32_t function) const { return function == init || function == init_more; }
  };
  static const Interface kInterfaces[];
  class KernelFrames;

  struct State : GuestProcess::State {
    Counters<kGuestPagesCounters> counters;
    std::vector<bool> taken;          // by number in the arena: in use, or ready
    std::deque<std::uint32_t> ready;  // numbers of pages that the program gave, and that nobody has asked for yet
    std::uint32_t taken_count = 0;
    std::uint32_t promised = 0;  // pages that whoever asked may still take
    bool relied_on = false;      // a promise was ever given: a guarded heap is above
  };

  // The program in RAM, and what sees it.
  struct Kernel {
    std::unique_ptr<KernelFrames> frames;
    std::unique_ptr<AddressSpace> space;
    Arena arena;
  };
  static constexpr std::uint32_t kNearPart = 8;  // of the arena: less than that is near to its end

  GuestPages(const Arena& arena, Kernel kernel, std::shared_ptr<const ElfProgram> program, const GuestPagesOptions& options);
  static const Interface* FindInterface(const ElfProgram& program, Functions& functions);
  static absl::Status CheckPlace(const PhysicalMemory& memory, const ElfProgram& program, const GuestPagesOptions& options);
  static absl::StatusOr<Kernel> MakeKernel(PhysicalMemory& memory, const ElfProgram& program, std::uint64_t arena_end);
  absl::Status Initialise();

  // What the function leaves in eax. Nothing: the program is dead. Takes what it needs from the steps of the operation.
  std::optional<std::uint32_t> Call(std::uint32_t function, std::initializer_list<std::uint32_t> arguments,
                                    std::uint64_t& steps);
  bool Serve();
  std::string Explain(std::uint32_t function, const Stop& stop) const;
  PageResult Dead() const { return {state_.death->outcome, PhysAddr(state_.death->address)}; }
  PageResult AllocateFrom(std::uint32_t bytes);
  // Asks the program for so many pages, and takes what it gives.
  PageResult Take(std::uint32_t pages);
  PageResult TakeReady();
  PageResult TakePromised();
  // One of those that are left, from a program that broke the promise of it.
  PageResult TakeOver();
  PageResult Refused(std::uint32_t pages) const;
  // Nothing: it may be given. Else what is wrong.
  std::optional<std::string> WhyNot(std::uint32_t first, std::uint32_t pages) const;
  void GiveBack(PhysAddr first, std::uint32_t pages);
  void SetTaken(PhysAddr first, std::uint32_t pages, bool taken);
  // Takes pages from the program until so many are ready, as long as one operation may take.
  void TopUp(std::uint32_t count);

  bool IsNearEnd(std::uint32_t left) const { return left < arena_pages() / kNearPart; }
  std::uint32_t PageOf(PhysAddr address) const { return (address - arena_.first) >> kPageShift; }
  PhysAddr AddressOf(std::uint32_t page) const { return arena_.first + (page << kPageShift); }
  std::uint32_t arena_pages() const { return arena_.bytes >> kPageShift; }
  std::uint32_t free_pages() const {
    return arena_pages() - state_.taken_count + static_cast<std::uint32_t>(state_.ready.size());
  }
  std::vector<bool> InUse() const;

  std::unique_ptr<const AllocatorState> SaveOwn() const override;
  void RestoreOwn(const AllocatorState& saved) override;
  void ResetOwnCounters() override { state_.counters.Reset(); }

  const std::unique_ptr<KernelFrames> frames_;
  const std::unique_ptr<AddressSpace> space_;
  const GuestPagesOptions options_;
  const Interface* interface_ = nullptr;
  Functions functions_;
  GuestProcess process_;
  State state_;
};

// The entry of a program as a page allocator. `program` may be null: to be described only.
PageAllocatorInfo GuestPagesInfo(std::string name, std::shared_ptr<const ElfProgram> program);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_GUEST_PAGES_H_
