// What a heap shows of itself: its blocks, the words of its digest, what is wrong with it. All of it is safe on any contents of
// RAM.
#include <algorithm>
#include <bit>
#include <bitset>

#include "absl/strings/str_format.h"
#include "allocators/heap/linux_bucket/linux_bucket_heap.h"

namespace alloclab {

std::optional<LinuxBucketHeap::Descriptor> LinuxBucketHeap::Peek(VirtAddr descriptor) const {
  std::array<std::uint32_t, kDescriptorBytes / kWordBytes> words{};
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    const std::optional<std::uint32_t> word = space_.Peek(descriptor + i * kWordBytes);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  return Descriptor{.address = descriptor,
                    .page = VirtAddr(words[kPage / kWordBytes]),
                    .next = VirtAddr(words[kNext / kWordBytes]),
                    .free = VirtAddr(words[kFree / kWordBytes]),
                    .count = words[kCount / kWordBytes] & 0xFFFF,
                    .size = words[kCount / kWordBytes] >> 16};
}

std::optional<BrokenWalk> LinuxBucketHeap::ReadChain(std::uint32_t index, std::vector<Descriptor>& chain) const {
  std::uint32_t pages_left = (brk() - start()) / kPageBytes;
  for (VirtAddr at = state_.chains[index]; !at.is_null(); at = chain.back().next) {
    const std::optional<Descriptor> descriptor = Peek(at);
    if (!descriptor) {
      return BrokenWalk{
          at.raw(), absl::StrFormat("the chain of class %d leads to %#010x, which is not mapped", ClassBytes(index), at.raw())};
    }
    if (pages_left-- == 0) {
      return BrokenWalk{at.raw(),
                        absl::StrFormat("the chain of class %d has more descriptors than there are pages", ClassBytes(index))};
    }
    chain.push_back(*descriptor);
  }
  return std::nullopt;
}

bool LinuxBucketHeap::ReadFreeObjects(const Descriptor& descriptor, std::vector<VirtAddr>& objects) const {
  for (VirtAddr at = descriptor.free; !at.is_null();) {
    const std::optional<std::uint32_t> next = space_.Peek(at);
    if (!next || at.page() != descriptor.page.page() || objects.size() == descriptor.Objects()) return false;
    objects.push_back(at);
    at = VirtAddr(*next);
  }
  return true;
}

bool LinuxBucketHeap::ReadFreeDescriptors(std::vector<VirtAddr>& descriptors) const {
  const std::size_t most = (brk() - start()) / kDescriptorBytes;
  for (VirtAddr at = state_.free_descriptors; !at.is_null();) {
    const std::optional<std::uint32_t> next = space_.Peek(at + kNext);
    if (!next || descriptors.size() == most) return false;
    descriptors.push_back(at);
    at = VirtAddr(*next);
  }
  return true;
}

std::vector<std::uint64_t> LinuxBucketHeap::FigureValues() const {
  std::vector<Descriptor> chains;
  for (std::uint32_t index = 0; index < kClasses; ++index) ReadChain(index, chains);
  std::vector<VirtAddr> free;
  ReadFreeDescriptors(free);
  return {chains.size(), free.size(), FreePages()};
}

std::optional<BrokenWalk> LinuxBucketHeap::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  std::vector<Descriptor> chains;
  for (std::uint32_t index = 0; index < kClasses; ++index) {
    if (const auto broken = ReadChain(index, chains)) return broken;
  }
  std::vector<const Descriptor*> of_page((brk() - start()) / kPageBytes);
  for (const Descriptor& descriptor : chains) {
    const bool is_class =
        std::has_single_bit(descriptor.size) && descriptor.size >= ClassBytes(0) && descriptor.size <= kPageBytes;
    if (is_class && InArena(descriptor.page)) of_page[descriptor.page.page() - start().page()] = &descriptor;
  }
  const VirtAddr wanted(from.address);
  for (std::uint32_t page = 0; page < of_page.size();) {
    if (of_page[page] != nullptr) {
      if (!ShowObjects(*of_page[page++], wanted, visit)) return std::nullopt;
      continue;
    }
    const VirtAddr at = start() + page++ * kPageBytes;
    const bool in_use = InUse(at);  // if so, of descriptors
    while (!in_use && page < of_page.size() && of_page[page] == nullptr && !InUse(start() + page * kPageBytes)) ++page;
    const Block block{.address = at.raw(),
                      .bytes = start() + page * kPageBytes - at,
                      .kind = in_use ? BlockKind::kMetadata : BlockKind::kFree};
    if (block.address + block.bytes > wanted.raw() && !visit(block)) return std::nullopt;
  }
  return std::nullopt;
}

// Whether to go on.
bool LinuxBucketHeap::ShowObjects(const Descriptor& descriptor, VirtAddr wanted, const BlockVisitor& visit) const {
  std::vector<VirtAddr> free;
  ReadFreeObjects(descriptor, free);
  std::bitset<kPageBytes / ClassBytes(0)> is_free;
  for (const VirtAddr object : free) is_free.set(object.offset() / descriptor.size);
  const VirtAddr page(descriptor.page.raw() - descriptor.page.offset());
  for (std::uint32_t i = 0; i < descriptor.Objects(); ++i) {
    const VirtAddr object = page + i * descriptor.size;
    const Block block{.address = object.raw(),
                      .bytes = descriptor.size,
                      .kind = is_free[i] ? BlockKind::kFree : BlockKind::kLive,
                      .payload = is_free[i] ? 0 : object.raw(),
                      .fields = {descriptor.size, descriptor.address.raw(), descriptor.count,
                                 is_free[i] ? space_.Peek(object).value_or(0) : 0}};
    if (block.address + block.bytes > wanted.raw() && !visit(block)) return false;
  }
  return true;
}

