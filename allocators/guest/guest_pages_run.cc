// How the program comes into RAM, runs, and dies.
#include <algorithm>
#include <span>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/guest/guest_pages.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableBytes = kPageBytes * kPageWords;  // that one page table maps

std::uint64_t PageUp(std::uint64_t address) { return (address + kPageBytes - 1) & ~std::uint64_t{kPageBytes - 1}; }

}  // namespace

// What lies below the program, then from the end of RAM downwards to the program's end.
class GuestPages::KernelFrames final : public FrameSource {
 public:
  KernelFrames(std::uint32_t first, std::uint32_t below, std::uint32_t floor, std::uint32_t top)
      : below_(below), floor_(floor), state_{first, top} {}

  std::uint32_t top() const { return state_.top; }

  std::optional<PageFrame> TakeFrame() override {
    if (state_.next < below_) return PageFrame{state_.next++};
    if (state_.top > floor_) return PageFrame{--state_.top};
    return std::nullopt;
  }
  bool CanTakeFrames(std::uint32_t count) const override {
    return count <= std::uint64_t{below_} - state_.next + state_.top - floor_;
  }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(state_); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, state_); }

 private:
  struct State {
    std::uint32_t next, top;
  };
  const std::uint32_t below_, floor_;
  State state_;
};

GuestPages::GuestPages(const Arena& arena, Kernel kernel, std::shared_ptr<const ElfProgram> program,
                       const GuestPagesOptions& options)
    : PageAllocator(arena),
      frames_(std::move(kernel.frames)),
      space_(std::move(kernel.space)),
      options_(options),
      process_(*space_, std::move(program)) {
  state_.taken.resize(arena_pages());
}

GuestPages::~GuestPages() = default;

absl::Status GuestPages::CheckPlace(const PhysicalMemory& memory, const ElfProgram& program, const GuestPagesOptions& options) {
  const std::uint64_t ram = memory.size_bytes();
  if (program.start() < kStack + kStackBytes || program.end() > ram) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the program lies from %#x to %#x; expected above the kernel's stack, %#x, and in the RAM of %d bytes: alloclab guest "
        "build --interface kalloc links it at %#x",
        program.start(), program.end(), kStack + kStackBytes, ram, kLinkedAt));
  }
  if (options.steps_max == 0 || options.steps_max > GuestPagesOptions::kStepsMax) {
    return absl::InvalidArgumentError(
        absl::StrFormat("pages.steps_max: %d; expected from 1 to %d", options.steps_max, GuestPagesOptions::kStepsMax));
  }
  const std::uint64_t room = (ram - std::min(PageUp(program.end()), ram)) >> kPageShift;
  if (room == 0) return absl::ResourceExhaustedError("no page is behind the program: give the machine more RAM");
  if (options.arena_pages <= room) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("pages.arena_pages: %d; expected at most the %d pages from %#x to the end of RAM", options.arena_pages,
                      room, PageUp(program.end())));
}

// One to one: the frame of a page has the page's number.
absl::StatusOr<GuestPages::Kernel> GuestPages::MakeKernel(PhysicalMemory& memory, const ElfProgram& program,
                                                          std::uint64_t arena_end) {
  constexpr std::uint32_t kStackEnd = (kStack + kStackBytes) >> kPageShift;
  Kernel kernel;
  kernel.frames =
      std::make_unique<KernelFrames>(kStackEnd, program.start() >> kPageShift,
                                     static_cast<std::uint32_t>(PageUp(program.end()) >> kPageShift), memory.frame_count());
  absl::StatusOr<std::unique_ptr<AddressSpace>> space = AddressSpace::Create(memory, *kernel.frames);
  if (!space.ok()) return space.status();
  kernel.space = *std::move(space);
  const auto tables = static_cast<std::uint32_t>((arena_end + kTableBytes - 1) / kTableBytes);
  if (absl::Status status = kernel.space->AddPageTables(VirtAddr(0), tables); !status.ok()) return status;
  const auto map = [&kernel](std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t page = first & ~std::uint64_t{kPageBytes - 1}; page < end; page += kPageBytes) {
      const auto address = static_cast<std::uint32_t>(page);
      ALLOCLAB_CHECK(kernel.space->Map(VirtAddr(address), FrameOf(PhysAddr(address)), /*writable=*/true));
    }
  };
  map(kStack, kStack + kStackBytes);
  for (const ElfProgram::Segment& segment : program.segments()) map(segment.address, segment.end());
  if (absl::Status status = program.LoadInto(*kernel.space); !status.ok()) return status;
  const std::uint64_t first = PageUp(program.end()),
                      end = std::min(arena_end, std::uint64_t{kernel.frames->top()} << kPageShift);
  if (first >= end) return absl::ResourceExhaustedError("no page is left behind the program: give the machine more RAM");
  map(first, end);
  // The kernel sees the arena, and does not use it.
  for (std::uint64_t page = first; page < end; page += kPageBytes) {
    (void)memory.Unpin(FrameOf(PhysAddr(static_cast<std::uint32_t>(page))));
  }
  kernel.arena = {PhysAddr(static_cast<std::uint32_t>(first)), static_cast<std::uint32_t>(end - first)};
  return kernel;
}

