// What an address space keeps beside RAM: the translation cache, saved states, and what a journal puts back.
#include <algorithm>

#include "allocators/common/check.h"
#include "allocators/machine/address_space.h"

namespace alloclab {

std::unique_ptr<AddressSpace> AddressSpace::CreateOver(PhysicalMemory& memory, FrameSource& frames, const State& state) {
  std::unique_ptr<AddressSpace> space(new AddressSpace(memory, frames, state.directory));
  space->Restore(state);
  return space;
}

AddressSpace::State AddressSpace::Save() const {
  return {FrameOf(directory_), costs_, last_fault_, cache_first_, static_cast<std::uint32_t>(cache_.size())};
}

void AddressSpace::Restore(const State& state) {
  ALLOCLAB_CHECK(!undoable_);
  ALLOCLAB_CHECK_EQ(state.directory, FrameOf(directory_));
  costs_ = state.costs;
  last_fault_ = state.last_fault;
  cache_first_ = state.first_page;
  cache_.assign(state.pages, nullptr);
  readable_.clear();
}

void AddressSpace::CoverPages(VirtAddr first, std::uint32_t pages) {
  std::vector<std::uint32_t*>& cache = Cache();
  if (cache.empty()) cache_first_ = first.page();
  if (first.page() < cache_first_) {  // at least twice as many, so that blocks mapped downwards are not slow
    const std::uint32_t wanted = std::max<std::uint32_t>(cache_first_ - first.page(), static_cast<std::uint32_t>(cache.size()));
    const std::uint32_t added = std::min(cache_first_, wanted);
    cache.insert(cache.begin(), added, nullptr);
    if (!readable_.empty()) readable_.insert(readable_.begin(), added, nullptr);
    cache_first_ -= added;
  }
  cache.resize(std::max<std::size_t>(cache.size(), first.page() - cache_first_ + pages));
}

void AddressSpace::ForgetPage(VirtAddr page) {
  std::vector<std::uint32_t*>& cache = Cache();
  const std::uint32_t i = page.page() - cache_first_;
  if (i >= cache.size()) return;
  const bool readable = i < readable_.size();
  if (undoable_) forgotten_.push_back({page.page(), cache[i], readable ? readable_[i] : nullptr});
  cache[i] = nullptr;
  if (readable) readable_[i] = nullptr;
}

void AddressSpace::ForgetWritablePointers() {
  readable_.resize(cache_.size());
  for (std::size_t i = 0; i < cache_.size(); ++i) {
    if (cache_[i] != nullptr) readable_[i] = cache_[i];
    cache_[i] = nullptr;
  }
}

void AddressSpace::ForgetAllPointers() {
  if (undoable_) {
    for (std::uint32_t i = 0; i < cache_aside_.size(); ++i) ForgetPage(VirtAddr((cache_first_ + i) << kPageShift));
    return;
  }
  std::fill(cache_.begin(), cache_.end(), nullptr);
  readable_.clear();
}

void AddressSpace::BeginUndoable() {
  undoable_ = true;
  costs_before_ = costs_;
  last_fault_before_ = last_fault_;
  cache_.swap(cache_aside_);
}

void AddressSpace::EndUndoable(bool undo) {
  undoable_ = false;
  cache_.swap(cache_aside_);
  if (undo) {
    costs_ = costs_before_;
    last_fault_ = last_fault_before_;
    for (auto entry = forgotten_.rbegin(); entry != forgotten_.rend(); ++entry) {
      const std::uint32_t i = entry->page - cache_first_;
      cache_[i] = entry->words;
      if (i < readable_.size()) readable_[i] = entry->readable;
    }
  }
  forgotten_.clear();
}

std::uint64_t AddressSpace::host_bytes() const {
  return sizeof(*this) + (cache_.capacity() + cache_aside_.capacity() + readable_.capacity()) * sizeof(cache_[0]) +
         forgotten_.capacity() * sizeof(forgotten_[0]);
}

}  // namespace alloclab
