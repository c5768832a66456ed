#include "allocators/guest/guest_pages.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr Declaration kDeclarations[] = {
    {.counters = kGuestPagesCounters, .alignment = kPageBytes},
    {.counters = kGuestPagesCounters, .alignment = kPageBytes, .frees_parts = false},
};

// Whoever asks for a length that is none gets a page, as from the originals.
std::uint32_t PagesOf(std::uint32_t bytes) {
  return std::max(static_cast<std::uint32_t>((std::uint64_t{bytes} + kPageBytes - 1) >> kPageShift), 1u);
}
std::uint32_t OrderOf(std::uint32_t pages) { return static_cast<std::uint32_t>(std::bit_width(pages - 1)); }

}  // namespace

const GuestPages::Interface GuestPages::kInterfaces[] = {
    {"kalloc", Unit::kPage, "kinit", nullptr, "kalloc", "kfree"},
    {"kalloc", Unit::kPage, "kinit1", "kinit2", "kalloc", "kfree"},
    {"palloc", Unit::kCount, "pages_init", nullptr, "palloc_get_multiple", "palloc_free_multiple"},
    {"free_pages", Unit::kOrder, "pages_init", nullptr, "__get_free_pages", "free_pages"},
};

const GuestPages::Interface* GuestPages::FindInterface(const ElfProgram& program, Functions& functions) {
  const auto address = [&program](const char* symbol_name) {
    const ElfProgram::Symbol* symbol = symbol_name != nullptr ? program.Find(symbol_name) : nullptr;
    return symbol != nullptr ? symbol->address : 0;
  };
  for (const Interface& known : kInterfaces) {
    functions = {address(known.init), address(known.init_more), address(known.allocate), address(known.free)};
    if (functions.init != 0 && functions.allocate != 0 && functions.free != 0) return &known;
  }
  return nullptr;
}

std::vector<std::string_view> GuestPages::InterfaceNames() {
  std::vector<std::string_view> names;
  for (const Interface& known : kInterfaces) {
    if (names.empty() || names.back() != known.name) names.emplace_back(known.name);
  }
  return names;
}

bool GuestPages::IsIn(const ElfProgram& program) {
  Functions functions;
  return FindInterface(program, functions) != nullptr;
}

const Declaration& GuestPages::declaration() const { return kDeclarations[interface_->unit == Unit::kPage ? 0 : 1]; }

std::uint64_t GuestPages::BytesGiven(std::uint32_t bytes) const {
  const std::uint32_t pages = PagesOf(bytes);
  return (interface_->unit == Unit::kOrder ? std::uint64_t{1} << OrderOf(pages) : pages) << kPageShift;
}

PageResult GuestPages::Allocate(std::uint32_t bytes) {
  const PageResult result = AllocateFrom(bytes);
  const bool stops = result.outcome != Outcome::kOk && !alloclab::Refused(result.outcome);
  return stops && state_.relied_on ? PageResult{Outcome::kOutOfMemory, PhysAddr{}} : result;
}

PageResult GuestPages::AllocateFrom(std::uint32_t bytes) {
  const std::uint32_t pages = PagesOf(bytes);
  if (pages == 1 && !state_.ready.empty()) return TakeReady();
  if (pages == 1 && state_.promised > 0) return TakePromised();
  if (state_.death) return Dead();
  if (pages > 1 && interface_->unit == Unit::kPage) return Refused(pages);
  return Take(pages);
}

PageResult GuestPages::TakePromised() {
  --state_.promised;
  const PageResult result = state_.death ? Dead() : Take(1);
  if (result.outcome == Outcome::kOk) return result;
  if (!state_.death) {
    if (IsNearEnd(free_pages())) return result;  // much was taken since, so nobody relies on it any more
    state_.death = {Outcome::kAssertionFailed, 0,
                    absl::StrFormat("%s gave no page, with %d of %d not in use: one of these was promised",
                                    process_.program().Describe(functions_.allocate), free_pages(), arena_pages())};
  }
  return TakeOver();
}

PageResult GuestPages::TakeReady() {
  const PhysAddr page = AddressOf(state_.ready.front());
  state_.ready.pop_front();
  return {Outcome::kOk, page};
}