void LinuxBucketHeap::VisitMetadata(const std::function<void(std::uint32_t word)>& visit, const Interrupt& interrupt) const {
  InterruptPoll poll(interrupt);
  for (std::uint32_t index = 0; index < kClasses; ++index) {
    visit(ClassBytes(index));
    visit(state_.chains[index].raw());
    std::vector<Descriptor> chain;
    ReadChain(index, chain);
    for (const Descriptor& descriptor : chain) {
      for (const VirtAddr word : {descriptor.address, descriptor.page, descriptor.next, descriptor.free}) visit(word.raw());
      visit(descriptor.count | descriptor.size << 16);
      std::vector<VirtAddr> free;
      ReadFreeObjects(descriptor, free);
      for (const VirtAddr object : free) visit(object.raw());
      visit(0);
      if (poll.Step()) return;
    }
  }
  std::vector<VirtAddr> free;
  ReadFreeDescriptors(free);
  for (const VirtAddr descriptor : free) visit(descriptor.raw());
  visit(0);
  for (std::uint32_t i = 0; i < kMapPages; i += kWordBytes) {
    std::uint32_t word = 0;
    for (std::uint32_t k = 0; k < kWordBytes; ++k) word |= std::uint32_t{state_.mem_map[i + k]} << 8 * k;
    visit(word);
  }
}

std::vector<Violation> LinuxBucketHeap::CheckInvariants(const Interrupt& interrupt) const {
  std::vector<Violation> found;
  const auto add = [&](const char* invariant, VirtAddr where, std::string what) {
    if (!what.empty() && found.size() < kViolationsMax) found.push_back({invariant, where.raw(), std::move(what)});
  };
  InterruptPoll poll(interrupt);
  std::vector<VirtAddr> chained, pages;
  for (std::uint32_t index = 0; index < kClasses; ++index) {
    std::vector<Descriptor> chain;
    if (const auto broken = ReadChain(index, chain)) add("B1", VirtAddr(broken->address), broken->what);
    for (const Descriptor& descriptor : chain) {
      if (poll.Step()) return found;
      add("B1", descriptor.address, CheckDescriptor(descriptor, index));
      add("B2", descriptor.address, CheckObjects(descriptor));
      if (descriptor.count == 0) {
        add("B3", descriptor.address, absl::StrFormat("no object of the page %#010x is live", descriptor.page.raw()));
      }
      chained.push_back(descriptor.address);
      pages.push_back(descriptor.page);
    }
  }
  std::ranges::sort(pages);
  if (const auto twice = std::ranges::adjacent_find(pages); twice != pages.end()) {
    add("B1", *twice, absl::StrFormat("two descriptors have the page %#010x", twice->raw()));
  }
  std::ranges::sort(chained);
  std::vector<VirtAddr> free;
  if (!ReadFreeDescriptors(free)) add("B4", state_.free_descriptors, "the list of free descriptors is broken");
  for (const VirtAddr descriptor : free) {
    if (poll.Step()) return found;
    if (!InUse(descriptor) || descriptor.raw() % kDescriptorBytes != 0 || std::ranges::binary_search(chained, descriptor)) {
      add("B4", descriptor, absl::StrFormat("%#010x is in the list of free descriptors, but is none", descriptor.raw()));
    }
  }
  return found;
}

// What is wrong with one on the chain of a class; empty: nothing.
std::string LinuxBucketHeap::CheckDescriptor(const Descriptor& descriptor, std::uint32_t index) const {
  if (!InUse(descriptor.address) || descriptor.address.raw() % kDescriptorBytes != 0) {
    return absl::StrFormat("%#010x is on the chain of class %d, but is no descriptor", descriptor.address.raw(),
                           ClassBytes(index));
  }
  if (descriptor.size != ClassBytes(index) || descriptor.page.offset() != 0 || !InUse(descriptor.page)) {
    return absl::StrFormat(
        "the descriptor at %#010x is for objects of %d bytes in the page %#010x; expected class %d, and a page "
        "that is in use",
        descriptor.address.raw(), descriptor.size, descriptor.page.raw(), ClassBytes(index));
  }
  return {};
}

std::string LinuxBucketHeap::CheckObjects(const Descriptor& descriptor) const {
  std::vector<VirtAddr> free;
  const bool whole = ReadFreeObjects(descriptor, free);
  std::ranges::sort(free);
  if (!whole || std::ranges::adjacent_find(free) != free.end()) {
    return absl::StrFormat("the free objects of the page %#010x are no list that ends in it", descriptor.page.raw());
  }
  const auto odd = std::ranges::find_if(free, [&](VirtAddr object) { return object.offset() % descriptor.size != 0; });
  if (odd != free.end()) return absl::StrFormat("%#010x is free, but no object of %d bytes", odd->raw(), descriptor.size);
  if (descriptor.count + free.size() != descriptor.Objects()) {
    return absl::StrFormat("the page %#010x has %d live objects and %d free ones, of %d", descriptor.page.raw(),
                           descriptor.count, free.size(), descriptor.Objects());
  }
  return {};
}

}  // namespace alloclab
