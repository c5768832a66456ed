// What a heap shows of itself: its blocks, the words of its digest, what is wrong with it. All of it is safe on any contents of
// RAM.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/heap/dlmalloc/dlmalloc_heap.h"

namespace alloclab {

std::optional<BrokenWalk> DlmallocHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  if (state_.top.is_null()) return std::nullopt;
  const VirtAddr wanted(from.address), top = state_.top + kHead, foot = top + state_.top_size;
  if (top <= start() || foot < top || foot > brk()) {
    return BrokenWalk{top.raw(), absl::StrFormat("the top chunk at %#010x has %d bytes; the heap is from %#010x to %#010x",
                                                 state_.top.raw(), state_.top_size, start().raw(), brk().raw())};
  }
  const auto show = [&](const Block& block) { return block.address + block.bytes <= wanted.raw() || visit(block); };
  VirtAddr at = from.exact ? wanted : start();
  if (at == start()) {
    if (!show({.address = at.raw(), .bytes = kHead, .kind = BlockKind::kMetadata})) return std::nullopt;
    at = at + kHead;
  }
  while (at < top) {
    const std::optional<std::uint32_t> head = space_.Peek(at);
    if (!head) return BrokenWalk{at.raw(), absl::StrFormat("the head at %#010x is not mapped", at.raw())};
    const std::uint32_t size = *head & ~kFlags;
    if (size < kChunkMin || size > top - at) {
      return BrokenWalk{at.raw(), absl::StrFormat("the head at %#010x is %#x; expected a size from 16 up to %d, where top is",
                                                  at.raw(), *head, top - at)};
    }
    const bool live = (*head & kInUse) != 0, in_bin = !live && at - kHead != state_.dv;
    const auto word = [&](std::uint32_t offset) { return space_.Peek(at - kHead + offset).value_or(0); };
    if (!show({.address = at.raw(),
               .bytes = size,
               .kind = live ? BlockKind::kLive : BlockKind::kFree,
               .payload = live ? (at + kHead).raw() : 0,
               .fields = {*head, in_bin ? word(kFd) : 0, in_bin ? word(kBk) : 0, live ? 0 : word(size)}})) {
      return std::nullopt;
    }
    at = at + size;
  }
  if (at == top) {
    const std::uint32_t head = space_.Peek(at).value_or(0);
    const Block block{.address = at.raw(), .bytes = state_.top_size, .kind = BlockKind::kFree, .fields = {head}};
    if (block.bytes > 0 && !show(block)) return std::nullopt;
    at = foot;
  }
  if (at < brk()) show({.address = at.raw(), .bytes = brk() - at, .kind = BlockKind::kMetadata});
  return std::nullopt;
}

void DlmallocHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  const auto visit_all = [&](std::initializer_list<std::uint32_t> words) { std::for_each(words.begin(), words.end(), visit); };
  visit_all({state_.small_map, state_.tree_map, state_.dv_size, state_.top_size, state_.base.raw(), state_.dv.raw(),
             state_.top.raw(), state_.trim_check});
  for (std::uint32_t i = 0; i < kBins; ++i) {
    const bool used = (state_.small_map >> i & 1) != 0;
    visit_all({used ? state_.bins[i].fd.raw() : 0, used ? state_.bins[i].bk.raw() : 0});
  }
  for (const VirtAddr root : state_.trees) visit(root.raw());
  visit_all({state_.footprint, state_.max_footprint, state_.base.raw(), state_.segment_bytes});
  InterruptPoll poll(interrupt);
  VisitBlocks({}, [&](const Block& block) {
    if (block.kind == BlockKind::kMetadata) return true;
    const VirtAddr chunk = VirtAddr(block.address) - kHead;
    const auto visit_word = [&](std::uint32_t offset) { visit(space_.Peek(chunk + offset).value_or(0)); };
    const std::uint32_t head = block.fields[0];
    if ((head & kPreviousInUse) == 0) visit_word(0);
    visit(head);
    if (chunk == state_.top) {
      visit_word(state_.top_size + kHead);
    } else if (block.kind == BlockKind::kFree && chunk != state_.dv) {
      const std::uint32_t end = block.bytes < kTreeMin ? kBk : kIndex;
      for (std::uint32_t offset = kFd; offset <= end; offset += kWordBytes) visit_word(offset);
    }
    return !poll.Step();
  });
}

// Collects violations: first those of the chunks in order, then those of bins and trees, whose members must be free chunks.
class DlmallocCheck {
 public:
  DlmallocCheck(const DlmallocHeap& heap, const Interrupt& interrupt) : heap_(heap), state_(heap.state_), poll_(interrupt) {}

