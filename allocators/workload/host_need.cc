#include "allocators/workload/host_need.h"

#include <algorithm>

#include "allocators/catalog/guests.h"
#include "allocators/common/quantity.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_pages.h"

namespace alloclab {
namespace {

// Beside its payload an operation touches at most HeapGuard's 8 pages: headers, footers, list heads, page tables. Each is a
// frame and its place in an index, and may be the first of a table of frames or of runs.
constexpr std::uint64_t kTouchedBytes = 64 << 10;
// A new object may bring a whole slab along (slabs.h), in RAM and in an index of it.
constexpr std::uint64_t kSlabBytesMax = 2u << 20, kSlabPart = 16;
// A page that the break passes costs an entry in a page table and in the host's tables of pages, which double when they are
// full.
constexpr std::uint64_t kBytesPerPassedByte = 64;
// A payload lies in frames; what indexes know of a page is less than an eighth of it. Of a page with a program's live blocks it
// is a fifth, but an operation adds to two of those at most, which is within kTouchedBytes.
constexpr std::uint64_t kIndexPart = 8;
// A journal keeps what was there, in a list that doubles; it saves the allocators' own variables.
constexpr std::uint64_t kJournalFactor = 4, kSavedBytes = 512 << 10;

// The processor that runs a user's program, with the code that it has decoded.
constexpr std::uint64_t kProcessorBytes = 1 << 20;

// What the operation writes of its block beside metadata, or the program, if it writes at all.
std::uint64_t PayloadBytes(const Operation& op, bool touches) {
  if (op.kind == OpKind::kCalloc) return std::uint64_t{op.size} * op.extra;
  return op.kind == OpKind::kRealloc || touches ? op.size : 0;
}

// What the machine's programs may touch.
std::uint64_t ReachBytes(const Instance& machine) {
  std::uint64_t reach = 0;
  if (const auto* heap = dynamic_cast<const GuestHeap*>(machine.heap()); heap != nullptr) reach += heap->reach_bytes();
  if (const auto* pages = dynamic_cast<const GuestPages*>(&machine.pages()); pages != nullptr) reach += pages->reach_bytes();
  return reach;
}

}  // namespace

std::uint64_t HostNeed(const Driver& driver, std::span<const Operation> operations) {
  const Instance& machine = driver.instance();
  const std::uint64_t ram = machine.config().ram_bytes;
  std::uint64_t payload = 0, asked = 0;
  for (const Operation& op : operations) {
    if (op.kind > OpKind::kRealloc) continue;
    const std::uint64_t written = PayloadBytes(op, driver.touches());
    payload += std::min(written, ram);
    asked += std::max<std::uint64_t>(op.size, written);
  }
  std::uint64_t need = operations.size() * kTouchedBytes + payload + payload / kIndexPart +
                       std::min(asked, ram) / kBytesPerPassedByte +
                       2 * std::min(kSlabBytesMax, machine.memory().host_bytes() / kSlabPart) + driver.GrowthBytes();
  if (machine.space() != nullptr) need += 2 * machine.space()->host_bytes();
  if (const std::uint64_t programs = std::min(ReachBytes(machine), ram); programs != 0) {
    // They may touch all that they can reach; what the machine holds of that, nobody counts.
    need += programs - std::min(programs, machine.memory().host_bytes()) + programs / kIndexPart;
  }
  const std::uint64_t reach = asked + operations.size() * kTouchedBytes;
  if (HeapGuard* const guard = machine.heap_guard();
      guard != nullptr && guard->MayJournal(static_cast<std::uint32_t>(std::min<std::uint64_t>(reach, UINT32_MAX)))) {
    need += kJournalFactor * (payload + kTouchedBytes) + kSavedBytes;
  }
  return need;
}

std::uint64_t MachineHostNeed(std::uint64_t ram_bytes) {
  constexpr std::uint64_t kMachineBytes = 1u << 20,
                          kFrameBytes = 13;  // a frame's place in a table of frames: kalloc links them all
  return kMachineBytes + (ram_bytes != 0 ? ram_bytes : PhysicalMemory::kBytesDefault) / kPageBytes * kFrameBytes;
}

std::uint64_t MachineHostNeed(const InstanceConfig& config) {
  const std::uint64_t ram = config.ram_bytes != 0 ? config.ram_bytes : PhysicalMemory::kBytesDefault;
  std::uint64_t need = MachineHostNeed(ram);
  if (!RunsProgram(config)) return need;
  const auto number_of = [&config](const char* parameter, std::uint64_t preset) {
    const auto given = config.parameters.find(parameter);
    return given == config.parameters.end() ? preset : ParseQuantity(given->second).value_or(preset);
  };
  std::uint64_t reach = 0;
  if (IsGuest(config.heap_allocator)) {
    const GuestHeapOptions defaults;
    reach += ElfProgram::kMemoryBytesMax + number_of("heap.limit_bytes", defaults.limit_bytes) +
             number_of("heap.stack_bytes", defaults.stack_bytes);
    need += kProcessorBytes;
  }
  if (IsGuest(config.page_allocator)) {
    const std::uint64_t pages = number_of("pages.arena_pages", 0);
    reach += ElfProgram::kMemoryBytesMax + (pages != 0 ? pages : GuestPages::kArenaPagesUnasked) * kPageBytes;
    need += kProcessorBytes;
  }
  return need + std::min(reach, ram) * (kIndexPart + 1) / kIndexPart;
}

std::uint64_t HandlesHostNeed(std::uint64_t handles) {
  constexpr std::uint64_t kFewHandles = 4096;  // both tables begin with a page
  return (handles + kFewHandles) * sizeof(NamedBlock) * 5 / 4;
}

}  // namespace alloclab
