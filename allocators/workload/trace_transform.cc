#include "allocators/workload/trace_transform.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_format.h"
#include "allocators/workload/oddity.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kOperationsMax = 1ull << 28;

bool IsAllocation(const Operation& op) {
  return op.kind == OpKind::kMalloc || op.kind == OpKind::kCalloc || op.kind == OpKind::kAllocatePages ||
         (op.kind == OpKind::kRealloc && op.extra == kNoBlock);
}
std::uint64_t SizeOf(const Operation& op) { return op.kind == OpKind::kCalloc ? std::uint64_t{op.size} * op.extra : op.size; }

Trace Like(const Trace& trace) {
  return {.operations = {},
          .heap_handles = trace.heap_handles,
          .page_handles = trace.page_handles,
          .format = trace.format,
          .notes = {},
          .sites = trace.sites};
}

bool TellsSites(const Trace& trace) { return !trace.operation_sites.empty(); }
// 0 where it is not known.
std::uint32_t SiteAt(const Trace& trace, std::size_t i) { return TellsSites(trace) ? trace.operation_sites[i] : 0; }

// The operation with its handles moved up.
Operation Moved(Operation op, std::uint32_t heap, std::uint32_t pages) {
  if (op.block != kNoBlock) op.block += OnPages(op.kind) ? pages : heap;
  if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) op.extra += heap;
  return op;
}