PageResult GuestPages::TakeOver() {
  const auto left = std::find(state_.taken.begin(), state_.taken.end(), false);
  if (left == state_.taken.end()) return {Outcome::kOutOfMemory, PhysAddr{}};
  const PhysAddr page = AddressOf(static_cast<std::uint32_t>(left - state_.taken.begin()));
  SetTaken(page, 1, true);
  return {Outcome::kOk, page};
}

PageResult GuestPages::Take(std::uint32_t pages) {
  std::uint64_t steps = options_.steps_max;
  std::optional<std::uint32_t> first;
  switch (interface_->unit) {
    case Unit::kPage:
      first = Call(functions_.allocate, {}, steps);
      break;
    case Unit::kCount:
      first = Call(functions_.allocate, {0, pages}, steps);
      break;
    case Unit::kOrder:
      first = Call(functions_.allocate, {0, OrderOf(pages)}, steps);
      pages = 1u << OrderOf(pages);
      break;
  }
  if (!first) return Dead();
  if (*first == 0) return Refused(pages);
  if (std::optional<std::string> wrong = WhyNot(*first, pages)) {
    state_.death = {Outcome::kAssertionFailed, *first,
                    absl::StrFormat("%s gave %#010x: %s", process_.program().Describe(functions_.allocate), *first, *wrong)};
    return Dead();
  }
  SetTaken(PhysAddr(*first), pages, true);
  return {Outcome::kOk, PhysAddr(*first)};
}

std::optional<std::string> GuestPages::WhyNot(std::uint32_t first, std::uint32_t pages) const {
  if (first % kPageBytes != 0) return absl::StrFormat("expected a multiple of %d", kPageBytes);
  const std::uint64_t end = first + std::uint64_t{pages} * kPageBytes;
  if (first < arena_.first.raw() || end > arena_.end()) {
    return absl::StrFormat("%d pages there are not in the arena, %#010x to %#010x", pages, arena_.first.raw(), arena_.end());
  }
  const auto from = state_.taken.begin() + PageOf(PhysAddr(first));
  const auto taken = std::find(from, from + pages, true);
  if (taken == from + pages) return std::nullopt;
  return absl::StrFormat("the page at %#010x is in use",
                         AddressOf(static_cast<std::uint32_t>(taken - state_.taken.begin())).raw());
}

PageResult GuestPages::Refused(std::uint32_t pages) const {
  return {pages > 1 && free_pages() >= pages ? Outcome::kFragmented : Outcome::kOutOfMemory, PhysAddr{}};
}

PageResult GuestPages::Free(PhysAddr first, std::uint32_t bytes) {
  if (state_.death && !state_.relied_on) return Dead();
  std::uint64_t steps = options_.steps_max;
  const std::uint32_t pages = PagesOf(bytes);
  if (interface_->unit == Unit::kPage) {
    bool lives = true;
    for (std::uint32_t i = 0; (lives || state_.relied_on) && i < pages; ++i, first = first + kPageBytes) {
      GiveBack(first, 1);
      lives = Call(functions_.free, {first.raw()}, steps).has_value();
    }
  } else {
    const bool count = interface_->unit == Unit::kCount;
    GiveBack(first, count ? pages : 1u << OrderOf(pages));
    (void)Call(functions_.free, {first.raw(), count ? pages : OrderOf(pages)}, steps);
  }
  return state_.death && !state_.relied_on ? Dead() : PageResult{};
}

// What is no page in use stays as it is: an unguarded program sees it.
void GuestPages::GiveBack(PhysAddr first, std::uint32_t pages) {
  if (first.offset() != 0) return;
  for (std::uint32_t i = 0; i < pages; ++i) {
    const PhysAddr page = first + i * kPageBytes;
    if (!arena_.Contains(page, kPageBytes)) return;
    const std::uint32_t number = PageOf(page);
    const bool ready = std::find(state_.ready.begin(), state_.ready.end(), number) != state_.ready.end();
    if (state_.taken[number] && !ready) SetTaken(page, 1, false);
  }
}

void GuestPages::SetTaken(PhysAddr first, std::uint32_t pages, bool taken) {
  for (std::uint32_t i = 0; i < pages; ++i) {
    const PhysAddr page = first + i * kPageBytes;
    state_.taken[PageOf(page)] = taken;
    (void)space_->SetWritable(VirtAddr(page.raw()), !taken);
  }
  if (taken) {
    state_.taken_count += pages;
    process_.cpu().ForgetTranslations();
  } else {
    state_.taken_count -= pages;
  }
}

