#include "allocators/workload/explain.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "allocators/common/cost_model.h"

namespace alloclab {
namespace {

constexpr std::size_t kSeparatorsMax = 10;    // named of a gap
constexpr std::uint64_t kBlocksMoreMax = 16;  // behind an operation than in front of it

bool Allocates(OpKind kind) {
  return kind == OpKind::kMalloc || kind == OpKind::kCalloc || kind == OpKind::kRealloc || kind == OpKind::kAllocatePages;
}

std::string Bytes(std::uint64_t bytes) { return absl::StrFormat("%d byte%s", bytes, bytes == 1 ? "" : "s"); }
std::string Blocks(std::uint64_t blocks) { return absl::StrFormat("%d free block%s", blocks, blocks == 1 ? "" : "s"); }
std::string Hex(std::uint32_t address) { return absl::StrFormat("0x%08X", address); }

// The operation that last made a block for a handle, counted from 1; 0: none did.
std::uint64_t AllocatedBy(const Timeline& timeline, std::uint32_t handle, bool pages) {
  const std::vector<Operation>& operations = timeline.trace().operations;
  for (std::uint64_t at = timeline.position(); at > 0; --at) {
    const Operation& op = operations[at - 1];
    if (op.block == handle && Allocates(op.kind) && OnPages(op.kind) == pages) return at;
  }
  return 0;
}

// The call site of an operation, counted from 1; empty: not known, or operation 0.
std::string CalledBy(const Timeline& timeline, std::uint64_t operation) {
  const Trace& trace = timeline.trace();
  if (operation == 0 || trace.operation_sites.empty()) return {};
  return ShortSiteName(trace.sites, trace.operation_sites[operation - 1]);
}

// Whether they are shown, and the chain is whole.
bool VisitAll(const Instance& machine, bool pages, const BlockVisitor& visit) {
  if (pages) return machine.pages().declaration().shows_blocks && !machine.pages().VisitBlocks({}, visit);
  const HeapAllocator* const heap = machine.heap();
  return heap != nullptr && heap->declaration().shows_blocks && !heap->VisitBlocks({}, visit);
}

std::size_t CountBlocks(const Instance& machine, bool pages) {
  std::size_t count = 0;
  return VisitAll(machine, pages, [&count](const Block&) { return ++count > 0; }) ? count : 0;
}

// All blocks, in address order; empty where they are not shown, or the chain is broken.
std::vector<Block> BlocksOf(const Instance& machine, bool pages) {
  std::vector<Block> blocks;
  blocks.reserve(CountBlocks(machine, pages));
  const bool whole = VisitAll(machine, pages, [&blocks](const Block& block) {
    blocks.push_back(block);
    return true;
  });
  if (!whole) return {};
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.address < b.address; });
  return blocks;
}

const Block* BlockAround(const std::vector<Block>& blocks, std::uint32_t address) {
  const auto after = std::upper_bound(blocks.begin(), blocks.end(), address,
                                      [](std::uint32_t value, const Block& block) { return value < block.address; });
  if (after == blocks.begin()) return nullptr;
  const Block& block = *std::prev(after);
  return address - block.address < block.bytes ? &block : nullptr;
}

