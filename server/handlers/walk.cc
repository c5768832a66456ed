#include "server/handlers/walk.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "server/converters/inspect_converter.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// A walk of one allocator's blocks, of which each message takes the next part.
class BlockWalk {
 public:
  explicit BlockWalk(const v1::WalkBlocksRequest& request)
      : kind_(request.allocator()),
        cursor_{.address = request.from()},
        left_(request.limit() == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit()) {}

  // Fills the next message. Whether there is another one; nothing if the instance has no heap.
  std::optional<bool> Next(const Driver& driver, v1::BlockList& list) {
    const Instance& machine = driver.instance();
    // Only if nothing happened since the last message does the next block still start where that one ended.
    cursor_.exact = taken_in_all_ > 0 && driver.operations() == operations_;
    operations_ = driver.operations();
    if (kind_ == v1::PAGES) {
      const std::uint64_t end = machine.pages().arena().end();
      return Take(machine.pages(), static_cast<std::uint32_t>(end), list);
    }
    if (machine.heap() == nullptr) return std::nullopt;
    return Take(*machine.heap(), machine.heap()->brk().raw(), list);
  }

 private:
  template <class Allocator>
  bool Take(const Allocator& allocator, std::uint32_t end, v1::BlockList& list) {
    const Declaration& declaration = allocator.declaration();
    list = EmptyBlockList(declaration);
    list.set_end(end);
    bool more = false;
    const auto broken = allocator.VisitBlocks(cursor_, [&](const Block& block) {
      cursor_.address = block.address;
      more = left_ > 0 && list.blocks_size() == static_cast<int>(kWalkPageBlocks);
      if (more || left_ == 0) return false;
      *list.add_blocks() = ToProto(block, declaration);
      --left_;
      ++taken_in_all_;
      return true;
    });
    if (broken) *list.mutable_broken() = ToProto(*broken);
    return more;
  }

  const v1::AllocatorKind kind_;
  BlockCursor cursor_;
  std::uint64_t left_, taken_in_all_ = 0;
  std::uint64_t operations_ = 0;  // of the instance, at the last message
};

}  // namespace

NextPage<v1::BlockList> WalkBlocksOf(const std::shared_ptr<LiveInstance>& instance, const v1::WalkBlocksRequest& request) {
  return [weak = std::weak_ptr(instance), name = instance->name(), walk = BlockWalk(request)](
             v1::BlockList& list, const Interrupt& left) mutable -> absl::StatusOr<bool> {
    const std::shared_ptr<LiveInstance> found = weak.lock();
    if (!found) return errors::InstanceDeleted(name);
    std::optional<bool> more;
    absl::Status status =
        found->LookAt([&](const Driver& driver) { more = walk.Next(driver, list); }, MonotonicTime::InfiniteFuture(), left);
    if (!status.ok()) return status;
    if (Interrupted(left)) return errors::CallCancelled();
    if (!more) return errors::InstanceWithoutHeap(name);
    return *more;
  };
}

absl::Status ReadMemoryOf(const Driver& driver, const v1::ReadMemoryRequest& request, std::string& data) {
  Instance& machine = driver.instance();
  std::vector<std::uint8_t> bytes(request.bytes());
  const std::span<std::uint8_t> all(bytes);
  const auto read = [&](PhysAddr from, std::span<std::uint8_t> to) {
    return machine.memory().Read(from, to) ? absl::OkStatus()
                                           : errors::OutsideRam(from.raw(), to.size(), machine.memory().size_bytes());
  };
  if (request.physical()) {
    if (absl::Status status = read(PhysAddr(request.address()), all); !status.ok()) return status;
  } else if (machine.space() == nullptr) {
    return errors::InstanceWithoutHeap(request.instance());
  } else {
    for (std::size_t done = 0; done < bytes.size();) {
      const VirtAddr at = VirtAddr(request.address()) + static_cast<std::uint32_t>(done);
      const std::size_t count = std::min<std::size_t>(bytes.size() - done, kPageBytes - at.offset());
      const Translation translation = machine.space()->Translate(at);
      if (!translation.phys) return errors::PageNotPresent(at.raw());
      if (absl::Status status = read(*translation.phys, all.subspan(done, count)); !status.ok()) return status;
      done += count;
    }
  }
  data.assign(bytes.begin(), bytes.end());
  return absl::OkStatus();
}

}  // namespace alloclab::server
