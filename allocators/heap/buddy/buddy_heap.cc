#include "allocators/heap/buddy/buddy_heap.h"

#include "allocators/common/check.h"
#include "allocators/heap/heap_range.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kLeastSize = 16;
constexpr std::uint32_t kSecondFibonacciSize = 24;
// From here on sizes would be larger than any arena: binary 2^30, Fibonacci above that.
constexpr std::uint32_t kBinaryOrders = 26, kFibonacciOrders = 38;

constexpr auto kFibonacciSizes = [] {
  std::array<std::uint32_t, 64> sizes{kLeastSize, kSecondFibonacciSize};
  for (std::size_t k = 2; k < sizes.size(); ++k) sizes[k] = sizes[k - 1] + sizes[k - 2];
  return sizes;
}();
static_assert(kFibonacciSizes[kFibonacciOrders - 1] <= kHeapRangeMax && kFibonacciSizes[kFibonacciOrders] > kHeapRangeMax);
static_assert((kLeastSize << (kBinaryOrders - 1)) <= kHeapRangeMax && (kLeastSize << kBinaryOrders) > kHeapRangeMax);

constexpr std::uint32_t OrdersOf(BuddyHeap::Kind kind) {
  return kind == BuddyHeap::Kind::kBinary ? kBinaryOrders : kFibonacciOrders;
}

}  // namespace

std::uint32_t BuddyHeap::SizeOf(Kind kind, std::uint32_t order) {
  if (kind == Kind::kFibonacci) return kFibonacciSizes[order & kOrderMask];
  return order < 32 ? kLeastSize << order : 0;
}

std::vector<BuddyHeap::Piece> BuddyHeap::PiecesOf(Kind kind, std::uint32_t arena_bytes) {
  ALLOCLAB_CHECK_GE(arena_bytes, kArenaBytesMin);
  std::vector<Piece> pieces;
  VirtAddr at = kHeapStart;
  const VirtAddr end = kHeapStart + arena_bytes;
  for (std::uint32_t order = OrdersOf(kind); order-- > 0;) {
    const std::uint32_t size = SizeOf(kind, order);
    if (size > end - at) continue;
    pieces.push_back({at, order});
    at = at + size;
  }
  return pieces;
}

BuddyHeap::BuddyHeap(AddressSpace& space, Kind kind, std::uint32_t arena_bytes)
    : HeapAllocator(space, ProgramBreak::Arena(space, kHeapStart, arena_bytes)),
      kind_(kind),
      pieces_(PiecesOf(kind, arena_bytes)),
      end_(pieces_.back().start + Size(pieces_.back().order)) {
  for (std::uint32_t order = 0; order < kOrders; ++order) state_.linkf[order] = state_.linkb[order] = HeadOf(order);
  WordView words(space_, costs_);
  for (const Piece& piece : pieces_) Insert(words, piece.start, {piece.order, 0});
}

std::uint32_t BuddyHeap::OrderFor(std::uint32_t bytes) const {
  std::uint32_t order = 0;
  while (order < OrdersOf(kind_) && Size(order) < bytes) ++order;
  return order;
}

std::uint32_t BuddyHeap::PayloadBytes(VirtAddr block) {
  AccessCosts uncounted;
  return Size(WordView(space_, uncounted).Load(block - kHeader) & kOrderMask) - kHeader;
}

std::uint32_t BuddyHeap::BlockBytes(std::uint32_t bytes) const {
  const std::uint32_t order = OrderFor(bytes + kHeader);
  return order < OrdersOf(kind_) ? Size(order) : bytes + kHeader;
}

BuddyHeap::Parts BuddyHeap::PartsOf(Part block) const {
  if (kind_ == Kind::kBinary) return {{block.order - 1, 0}, {block.order - 1, 0}};
  return {{block.order - 1, (block.bits & kRight) != 0 ? kMemory : 0}, {block.order - 2, kRight | (block.bits & kMemory)}};
}

std::uint32_t BuddyHeap::JoinedBits(std::uint32_t left, std::uint32_t right) {
  return ((left & kMemory) != 0 ? kRight : 0) | (right & kMemory);
}

BuddyHeap::Buddy BuddyHeap::BuddyOf(VirtAddr block, Part part) const {
  const std::uint32_t order = part.order;
  if (kind_ == Kind::kBinary) return {start() + ((block - start()) ^ Size(order)), order, order + 1};
  if ((part.bits & kRight) != 0) return {block - Size(order + 1), order + 1, order + 2};
  return {block + Size(order), order - 1, order + 1};
}