absl::Status CheckHandles(std::uint64_t heap, std::uint64_t pages, std::uint64_t operations) {
  if (operations > kOperationsMax) {
    return absl::InvalidArgumentError(absl::StrFormat("%d operations; expected at most %d", operations, kOperationsMax));
  }
  if (std::max(heap, pages) >= kNoBlock) return absl::InvalidArgumentError("more handles than 32 bits can number");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Trace> SliceTrace(const Trace& trace, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t count = trace.operations.size();
  if (from == 0 || from > to || from > count) {
    return absl::InvalidArgumentError(
        absl::StrFormat("operations %d to %d; expected two of 1 to %d, the first not behind the second", from, to, count));
  }
  struct Live {
    std::uint64_t born;
    std::uint32_t size;
    OpKind kind;
    std::uint32_t extra;
    std::uint32_t site;
  };
  std::map<std::pair<bool, std::uint32_t>, Live> live;
  for (std::uint64_t i = 0; i + 1 < from; ++i) {
    const Operation& op = trace.operations[i];
    const std::pair<bool, std::uint32_t> name{OnPages(op.kind), op.block};
    if (IsAllocation(op)) {
      const bool calloc = op.kind == OpKind::kCalloc;
      const OpKind kind = op.kind == OpKind::kRealloc ? OpKind::kMalloc : op.kind;
      live[name] = {i, op.size, kind, calloc ? op.extra : 0, SiteAt(trace, i)};
    } else if (op.kind == OpKind::kRealloc) {
      const auto old = live.find({false, op.extra});
      if (old == live.end()) continue;
      const Live block{old->second.born, op.size, OpKind::kMalloc, 0, SiteAt(trace, i)};
      live.erase(old);
      live[name] = block;
    } else if (op.kind == OpKind::kFreePagesPart) {
      const auto block = live.find(name);
      if (block != live.end()) block->second.size -= std::min(block->second.size, op.size);
    } else {
      live.erase(name);
    }
  }
  std::vector<std::pair<std::uint32_t, Live>> start;  // with its handle
  for (const auto& [name, block] : live) start.push_back({name.second, block});
  std::sort(start.begin(), start.end(), [](const auto& a, const auto& b) { return a.second.born < b.second.born; });
  Trace slice = Like(trace);
  const auto add = [&](const Operation& op, std::uint32_t site) {
    slice.operations.push_back(op);
    if (TellsSites(trace)) slice.operation_sites.push_back(site);
  };
  for (const auto& [handle, block] : start) add({block.kind, handle, block.size, block.extra}, block.site);
  for (std::uint64_t i = from - 1; i < std::min(to, count); ++i) add(trace.operations[i], SiteAt(trace, i));
  return slice;
}

namespace {

void NumberSitesByFirstUse(Trace& trace) {
  std::vector<std::uint32_t> numbers;  // by the old ones
  SiteTable used;
  for (std::uint32_t& site : trace.operation_sites) {
    if (site == 0) continue;
    if (site >= numbers.size()) numbers.resize(std::size_t{site} + 1);
    if (numbers[site] == 0) {
      used.sites.push_back(site <= trace.sites.sites.size() ? trace.sites.sites[site - 1] : std::vector<std::uint32_t>{});
      numbers[site] = static_cast<std::uint32_t>(used.sites.size());
    }
    site = numbers[site];
  }
  std::vector<std::uint32_t> frames(trace.sites.frames.size(), kNoBlock);
  for (std::vector<std::uint32_t>& site : used.sites) {
    for (std::uint32_t& frame : site) {
      if (frames[frame] == kNoBlock) {
        frames[frame] = static_cast<std::uint32_t>(used.frames.size());
        used.frames.push_back(std::move(trace.sites.frames[frame]));
      }
      frame = frames[frame];
    }
  }
  trace.sites = std::move(used);
}

}  // namespace

void NumberByFirstUse(Trace& trace) {
  std::vector<std::uint32_t> heap(trace.heap_handles, kNoBlock), pages(trace.page_handles, kNoBlock);
  std::uint32_t heap_count = 0, page_count = 0;
  const auto number = [](std::uint32_t handle, std::vector<std::uint32_t>& names, std::uint32_t& count) {
    if (handle >= names.size()) return handle;
    if (names[handle] == kNoBlock) names[handle] = count++;
    return names[handle];
  };
  for (Operation& op : trace.operations) {
    if (op.kind == OpKind::kRealloc) op.extra = number(op.extra, heap, heap_count);
    op.block = OnPages(op.kind) ? number(op.block, pages, page_count) : number(op.block, heap, heap_count);
  }
  trace.heap_handles = heap_count;
  trace.page_handles = page_count;
  NumberSitesByFirstUse(trace);
}

std::vector<std::uint32_t> LivesOf(const Trace& trace) {
  std::vector<std::uint32_t> lives;
  lives.reserve(trace.operations.size());
  std::vector<std::uint32_t> heap(trace.heap_handles, kNoBlock), pages(trace.page_handles, kNoBlock);
  std::uint32_t next = 0;
  for (const Operation& op : trace.operations) {
    std::vector<std::uint32_t>& table = OnPages(op.kind) ? pages : heap;
    const std::uint32_t named = op.kind == OpKind::kRealloc && op.extra != kNoBlock ? op.extra : op.block;
    const bool known = !IsAllocation(op) && named < table.size() && table[named] != kNoBlock;
    const std::uint32_t life = known ? table[named] : next++;
    lives.push_back(life);
    if (op.block < table.size()) table[op.block] = life;  // a freed handle still names its block: a second free belongs to it
  }
  return lives;
}

absl::StatusOr<Trace> FilterTrace(const Trace& trace, const std::vector<std::uint32_t>& threads, const TraceFilter& filter) {
  if (!filter.threads.empty() && threads.empty()) {
    return absl::InvalidArgumentError("threads are asked for; the trace does not tell them");
  }
  if (!filter.sites.empty() && !TellsSites(trace)) {
    return absl::InvalidArgumentError(
        "call sites are asked for; the trace does not tell them: expected one of `alloclab record --stacks` or heaptrack");
  }
  struct Life {
    std::uint64_t born = 0, last = 0, size = 0;
    std::uint32_t thread = 0, site = 0;
    bool begun = false, freed = false;
  };
  const std::vector<std::uint32_t> of = LivesOf(trace);
  std::vector<Life> lives(of.empty() ? 0 : std::size_t{*std::max_element(of.begin(), of.end())} + 1);
  for (std::size_t i = 0; i < of.size(); ++i) {
    Life& life = lives[of[i]];
    const Operation& op = trace.operations[i];
    if (!life.begun) life = {i, i, SizeOf(op), threads.empty() ? 0 : threads[i], SiteAt(trace, i), true, false};
    if (!life.freed) life.last = i;
    life.freed |= op.kind == OpKind::kFree || op.kind == OpKind::kFreePages;
  }
  const auto passes = [&](const Life& life) {
    const std::uint64_t lifetime = (life.freed ? life.last : of.size()) - life.born;
    const auto wants = [](const std::vector<std::uint32_t>& wanted, std::uint32_t one) {
      return wanted.empty() || std::find(wanted.begin(), wanted.end(), one) != wanted.end();
    };
    return life.size >= filter.size_min && life.size <= filter.size_max && lifetime >= filter.lifetime_min &&
           lifetime <= filter.lifetime_max && wants(filter.threads, life.thread) && wants(filter.sites, life.site);
  };
  Trace filtered = Like(trace);
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (!passes(lives[of[i]])) continue;
    filtered.operations.push_back(trace.operations[i]);
    if (TellsSites(trace)) filtered.operation_sites.push_back(SiteAt(trace, i));
  }
  if (filtered.operations.empty()) return absl::InvalidArgumentError("no block of the trace passes the filter");
  return filtered;
}

