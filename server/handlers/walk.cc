#include "server/handlers/walk.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "server/converters/inspect_converter.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// Where a walk is, and how much of it is left.
struct Cursor {
  explicit Cursor(const v1::WalkRequest& request)
      : next(request.from()), left(request.limit() == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit()) {}

  // Takes one element that ends at `end`; false when this message is full or the walk is over.
  bool Take(std::uint64_t end) {
    next = static_cast<std::uint32_t>(end);
    at_the_top = end > std::numeric_limits<std::uint32_t>::max();
    return --left > 0 && ++taken < kWalkPageChunks;
  }
  bool MoreAfter(std::uint32_t seen) const { return seen == kWalkPageChunks && left > 0 && !at_the_top; }

  std::uint32_t next;
  std::uint64_t left;
  std::uint32_t taken = 0;  // in this message
  bool at_the_top = false;  // the element ended at 4 GiB
};

}  // namespace

NextPage<v1::ChunkPage> WalkChunksOf(std::shared_ptr<LiveInstance> instance, const v1::WalkRequest& request) {
  return [instance = std::move(instance), cursor = Cursor(request)](v1::ChunkPage& page) mutable -> absl::StatusOr<bool> {
    cursor.taken = 0;
    bool has_heap = false;
    absl::Status status = instance->Use([&](Driver& driver) {
      const HeapAllocator* heap = driver.instance().heap();
      if (heap == nullptr) return;
      has_heap = true;
      page.set_brk(heap->Shape().brk.raw());
      heap->VisitChunks(VirtAddr(cursor.next), [&](const Chunk& chunk) {
        *page.add_chunks() = ToProto(chunk);
        return cursor.Take(std::uint64_t{chunk.header.raw()} + chunk.bytes);
      });
    });
    if (!status.ok()) return status;
    if (!has_heap) return errors::InstanceWithoutHeap(instance->name());
    return cursor.MoreAfter(static_cast<std::uint32_t>(page.chunks_size()));
  };
}

NextPage<v1::RunPage> WalkRunsOf(std::shared_ptr<LiveInstance> instance, const v1::WalkRequest& request) {
  return [instance = std::move(instance), cursor = Cursor(request)](v1::RunPage& page) mutable -> absl::StatusOr<bool> {
    cursor.taken = 0;
    absl::Status status = instance->Use([&](Driver& driver) {
      driver.instance().pages().VisitRuns(PhysAddr(cursor.next), [&](const FreeRun& run) {
        *page.add_runs() = ToProto(run);
        return cursor.Take(std::uint64_t{run.first.raw()} + run.bytes);
      });
    });
    if (!status.ok()) return status;
    return cursor.MoreAfter(static_cast<std::uint32_t>(page.runs_size()));
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