absl::StatusOr<std::unique_ptr<GuestPages>> GuestPages::Create(PhysicalMemory& memory,
                                                               std::shared_ptr<const ElfProgram> program,
                                                               const GuestPagesOptions& options) {
  Functions functions;
  const Interface* const interface = FindInterface(*program, functions);
  if (interface == nullptr) {
    return absl::InvalidArgumentError(
        "the program exports no page allocator; expected kinit, kalloc and kfree, or those of another interface of "
        "allocators/guest/guest_pages.h");
  }
  if (absl::Status status = CheckPlace(memory, *program, options); !status.ok()) return status;
  const std::uint32_t pages = options.arena_pages != 0 ? options.arena_pages : kArenaPagesUnasked;
  const std::uint64_t arena_end = std::min(PageUp(program->end()) + (std::uint64_t{pages} << kPageShift), memory.size_bytes());
  absl::StatusOr<Kernel> kernel = MakeKernel(memory, *program, arena_end);
  if (!kernel.ok()) return kernel.status();
  const Arena arena = kernel->arena;
  std::unique_ptr<GuestPages> made(new GuestPages(arena, *std::move(kernel), std::move(program), options));
  made->interface_ = interface;
  made->functions_ = functions;
  if (absl::Status status = made->Initialise(); !status.ok()) return status;
  return made;
}

absl::Status GuestPages::Initialise() {
  std::uint64_t steps = GuestPagesOptions::kInitStepsMax;
  const auto end = static_cast<std::uint32_t>(arena_.end());
  (void)Call(functions_.init, {arena_.first.raw(), end}, steps);
  if (functions_.init_more != 0) (void)Call(functions_.init_more, {end, end}, steps);
  return state_.death ? absl::InvalidArgumentError(state_.death->what) : absl::OkStatus();
}

std::optional<std::uint32_t> GuestPages::Call(std::uint32_t function, std::initializer_list<std::uint32_t> arguments,
                                              std::uint64_t& steps) {
  if (state_.death) return std::nullopt;
  if (process_.may_be_journaled()) space_->Restore(space_->Save());  // its cache too is not to be written through
  I386Cpu::Counts spent;
  const Stop& stop = process_.Call(
      kStack + kStackBytes, function, std::span(arguments.begin(), arguments.size()), steps, [this] { return Serve(); }, spent);
  state_.counters.Of<"instructions">() += spent.instructions;
  costs_.words_loaded += spent.loads;
  costs_.words_stored += spent.stores;
  if (stop.kind == Stop::Kind::kReturned) return cpu().reg(I386Cpu::kEax);
  state_.death = process_.DeathOf(function, stop, Explain(function, stop));
  return std::nullopt;
}

std::optional<std::uint32_t> GuestPages::CallFunction(std::uint32_t function, std::uint32_t argument) {
  std::uint64_t steps = options_.steps_max;
  return Call(function, {argument}, steps);
}

bool GuestPages::Serve() {
  I386Cpu& cpu = process_.cpu();
  switch (ServiceAsked(cpu)) {
    case GuestService::kWrite:
      process_.Write(state_);
      return true;
    case GuestService::kArena:
      cpu.set_reg(I386Cpu::kEax, cpu.reg(I386Cpu::kEbx) == 0 ? arena_.first.raw() : static_cast<std::uint32_t>(arena_.end()));
      return true;
    default:
      return false;
  }
}

std::string GuestPages::Explain(std::uint32_t function, const Stop& stop) const {
  const bool fault = stop.kind == Stop::Kind::kPageFault;
  if (fault && arena_.Contains(PhysAddr(stop.address), 1) && state_.taken[PageOf(PhysAddr(stop.address))]) {
    return absl::StrFormat("write at 0x%08x: a page that it has given, which is in use", stop.address);
  }
  return process_.Explain(stop, kStack, functions_.IsInit(function) ? GuestPagesOptions::kInitStepsMax : options_.steps_max);
}

std::uint64_t GuestPages::reach_bytes() const {
  std::uint64_t reach = std::uint64_t{arena_.bytes} + kStackBytes;
  for (const ElfProgram::Segment& segment : process_.program().segments()) reach += segment.memory_bytes + 2 * kPageBytes;
  return reach;
}

std::uint64_t GuestPages::host_bytes() const {
  return sizeof(*this) + process_.host_bytes() + space_->host_bytes() + state_.taken.capacity() / 8 +
         state_.ready.size() * sizeof(std::uint32_t) + state_.text.printed.capacity();
}

}  // namespace alloclab