absl::StatusOr<Trace> ScaleTrace(const Trace& trace, const TraceScale& scale) {
  const std::uint64_t heap = std::uint64_t{trace.heap_handles} * scale.copies,
                      pages = std::uint64_t{trace.page_handles} * scale.copies;
  if (absl::Status status = CheckHandles(heap, pages, trace.operations.size() * scale.copies); !status.ok()) return status;
  Trace scaled = Like(trace);
  scaled.heap_handles = static_cast<std::uint32_t>(heap);
  scaled.page_handles = static_cast<std::uint32_t>(pages);
  scaled.operations.reserve(trace.operations.size() * scale.copies);
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    Operation op = trace.operations[i];
    const double size = std::ceil(op.size * scale.sizes);
    op.size = size >= kLargestSize ? kLargestSize : static_cast<std::uint32_t>(size);
    for (std::uint32_t copy = 0; copy < scale.copies; ++copy) {
      scaled.operations.push_back(Moved(op, copy * trace.heap_handles, copy * trace.page_handles));
      if (TellsSites(trace)) scaled.operation_sites.push_back(SiteAt(trace, i));
    }
  }
  return scaled;
}

namespace {

std::uint32_t LastSite(const Trace& trace) {
  return TellsSites(trace) ? *std::max_element(trace.operation_sites.begin(), trace.operation_sites.end()) : 0;
}

// The sites of both in one table, where those of `a` keep their numbers. Returns the numbers of those of `b`.
absl::StatusOr<std::vector<std::uint32_t>> JoinSites(const Trace& a, const Trace& b, SiteTable& table) {
  table = a.sites;
  table.sites.resize(std::max<std::size_t>(table.sites.size(), LastSite(a)));
  return AddSites(b.sites, LastSite(b), table);
}

}  // namespace

absl::StatusOr<Trace> InterleaveTraces(const Trace& a, const Trace& b) {
  const std::uint64_t heap = std::uint64_t{a.heap_handles} + b.heap_handles,
                      pages = std::uint64_t{a.page_handles} + b.page_handles;
  const std::uint64_t of_a = a.operations.size(), of_b = b.operations.size();
  if (absl::Status status = CheckHandles(heap, pages, of_a + of_b); !status.ok()) return status;
  Trace both = Like(a);
  both.heap_handles = static_cast<std::uint32_t>(heap);
  both.page_handles = static_cast<std::uint32_t>(pages);
  both.operations.reserve(of_a + of_b);
  const bool tells = TellsSites(a) || TellsSites(b);
  const absl::StatusOr<std::vector<std::uint32_t>> sites_of_b = JoinSites(a, b, both.sites);
  if (!sites_of_b.ok()) return sites_of_b.status();
  for (std::uint64_t i = 0, k = 0; i < of_a || k < of_b;) {
    if (k == of_b || (i < of_a && i * of_b <= k * of_a)) {
      if (tells) both.operation_sites.push_back(SiteAt(a, i));
      both.operations.push_back(a.operations[i++]);
    } else {
      if (tells) both.operation_sites.push_back((*sites_of_b)[SiteAt(b, k)]);
      both.operations.push_back(Moved(b.operations[k++], a.heap_handles, a.page_handles));
    }
  }
  return both;
}

absl::StatusOr<std::string> WriteCTest(const Trace& trace) {
  std::string text = absl::StrFormat("#include <stdlib.h>\n\nstatic void* b[%d];\n\nint main(void) {\n",
                                     std::max<std::uint32_t>(1, trace.heap_handles));
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    const Operation& op = trace.operations[i];
    const auto name = [](std::uint32_t handle) { return handle == kNoBlock ? "NULL" : absl::StrFormat("b[%d]", handle); };
    if (OnPages(op.kind)) {
      return absl::InvalidArgumentError(
          absl::StrFormat("operation %d is a %s, which a C program cannot do", i + 1, OpKindName(op.kind)));
    }
    if (op.kind == OpKind::kFree) {
      absl::StrAppendFormat(&text, "  free(%s);\n", name(op.block));
    } else if (op.kind == OpKind::kMalloc) {
      absl::StrAppendFormat(&text, "  %s = malloc(%du);\n", name(op.block), op.size);
    } else if (op.kind == OpKind::kCalloc) {
      absl::StrAppendFormat(&text, "  %s = calloc(%du, %du);\n", name(op.block), op.extra, op.size);
    } else {
      absl::StrAppendFormat(&text, "  %s = realloc(%s, %du);\n", name(op.block), name(op.extra), op.size);
    }
  }
  return text + "  return 0;\n}\n";
}

}  // namespace alloclab
