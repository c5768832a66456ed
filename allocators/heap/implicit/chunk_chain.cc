#include "allocators/heap/implicit/chunk_chain.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

// Collects at most kViolationsMax.
class Findings {
 public:
  template <class... Args>
  void Add(const char* invariant, VirtAddr where, const absl::FormatSpec<Args...>& format, const Args&... args) {
    if (full()) return;
    found_.push_back(
        {invariant, where.raw(), absl::StrFormat("chunk %#010x: ", where.raw()) + absl::StrFormat(format, args...)});
  }
  bool full() const { return found_.size() >= kViolationsMax; }
  std::vector<Violation> Take() { return std::move(found_); }

 private:
  std::vector<Violation> found_;
};

}  // namespace

Block ChunkChain::BlockOf(const Chunk& chunk) const {
  const BlockKind kind = chunk.header == start_ ? BlockKind::kMetadata : chunk.allocated ? BlockKind::kLive : BlockKind::kFree;
  const std::uint32_t payload = kind == BlockKind::kLive ? (chunk.header + kWordBytes).raw() : 0;
  return {chunk.header.raw(), chunk.bytes, kind, payload, {chunk.header_word, chunk.previous_free ? 1u : 0u}};
}

std::optional<BrokenWalk> ChunkChain::BreakAt(VirtAddr end) const {
  if (end == brk_) return std::nullopt;
  const std::optional<Chunk> chunk = At(end);
  if (!chunk) return BrokenWalk{end.raw(), absl::StrFormat("the header at %#010x is not mapped", end.raw())};
  return BrokenWalk{end.raw(),
                    absl::StrFormat("the header at %#010x is %#x: a size of %d does not lead to a next chunk up to the "
                                    "break %#010x",
                                    end.raw(), chunk->header_word, chunk->bytes, brk_.raw())};
}

std::optional<BrokenWalk> ChunkChain::VisitBlocks(BlockCursor from, const BlockVisitor& visit,
                                                  std::optional<VirtAddr> near) const {
  const VirtAddr wanted(from.address);
  if (wanted >= brk_) return std::nullopt;
  bool stopped = false;
  const VirtAddr end = Walk(from.exact ? wanted : near.value_or(start_), [&](const Chunk& chunk) {
    if (chunk.header < wanted && chunk.bytes <= wanted - chunk.header) return true;
    stopped = !visit(BlockOf(chunk));
    return !stopped;
  });
  return stopped ? std::nullopt : BreakAt(end);
}

HeapShape ChunkChain::Shape(VirtAddr limit, const Interrupt& interrupt) const {
  HeapShape shape{.start = start_, .brk = brk_, .limit = limit};
  InterruptPoll poll(interrupt);
  const VirtAddr end = Walk([&](const Chunk& chunk) {
    shape.Add(BlockOf(chunk));
    return !poll.Step();
  });
  if (!poll.interrupted()) shape.broken = BreakAt(end);
  return shape;
}

std::vector<Violation> ChunkChain::Check(const Interrupt& interrupt, bool coalesced) const {
  Findings findings;
  InterruptPoll poll(interrupt);
  bool previous_free = false;
  const VirtAddr end = Walk([&](const Chunk& chunk) {
    if (chunk.header == start_ && chunk.header_word != tag::Pack(kWordBytes, tag::kAllocated)) {
      findings.Add("H1", chunk.header, "the prologue is %#x, not 0x5", chunk.header_word);
    }
    if (chunk.previous_free != previous_free) {
      findings.Add("H3", chunk.header, "header %#x says the chunk before is %s, but it is not", chunk.header_word,
                   chunk.previous_free ? "free" : "allocated");
    }
    if (coalesced && !chunk.allocated && previous_free) findings.Add("H4", chunk.header, "is free and so is the chunk before");
    if (!chunk.allocated) {
      const VirtAddr footer = chunk.header + (chunk.bytes - kWordBytes);
      const std::optional<std::uint32_t> word = space_.Peek(footer);
      if (!word || tag::Size(*word) != chunk.bytes) {
        findings.Add("H2", chunk.header, "is free with %d bytes, but its footer at %#010x says %s", chunk.bytes, footer.raw(),
                     word ? absl::StrCat(tag::Size(*word)) : std::string("nothing (not mapped)"));
      }
    }
    previous_free = !chunk.allocated;
    return !findings.full() && !poll.Step();
  });
  if (findings.full() || poll.interrupted()) return findings.Take();
  if (const std::optional<BrokenWalk> broken = BreakAt(end)) {
    findings.Add("H1", end, "%s", broken->what);
    return findings.Take();
  }
  const std::optional<Chunk> last = At(end);
  if (!last || tag::Pack(last->bytes, last->allocated ? tag::kAllocated : 0) != tag::kAllocated) {
    findings.Add("H1", brk_, "the epilogue at the break is %s, not a header of size 0 marked allocated",
                 last ? absl::StrFormat("%#x", last->header_word) : std::string("not mapped"));
  } else if (last->previous_free != previous_free) {
    findings.Add("H3", brk_, "the epilogue %#x says the last chunk is %s, but it is not", last->header_word,
                 last->previous_free ? "free" : "allocated");
  }
  return findings.Take();
}

}  // namespace alloclab