  std::vector<Violation> Run() {
    if (state_.top.is_null()) return {};
    if (CheckChunks()) {
      for (std::uint32_t i = 0; i < DlmallocHeap::kBins && !poll_.interrupted(); ++i) CheckBin(i);
      for (std::uint32_t i = 0; i < DlmallocHeap::kBins && !poll_.interrupted(); ++i) CheckTree(i);
      CheckAllFound();
    }
    return std::move(found_);
  }

 private:
  using Heap = DlmallocHeap;
  struct FreeChunk {
    VirtAddr chunk;
    std::uint32_t size = 0;
    bool met = false;  // in a bin, or as dv
  };
  // A node of a tree that is still to be looked at, and the bits of its size that its place tells.
  struct Node {
    VirtAddr chunk, parent;
    std::uint32_t depth = 0, path = 0;
  };

  void Add(const char* invariant, VirtAddr where, std::string what) {
    if (found_.size() < kViolationsMax) found_.push_back({invariant, where.raw(), std::move(what)});
  }
  VirtAddr Word(VirtAddr chunk, std::uint32_t offset) const { return VirtAddr(heap_.space().Peek(chunk + offset).value_or(0)); }

  // False: there is no saying what is free.
  bool CheckChunks() {
    bool before_live = true;
    const auto broken = heap_.VisitBlocks({}, [&](const Block& block) {
      if (block.kind == BlockKind::kMetadata) return true;
      const VirtAddr chunk = VirtAddr(block.address) - Heap::kHead;
      const std::uint32_t head = block.fields[0], size = static_cast<std::uint32_t>(block.bytes);
      const bool live = block.kind == BlockKind::kLive, says_live = (head & Heap::kPreviousInUse) != 0;
      if (says_live != before_live) {
        Add("D1", chunk,
            absl::StrFormat("chunk %#010x says that the one before is %s", chunk.raw(), says_live ? "live" : "free"));
      }
      if (!live && !before_live) Add("D2", chunk, absl::StrFormat("chunk %#010x and the one before are free", chunk.raw()));
      before_live = live;
      if (live || chunk == state_.top) return !poll_.Step();
      if (block.fields[3] != size) {
        Add("D1", chunk, absl::StrFormat("free chunk %#010x of %d bytes has %d behind it", chunk.raw(), size, block.fields[3]));
      }
      free_.push_back({chunk, size});
      return !poll_.Step();
    });
    if (broken) Add("D1", VirtAddr(broken->address), broken->what);
    if (broken || poll_.interrupted()) return false;
    CheckEnds();
    return true;
  }

  void CheckEnds() {
    const std::uint32_t end = (state_.base + state_.segment_bytes).raw();
    const std::uint32_t foot = (state_.top + state_.top_size + Heap::kTopFoot).raw();
    if (state_.base != heap_.start() || end != heap_.brk().raw() || foot != end) {
      Add("D6", state_.top,
          absl::StrFormat("the segment is from %#010x to %#010x, top and its foot end at %#010x, the break is %#010x",
                          state_.base.raw(), end, foot, heap_.brk().raw()));
    }
    if (Word(state_.top, Heap::kHead).raw() != (state_.top_size | Heap::kPreviousInUse)) {
      Add("D6", state_.top,
          absl::StrFormat("top's head is %#x, its size %d", Word(state_.top, Heap::kHead).raw(), state_.top_size));
    }
    if (state_.dv.is_null()) return;
    FreeChunk* dv = Meet("D5", state_.dv);
    if (dv != nullptr && dv->size != state_.dv_size) {
      Add("D5", state_.dv, absl::StrFormat("dv has %d bytes, not %d", dv->size, state_.dv_size));
    }
  }

  // A free chunk that a bin has; null, with a violation, if it is none or was met before.
  FreeChunk* Meet(const char* invariant, VirtAddr chunk) {
    const auto at = std::ranges::lower_bound(free_, chunk, {}, &FreeChunk::chunk);
    if (at == free_.end() || at->chunk != chunk || at->met) {
      Add(invariant, chunk,
          absl::StrFormat(
              "%#010x is %s", chunk.raw(),
              at != free_.end() && at->chunk == chunk ? "in two bins, or twice in one" : "in a bin, and no free chunk"));
      return nullptr;
    }
    at->met = true;
    return &*at;
  }

