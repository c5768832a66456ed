#include "allocators/heap/implicit_heap.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "allocators/heap/chunk_index.h"
#include "allocators/heap/footprint.h"
#include "allocators/heap/guarded_heap.h"
#include "allocators/heap/unguarded_heap.h"

namespace alloclab {
namespace {

constexpr std::uint32_t kTableSpan = 4u << 20;                                   // what one page table maps
constexpr std::uint64_t kLimitBytesMax = (std::uint64_t{2} << 30) - kTableSpan;  // the index counts on chunks below 2 GiB

absl::Status Validate(const ImplicitHeapOptions& options) {
  if (options.engine == Engine::kIndexed && !options.guarded) {
    return absl::InvalidArgumentError("engine: only the literal engine runs unguarded, because the index trusts the chunks");
  }
  if (options.start.raw() % kTableSpan != 0 || options.start.is_null()) {
    return absl::InvalidArgumentError(absl::StrFormat("start: %#x is not a multiple of 4 MiB above 0", options.start.raw()));
  }
  const std::uint64_t room = std::min((std::uint64_t{1} << 32) - kTableSpan - options.start.raw(),
                                      kLimitBytesMax);  // the last 4 MiB stay free: ends never wrap
  if (options.limit_bytes == 0 || options.limit_bytes % kTableSpan != 0 || options.limit_bytes > room) {
    return absl::InvalidArgumentError(
        absl::StrFormat("limit_bytes: %d is not a multiple of 4 MiB from %d to %d", options.limit_bytes, kTableSpan, room));
  }
  // The break passes prologue and initial chunk, and sbrk wants one more word below the limit.
  const std::uint32_t initial_max = options.limit_bytes - 3 * kWordBytes;
  if (options.initial_bytes < 2 * kWordBytes || options.initial_bytes % kWordBytes != 0 ||
      options.initial_bytes > initial_max) {
    return absl::InvalidArgumentError(
        absl::StrFormat("initial_bytes: %d is not a multiple of 4 from 8 to %d", options.initial_bytes, initial_max));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<HeapAllocator>> MakeImplicitHeap(AddressSpace& space, const ImplicitHeapOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (absl::Status status = space.AddPageTables(options.start, options.limit_bytes / kTableSpan); !status.ok()) return status;
  Footprint first_words;
  first_words.AddWord(options.start);                                       // prologue
  first_words.AddWord(options.start + options.initial_bytes);               // first chunk's footer
  first_words.AddWord(options.start + options.initial_bytes + kWordBytes);  // epilogue
  if (!space.CanBringPages(first_words.AbsentPages(space))) {
    return absl::ResourceExhaustedError("no page frames left for the heap's first pages: give the machine more RAM");
  }
  if (!options.guarded) return std::make_unique<UnguardedHeap>(space, options);
  if (options.engine == Engine::kIndexed) return std::make_unique<GuardedHeap<ChunkIndex>>(space, options);
  return std::make_unique<GuardedHeap<NoIndex>>(space, options);
}

}  // namespace alloclab
