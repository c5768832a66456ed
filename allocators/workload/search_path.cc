#include "allocators/workload/search_path.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "allocators/catalog/instance.h"
#include "allocators/machine/load_watch.h"

namespace alloclab {
namespace {

constexpr char kEngine[] = "heap.engine";

// Blocks by the words that are loaded from them.
class Follower {
 public:
  explicit Follower(std::span<const Block> blocks) : blocks_(blocks) {}

  void Load(VirtAddr address) {
    const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), address.raw(),
                                        [](std::uint32_t value, const Block& block) { return value < block.address; });
    if (after == blocks_.begin()) return;
    const Block& block = *std::prev(after);
    if (address.raw() - block.address >= block.bytes || block.kind == BlockKind::kMetadata) return;
    if (&block == std::exchange(current_, &block)) return;
    const Visit visit{++path_.visits, block.address, block.bytes, block.kind == BlockKind::kLive};
    if (path_.first.size() < SearchPath::kEndsMax) {
      path_.first.push_back(visit);
    } else if (path_.last.size() < SearchPath::kEndsMax) {
      path_.last.push_back(visit);
    } else {
      path_.last[oldest_] = visit;
      oldest_ = (oldest_ + 1) % SearchPath::kEndsMax;
    }
  }
  void Fault(VirtAddr address) {
    if (path_.page_faults.size() < SearchPath::kPagesMax) path_.page_faults.push_back(address.raw());
  }
  SearchPath Take() {
    std::rotate(path_.last.begin(), path_.last.begin() + static_cast<std::ptrdiff_t>(oldest_), path_.last.end());
    return std::move(path_);
  }

 private:
  const std::span<const Block> blocks_;
  const Block* current_ = nullptr;
  SearchPath path_;
  std::size_t oldest_ = 0;  // of path_.last, once it is full
};

}  // namespace

std::optional<SearchPath> FollowSearch(Driver& driver, const Operation& operation, std::span<const Block> blocks) {
  const std::shared_ptr<const DriverImage> image = driver.Save();
  InstanceConfig config = image->instance().config();
  if (config.parameters.contains(kEngine)) config.parameters[kEngine] = "literal";
  const auto copy = Instance::Create(config);
  if (!copy.ok() || (*copy)->space() == nullptr) return std::nullopt;
  Driver follower(**copy);
  follower.Restore(*image);
  Follower follow(blocks);
  const LoadWatch watch(
      *(*copy)->space(), [&](VirtAddr address) { follow.Load(address); }, [&](VirtAddr address) { follow.Fault(address); });
  follower.Apply(std::span(&operation, 1));
  return follow.Take();
}

}  // namespace alloclab