// Of the piece that the block is in.
std::uint32_t BuddyHeap::PieceOrder(VirtAddr block) const {
  std::uint32_t order = pieces_.front().order;
  for (const Piece& piece : pieces_) {
    if (piece.start <= block) order = piece.order;
  }
  return order;
}

VirtAddr BuddyHeap::LinkF(WordView& words, VirtAddr at) const {
  return IsHead(at) ? state_.linkf[at.raw() - 1] : VirtAddr(words.Load(at + kLinkF));
}
VirtAddr BuddyHeap::LinkB(WordView& words, VirtAddr at) const {
  return IsHead(at) ? state_.linkb[at.raw() - 1] : VirtAddr(words.Load(at + kLinkB));
}
void BuddyHeap::SetLinkF(WordView& words, VirtAddr at, VirtAddr to) {
  if (IsHead(at)) {
    state_.linkf[at.raw() - 1] = to;
  } else {
    words.Store(at + kLinkF, to.raw());
  }
}
void BuddyHeap::SetLinkB(WordView& words, VirtAddr at, VirtAddr to) {
  if (IsHead(at)) {
    state_.linkb[at.raw() - 1] = to;
  } else {
    words.Store(at + kLinkB, to.raw());
  }
}

// S3: the block is available, at the front of its list.
void BuddyHeap::Insert(WordView& words, VirtAddr block, Part part) {
  const VirtAddr head = HeadOf(part.order & kOrderMask), next = LinkF(words, head);
  words.Store(block, (part.order & kOrderMask) | part.bits | kAvailable);
  SetLinkF(words, block, next);
  SetLinkB(words, next, block);
  SetLinkB(words, block, head);
  SetLinkF(words, head, block);
}

void BuddyHeap::Remove(WordView& words, VirtAddr block) {
  const VirtAddr before = LinkB(words, block), next = LinkF(words, block);
  SetLinkF(words, before, next);
  SetLinkB(words, next, before);
}

// Algorithm R
HeapResult BuddyHeap::Malloc(std::uint32_t bytes) {
  if (bytes == 0) return {Outcome::kZeroSize, VirtAddr{}};
  const std::uint32_t wanted = OrderFor(bytes + kHeader);  // the sum wraps
  VirtAddr block;
  std::uint32_t order = wanted;
  for (; order <= pieces_.front().order && block.is_null(); ++order) {
    ++costs_.search_steps;
    if (state_.linkf[order] != HeadOf(order)) block = state_.linkf[order];
  }
  EndSearch();
  if (block.is_null()) return {Outcome::kOutOfMemory, VirtAddr{}};
  return {Outcome::kOk, Take(block, order - 1, wanted) + kHeader};
}

VirtAddr BuddyHeap::Take(VirtAddr block, std::uint32_t order, std::uint32_t wanted) {
  WordView words(space_, costs_);
  Remove(words, block);
  Part part{order, words.Load(block) & (kRight | kMemory)};
  if (part.order > wanted && CanBeSplit(part.order)) ++state_.counters.Of<"splits">();
  while (part.order > wanted && CanBeSplit(part.order)) {
    ++state_.counters.Of<"pairs_split">();
    const auto [left, right] = PartsOf(part);
    const VirtAddr right_address = block + Size(left.order);
    const bool right_does = right.order == wanted || (right.order > wanted && CanBeSplit(right.order));
    if (kind_ == Kind::kFibonacci && right_does) {
      Insert(words, block, left);
      block = right_address;
      part = right;
    } else {
      Insert(words, right_address, right);
      part = left;
    }
  }
  words.Store(block, part.order | part.bits);
  return block;
}

// Algorithm S
HeapResult BuddyHeap::Free(VirtAddr payload) {
  if (payload.is_null()) return {};
  WordView words(space_, costs_);
  VirtAddr block = payload - kHeader;
  const std::uint32_t header = words.Load(block);
  Part part{header & kOrderMask, header & (kRight | kMemory)};
  bool below = false, above = false;
  for (const std::uint32_t whole = PieceOrder(block); part.order < whole;) {
    const Buddy buddy = BuddyOf(block, part);
    const std::uint32_t word = words.Load(buddy.address);
    if ((word & (kAvailable | kOrderMask)) != (kAvailable | (buddy.order & kOrderMask))) break;
    Remove(words, buddy.address);
    ++state_.counters.Of<"pairs_joined">();
    const bool is_left = buddy.address < block;
    (is_left ? below : above) = true;
    part = {buddy.joined_order, is_left ? JoinedBits(word, part.bits) : JoinedBits(part.bits, word)};
    if (is_left) block = buddy.address;
  }
  Insert(words, block, part);
  ++state_.counters.Of<"merges">(MergedWith(below, above));
  return {};
}

}  // namespace alloclab