bool GuestPages::HoldsPages(std::uint32_t count) const {
  if (count > free_pages()) return false;
  // It is the program that changes, by answering a question that is about its future; no pages are in other use by it.
  auto& self = const_cast<GuestPages&>(*this);
  const bool far = !state_.death && !IsNearEnd(free_pages() - count);
  self.state_.promised = far ? count : 0;
  if (!far) self.TopUp(count);
  const bool holds = far || state_.ready.size() >= count;
  self.state_.relied_on = state_.relied_on || holds;
  return holds;
}

void GuestPages::TopUp(std::uint32_t count) {
  const std::uint64_t enough = instructions() + options_.steps_max;
  while (!state_.death && state_.ready.size() < count && instructions() < enough) {
    const PageResult taken = Take(1);
    if (taken.outcome != Outcome::kOk) return;
    state_.ready.push_back(PageOf(taken.address));
  }
}

std::vector<bool> GuestPages::InUse() const {
  std::vector<bool> pages = state_.taken;
  for (const std::uint32_t ready : state_.ready) pages[ready] = false;
  return pages;
}

std::optional<BrokenWalk> GuestPages::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  const std::vector<bool> in_use = InUse();
  const std::uint32_t row_max = interface_->unit == Unit::kPage ? 1 : arena_pages();
  for (std::uint32_t page = 0; page < in_use.size();) {
    std::uint32_t end = page;
    while (end < in_use.size() && !in_use[end] && end - page < row_max) ++end;
    const std::uint64_t bytes = std::uint64_t{end - page} << kPageShift;
    const std::uint32_t address = AddressOf(page).raw();
    if (end > page && address + bytes > from.address &&
        !visit({.address = address, .bytes = bytes, .kind = BlockKind::kFree})) {
      break;
    }
    page = std::max(end, page + 1);
  }
  return std::nullopt;
}

void GuestPages::VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const {
  const std::vector<bool> in_use = InUse();
  for (std::uint32_t page = 0; page < in_use.size(); ++page) {
    if (in_use[page]) visit(AddressOf(page).raw());
  }
}

std::vector<Violation> GuestPages::CheckInvariants(const Interrupt& /*interrupt*/) const {
  if (!state_.death) return {};
  return {{"G1", state_.death->address, state_.death->what}};
}

std::unique_ptr<const AllocatorState> GuestPages::SaveOwn() const { return process_.Save(state_); }
void GuestPages::RestoreOwn(const AllocatorState& saved) { process_.Restore(saved, state_); }

PageAllocatorInfo GuestPagesInfo(std::string name, std::shared_ptr<const ElfProgram> program) {
  const GuestPagesOptions defaults;
  return {
      .name = std::move(name),
      .title = "A program",
      .description =
          "The page allocator is a program of the user's own, run instruction by instruction on the simulated processor.",
      .source = {},
      .declaration = &kDeclarations[0],
      .parameters = {QuantityParameter("pages.arena_pages",
                                       "pages of the arena; 0 takes RAM from the program's end on, at most 32 MiB",
                                       "a number of 4096-byte pages that fits RAM", defaults.arena_pages,
                                       PhysicalMemory::kBytesMax / kPageBytes),
                     QuantityParameter("pages.steps_max", "how long one operation may take", "instructions, at most 200000000",
                                       defaults.steps_max, GuestPagesOptions::kStepsMax)},
      .make = [program = std::move(program)](PhysicalMemory& memory, bool guarded,
                                             const ParameterValues& values) -> absl::StatusOr<std::unique_ptr<PageGuard>> {
        auto pages = GuestPages::Create(
            memory, program,
            {.arena_pages = NumberValue(values, "pages.arena_pages"), .steps_max = NumberValue(values, "pages.steps_max")});
        if (!pages.ok()) return pages.status();
        return std::make_unique<PageGuard>(*std::move(pages),
                                           guarded ? PageGuard::Mode::kGuarded : PageGuard::Mode::kUnguarded);
      }};
}

}  // namespace alloclab
