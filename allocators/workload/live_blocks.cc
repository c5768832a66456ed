#include "allocators/workload/live_blocks.h"

namespace alloclab {

std::optional<std::uint32_t> LiveBlocks::ReleaseAt(std::uint32_t address) {
  if (const auto it = unnamed_.find(address); it != unnamed_.end()) {
    const std::uint32_t bytes = it->second;
    unnamed_.erase(it);
    return bytes;
  }
  if (!indexed_) BuildIndex();
  const auto it = handle_at_.find(address);
  if (it == handle_at_.end()) return std::nullopt;
  NamedBlock& block = handles_[it->second];
  const std::uint32_t bytes = block.bytes - 1;
  block.bytes = kNotLive;
  handle_at_.erase(it);
  return bytes;
}

void LiveBlocks::Abandon(const NamedBlock& block) {
  unnamed_[block.address] = block.bytes - 1;
  if (indexed_) handle_at_.erase(block.address);
}

void LiveBlocks::BuildIndex() {
  handles_.ForEach([this](std::uint32_t handle, const NamedBlock& block) {
    if (block.bytes != kNotLive) handle_at_[block.address] = handle;
  });
  indexed_ = true;
}

std::optional<std::uint32_t> LiveBlocks::HandleAt(std::uint32_t address) const {
  std::optional<std::uint32_t> found;
  handles_.ForEach([&](std::uint32_t handle, const NamedBlock& block) {
    if (block.address == address && block.bytes != kNotLive) found = handle;
  });
  return found;
}

void LiveBlocks::Restore(const Image& image) {
  handles_.Restore(image.handles);
  unnamed_ = image.unnamed;
  handle_at_.clear();
  indexed_ = false;
}

std::uint64_t LiveBlocks::host_bytes() const { return handles_.host_bytes() + MapBytes(); }

std::uint64_t LiveBlocks::MapBytes() const {
  constexpr std::uint64_t kEntryBytes = sizeof(decltype(unnamed_)::value_type) + 1;  // one control byte each
  return kEntryBytes * (unnamed_.capacity() + handle_at_.capacity());
}

std::uint64_t LiveBlocks::GrowthBytes() const {
  constexpr std::uint64_t kIndexFactor =
      4;  // of a table of handles: an entry is as large, a map half full, the half of it before
  return 2 * MapBytes() + (indexed_ ? 0 : kIndexFactor * handles_.host_bytes());
}

}  // namespace alloclab