// The stretch of adjoining blocks that holds enough with the fewest live bytes in it.
std::optional<Gap> FindGap(const Timeline& timeline, const std::vector<Block>& blocks, std::uint64_t needed) {
  std::size_t best_first = 0, best_last = 0, first = 0;
  std::uint64_t bytes = 0, live = 0, best_live = std::numeric_limits<std::uint64_t>::max();
  const auto live_bytes = [](const Block& block) { return block.kind == BlockKind::kLive ? block.bytes : 0; };
  for (std::size_t last = 0; last < blocks.size(); ++last) {
    const bool joins = last > 0 && blocks[last - 1].address + blocks[last - 1].bytes == blocks[last].address;
    if (!joins || blocks[last].kind == BlockKind::kMetadata) {
      first = last;
      bytes = live = 0;
    }
    if (blocks[last].kind == BlockKind::kMetadata) {
      first = last + 1;
      continue;
    }
    bytes += blocks[last].bytes;
    live += live_bytes(blocks[last]);
    while (first < last && bytes - blocks[first].bytes >= needed) {
      bytes -= blocks[first].bytes;
      live -= live_bytes(blocks[first++]);
    }
    if (bytes < needed || live >= best_live) continue;
    best_live = live;
    best_first = first;
    best_last = last;
  }
  if (best_live == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  Gap gap{blocks[best_first].address, 0, best_live, {}};
  for (std::size_t i = best_first; i <= best_last; ++i) {
    gap.bytes += blocks[i].bytes;
    if (blocks[i].kind != BlockKind::kLive || gap.between.size() == kSeparatorsMax) continue;
    const auto handle = timeline.driver().HandleAt(VirtAddr(blocks[i].payload));
    const std::uint64_t allocated_by = handle ? AllocatedBy(timeline, *handle, false) : 0;
    gap.between.push_back({blocks[i].address, blocks[i].bytes, allocated_by, CalledBy(timeline, allocated_by)});
  }
  return gap;
}

Found Search(const std::vector<Block>& blocks, std::uint64_t needed, std::uint32_t taken) {
  Found found;
  for (const Block& block : blocks) {
    if (block.kind != BlockKind::kFree) continue;
    ++found.free_blocks;
    found.free_bytes += block.bytes;
    found.largest_free_bytes = std::max(found.largest_free_bytes, block.bytes);
    const bool enough = block.bytes >= needed;
    if (enough) {
      ++found.large_enough;
      const bool tighter = found.smallest_enough_bytes == 0 || block.bytes < found.smallest_enough_bytes;
      if (tighter) found.smallest_enough_bytes = block.bytes;
    }
    if (block.address < taken) ++(enough ? found.passed_over_below : found.too_small_below);
  }
  return found;
}

void TellServed(Explanation& e) {
  if (e.taken_bytes && *e.taken_bytes < e.block_bytes) {  // at the end of the heap, or beside the block that is moved
    e.sentences.push_back(absl::StrFormat("Its block of %s begins with a free block of %s%s.", Bytes(e.block_bytes),
                                          Bytes(*e.taken_bytes),
                                          e.grown_bytes > 0 ? absl::StrCat("; the heap grew by ", Bytes(e.grown_bytes)) : ""));
  } else if (e.taken_bytes) {
    e.sentences.push_back(absl::StrFormat(
        "Its block of %s came out of a free block of %s%s.", Bytes(e.block_bytes), Bytes(*e.taken_bytes),
        *e.taken_bytes > e.block_bytes ? absl::StrFormat("; %d are left of that", *e.taken_bytes - e.block_bytes)
                                       : ", all of it"));
  } else if (e.grown_bytes > 0) {
    e.sentences.push_back(absl::StrFormat("The heap grew by %s for it.", Bytes(e.grown_bytes)));
  }
  if (!e.found) return;
  if (e.found->too_small_below > 0) {
    e.sentences.push_back(absl::StrFormat("%s at lower addresses %s too small for %s.", Blocks(e.found->too_small_below),
                                          e.found->too_small_below == 1 ? "was" : "were", Bytes(e.needed_bytes)));
  }
  if (e.found->passed_over_below > 0) {
    e.sentences.push_back(absl::StrFormat("%s at lower addresses would have been large enough; its policy did not take %s.",
                                          Blocks(e.found->passed_over_below),
                                          e.found->passed_over_below == 1 ? "that one" : "those"));
  }
  if (e.taken_bytes && e.found->large_enough > 0 && e.found->smallest_enough_bytes < *e.taken_bytes) {
    e.sentences.push_back(absl::StrFormat("The tightest of %s that were large enough has %s.", Blocks(e.found->large_enough),
                                          Bytes(e.found->smallest_enough_bytes)));
  }
}

void TellMissing(Explanation& e) {
  if (!e.missing_bytes) return;
  e.sentences.push_back(absl::StrFormat("%s more, at least, would have let it pass: %s.", Bytes(*e.missing_bytes),
                                        e.missing_ram ? "of RAM, for the heap to grow" : "of room at the heap's end"));
}

void TellGap(Explanation& e) {
  if (!e.gap) return;
  if (e.gap->live_bytes == 0) {
    e.sentences.push_back(absl::StrFormat("Coalescing would have let it pass: free blocks that adjoin have %s from %s on.",
                                          Bytes(e.gap->bytes), Hex(e.gap->address)));
    return;
  }
  std::string who;
  for (const Separator& block : e.gap->between) {
    absl::StrAppend(&who, who.empty() ? "" : ", ", Hex(block.address), " of ", Bytes(block.bytes));
    if (block.allocated_by == 0) continue;
    absl::StrAppend(&who, " (operation ", block.allocated_by);
    absl::StrAppend(&who, block.called_by.empty() ? "" : ", asked for by ", block.called_by, ")");
  }
  e.sentences.push_back(absl::StrFormat("%s from %s on would be large enough if the live blocks in between were free: %s.",
                                        Bytes(e.gap->bytes), Hex(e.gap->address), who));
}

void TellRefused(Explanation& e) {
  const Refusal& why = *e.refusal;
  if (why.request_max_bytes) {
    e.sentences.push_back(absl::StrFormat("The largest request is %s.", Bytes(*why.request_max_bytes)));
    return;
  }
  if (why.free_bytes && why.largest_free_bytes) {
    e.sentences.push_back(absl::StrFormat(
        "%s are free, the largest block of them has %d: %s.", Bytes(*why.free_bytes), *why.largest_free_bytes,
        *why.free_bytes >= why.needed_bytes ? "there is enough memory, but in pieces"
                                            : absl::StrFormat("%d fewer than needed", why.needed_bytes - *why.free_bytes)));
  }
  if (why.growth_bytes) {
    const std::uint64_t frames = why.frames_left.value_or(0);
    e.sentences.push_back(absl::StrFormat("The heap may still grow by %s, and %d page frame%s left.", Bytes(*why.growth_bytes),
                                          frames, frames == 1 ? " is" : "s are"));
  }
  TellMissing(e);
  TellGap(e);
}

std::string WhatHappened(const Explanation& e) {
  const std::uint64_t asked = RequestedBytes(e.what);
  std::string what = absl::StrFormat("Operation %d, %s", e.operation, OpKindName(e.what.kind));
  if (Allocates(e.what.kind)) absl::StrAppend(&what, " of ", Bytes(asked));
  if (!e.called_by.empty()) absl::StrAppend(&what, ", asked for by ", e.called_by);
  if (Allocates(e.what.kind) && e.needed_bytes > asked) absl::StrAppend(&what, ", which needs a block of ", e.needed_bytes);
  if (!Succeeded(e.result.outcome)) return absl::StrFormat("%s: %s.", what, OutcomeName(e.result.outcome));
  if (Allocates(e.what.kind)) return absl::StrCat(what, ": got ", Hex(e.result.address), ".");
  if (e.block_bytes > 0) absl::StrAppend(&what, ": gave back ", Bytes(e.block_bytes));
  if (e.allocated_by != 0) absl::StrAppend(&what, ", allocated by operation ", e.allocated_by);
  if (!e.allocation_called_by.empty()) absl::StrAppend(&what, ", asked for by ", e.allocation_called_by);
  return what + ".";
}

std::uint64_t NeededBytes(const Instance& machine, const Operation& op) {
  const std::uint64_t asked = RequestedBytes(op);
  if (!Allocates(op.kind) || asked > std::numeric_limits<std::uint32_t>::max()) return Allocates(op.kind) ? asked : 0;
  const auto bytes = static_cast<std::uint32_t>(asked);
  return OnPages(op.kind) || machine.heap() == nullptr ? asked : machine.heap()->BlockBytes(bytes);
}

// Of all blocks in front of the operation and behind it, and of a heap of an image and a copy of the machine, for the path of
// its search.
std::uint64_t HostNeedOf(const Driver& driver, bool pages) {
  const std::uint64_t blocks = CountBlocks(driver.instance(), pages);
  const std::uint64_t copies = pages || blocks == 0 ? 0 : 2 * (driver.instance().host_bytes() + driver.host_bytes());
  return 2 * (blocks + kBlocksMoreMax) * sizeof(Block) + copies;
}

// The machine in front of the operation.
struct Before {
  std::vector<Block> blocks;
  Costs costs;
  VirtAddr brk;
  std::uint32_t freed = 0;  // what a free names
};

Before LookBefore(const Timeline& timeline, Explanation& e) {
  const Instance& machine = timeline.driver().instance();
  const bool pages = OnPages(e.what.kind);
  e.called_by = CalledBy(timeline, e.operation);
  const bool names_block = e.what.kind == OpKind::kRealloc || !Allocates(e.what.kind);
  const std::uint32_t handle = e.what.kind == OpKind::kRealloc ? e.what.extra : e.what.block;
  Before before;
  before.costs = machine.costs();
  if (machine.heap() != nullptr) before.brk = machine.heap()->brk();
  before.blocks = BlocksOf(machine, pages);
  if (names_block && handle != kNoBlock) {
    e.allocated_by = AllocatedBy(timeline, handle, pages);
    e.allocation_called_by = CalledBy(timeline, e.allocated_by);
    before.freed = pages ? timeline.driver().PageAddressOf(handle) : timeline.driver().AddressOf(handle);
  }
  e.needed_bytes = NeededBytes(machine, e.what);
  return before;
}

void Charge(const Instance& machine, const Before& before, Explanation& e) {
  const Costs now = machine.costs(), &then = before.costs;
  e.search_steps = now.heap.search_steps + now.pages.search_steps - then.heap.search_steps - then.pages.search_steps;
  e.page_faults = now.vm.demand_faults - then.vm.demand_faults;
  e.cycles_386 = Cycles(k386dx33, now) - Cycles(k386dx33, then);
  if (machine.heap() != nullptr && machine.heap()->brk() > before.brk) e.grown_bytes = machine.heap()->brk() - before.brk;
}

// What a block that was given back became one with.
void FindMerged(const Instance& machine, const Before& before, const Block& freed, Explanation& e) {
  const std::vector<Block> now = BlocksOf(machine, OnPages(e.what.kind));
  const Block* whole = BlockAround(now, freed.address);
  if (whole == nullptr || whole->kind != BlockKind::kFree) return;
  for (const Block& block : before.blocks) {
    const bool inside = block.address >= whole->address && block.address - whole->address < whole->bytes;
    if (inside && block.kind == BlockKind::kFree) e.merged.push_back({block.address, block.bytes});
  }
}

// How much more memory would have been enough, of a heap whose last block may be free.
void FindMissing(const Before& before, Explanation& e) {
  const bool wants_memory = e.result.outcome == Outcome::kOutOfMemory || e.result.outcome == Outcome::kHeapLimit ||
                            e.result.outcome == Outcome::kFragmented;
  if (!wants_memory || before.blocks.empty()) return;
  const auto last = std::find_if(before.blocks.rbegin(), before.blocks.rend(),
                                 [](const Block& block) { return block.kind != BlockKind::kMetadata; });
  const std::uint64_t open = last != before.blocks.rend() && last->kind == BlockKind::kFree ? last->bytes : 0;
  const std::uint64_t growth = e.needed_bytes - std::min(e.needed_bytes, open);
  const std::uint64_t may_grow = e.refusal->growth_bytes.value_or(0);
  if (growth == 0) return;
  if (growth > may_grow) {
    e.missing_bytes = growth - may_grow;
    return;
  }
  // Pages come when they are touched: all that calloc zeroes, of others at least the one with the block's metadata.
  const std::uint64_t pages = e.what.kind == OpKind::kCalloc ? (growth + kPageBytes - 1) / kPageBytes : 1;
  const std::uint64_t frames = e.refusal->frames_left.value_or(0);
  if (pages <= frames) return;
  e.missing_ram = true;
  e.missing_bytes = (pages - frames) * kPageBytes;
}

// Which blocks it was about, as far as they are shown.
void FindBlocks(const Instance& machine, const Before& before, Explanation& e) {
  if (before.blocks.empty()) return;
  if (!Allocates(e.what.kind)) {
    const Block* block = BlockAround(before.blocks, before.freed);
    if (block == nullptr || block->kind != BlockKind::kLive) return;
    e.block_bytes = block->bytes;
    if (Succeeded(e.result.outcome)) FindMerged(machine, before, *block, e);
    return;
  }
  std::uint32_t at = 0;
  if (e.result.outcome == Outcome::kOk) {
    const std::vector<Block> now = BlocksOf(machine, OnPages(e.what.kind));
    const Block* block = BlockAround(now, e.result.address);
    at = block != nullptr ? block->address : e.result.address;
    e.block_bytes = block != nullptr ? block->bytes : e.needed_bytes;  // some page allocators show free blocks only
    const Block* taken = BlockAround(before.blocks, at);
    if (taken != nullptr && taken->kind == BlockKind::kFree) {
      e.taken_bytes = taken->bytes;
      e.taken_address = taken->address;
      at = taken->address;
    }
  }
  e.found = Search(before.blocks, e.needed_bytes, at);
}

void Refuse(const Timeline& timeline, const Before& before, Explanation& e) {
  const Instance& machine = timeline.driver().instance();
  const bool pages = OnPages(e.what.kind);
  e.refusal = pages ? machine.ExplainPages(e.what.size) : machine.ExplainHeap(e.result.outcome, RequestedBytes(e.what));
  if (!pages) FindMissing(before, e);
  if (!pages && e.found && e.found->free_bytes > 0) e.gap = FindGap(timeline, before.blocks, e.needed_bytes);
}

}  // namespace