  void CheckBin(std::uint32_t index) {
    if ((state_.small_map >> index & 1) == 0) return;
    const VirtAddr head(Heap::kBinHeads + index);
    VirtAddr before = head;
    for (VirtAddr at = state_.bins[index].fd; at != head; before = at, at = Word(at, Heap::kFd)) {
      const FreeChunk* chunk = Meet("D3", at);
      if (chunk == nullptr || poll_.Step()) return;
      if (chunk->size != index * 8) Add("D3", at, absl::StrFormat("bin %d has a chunk of %d bytes", index, chunk->size));
      if (Word(at, Heap::kBk) != before) Add("D3", at, absl::StrFormat("chunk %#010x does not lead back", at.raw()));
    }
    if (before == head || state_.bins[index].bk != before) {
      Add("D3", before,
          absl::StrFormat("bin %d ends at %#010x, not at %#010x", index, before.raw(), state_.bins[index].bk.raw()));
    }
  }

  void CheckTree(std::uint32_t index) {
    const VirtAddr root = state_.trees[index];
    if (root.is_null() != ((state_.tree_map >> index & 1) == 0)) {
      Add("D4", root, absl::StrFormat("tree %d has the root %#010x; treemap is %#x", index, root.raw(), state_.tree_map));
    }
    std::vector<Node> open;
    if (!root.is_null()) open.push_back({root, VirtAddr(Heap::kTreeRoots + index)});
    while (!open.empty()) {
      const Node node = open.back();
      open.pop_back();
      const FreeChunk* chunk = Meet("D4", node.chunk);
      if (chunk == nullptr || poll_.Step()) return;
      CheckNode(node, *chunk, index);
      CheckRing(*chunk);
      for (const std::uint32_t bit : {0u, 1u}) {
        const VirtAddr child = Word(node.chunk, bit == 0 ? Heap::kChild0 : Heap::kChild1);
        if (!child.is_null()) open.push_back({child, node.chunk, node.depth + 1, node.path << 1 | bit});
      }
    }
  }

  void CheckNode(const Node& node, const FreeChunk& chunk, std::uint32_t index) {
    const std::uint32_t bits = chunk.size < Heap::kTreeMin ? 0 : Heap::TreeBits(chunk.size, index);
    const bool placed = node.depth == 0 || (node.depth < 32 && bits >> (32 - node.depth) == node.path);
    if (chunk.size < Heap::kTreeMin || Heap::TreeIndex(chunk.size) != index || !placed ||
        Word(node.chunk, Heap::kIndex).raw() != index) {
      Add("D4", node.chunk,
          absl::StrFormat("chunk %#010x of %d bytes is in the wrong place, of tree %d", node.chunk.raw(), chunk.size, index));
    }
    if (const VirtAddr parent = Word(node.chunk, Heap::kParent); parent != node.parent) {
      Add("D4", node.chunk,
          absl::StrFormat("chunk %#010x has the parent %#010x, not %#010x", node.chunk.raw(), parent.raw(), node.parent.raw()));
    }
  }

  // The chunks of the same size as a node's.
  void CheckRing(const FreeChunk& node) {
    VirtAddr before = node.chunk;
    for (VirtAddr at = Word(node.chunk, Heap::kFd); at != node.chunk; before = at, at = Word(at, Heap::kFd)) {
      const FreeChunk* chunk = Meet("D4", at);
      if (chunk == nullptr || poll_.Step()) return;
      if (chunk->size != node.size || Word(at, Heap::kBk) != before || !Word(at, Heap::kParent).is_null()) {
        Add("D4", at,
            absl::StrFormat("chunk %#010x of %d bytes does not belong behind %#010x of %d", at.raw(), chunk->size, before.raw(),
                            node.size));
      }
    }
    if (Word(node.chunk, Heap::kBk) != before) {
      Add("D4", node.chunk, absl::StrFormat("the ring of %#010x does not lead back", node.chunk.raw()));
    }
  }

  void CheckAllFound() {
    if (poll_.interrupted()) return;
    for (const FreeChunk& chunk : free_) {
      if (!chunk.met) Add("D5", chunk.chunk, absl::StrFormat("free chunk %#010x is in no bin", chunk.chunk.raw()));
    }
  }

  const DlmallocHeap& heap_;
  const DlmallocHeap::State& state_;
  InterruptPoll poll_;
  std::vector<FreeChunk> free_;  // by address, without top
  std::vector<Violation> found_;
};

std::vector<Violation> DlmallocHeap::CheckInvariants(const Interrupt& interrupt) const {
  return DlmallocCheck(*this, interrupt).Run();
}

}  // namespace alloclab