absl::StatusOr<Explanation> Explain(Timeline& timeline, std::uint64_t operation, const Interrupt& interrupt,
                                    const AdmitExplanation& admit) {
  if (operation == 0 || operation > timeline.length()) {
    return absl::OutOfRangeError(
        absl::StrFormat("the run has no operation %d; expected 1 to %d", operation, timeline.length()));
  }
  if (absl::Status status = timeline.Seek(operation - 1, interrupt); !status.ok()) return status;
  const Instance& machine = timeline.driver().instance();
  Explanation e;
  e.operation = operation;
  e.what = timeline.trace().operations[operation - 1];
  if (admit) {
    if (absl::Status status = admit(HostNeedOf(timeline.driver(), OnPages(e.what.kind))); !status.ok()) return status;
  }
  const Before before = LookBefore(timeline, e);
  if (!OnPages(e.what.kind) && !before.blocks.empty()) e.path = timeline.FollowNext(before.blocks);
  e.result = timeline.Step();
  Charge(machine, before, e);
  FindBlocks(machine, before, e);
  const bool unserved = Refused(e.result.outcome) || e.result.outcome == Outcome::kSizeOverflow;
  if (Allocates(e.what.kind) && unserved) Refuse(timeline, before, e);
  e.sentences.push_back(WhatHappened(e));
  if (e.refusal) {
    TellRefused(e);
  } else if (Allocates(e.what.kind) && e.result.outcome == Outcome::kOk) {
    TellServed(e);
  }
  return e;
}

}  // namespace alloclab
