#include "allocators/pages/runs/run_list.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// Collects what is broken about the runs of a list, met in list order.
class Inspection {
 public:
  explicit Inspection(const Arena& arena) : arena_(arena) {}

  void Meet(const FreeRun& run) {
    const std::uint64_t end = std::uint64_t{run.first.raw()} + run.bytes;
    if (run.first.offset() != 0) Broken("P1", run.first, absl::StrFormat("is not page-aligned"));
    if (run.bytes == 0 || run.bytes % kPageBytes != 0 || (run.bytes >> 31 != 0 && run.bytes > arena_.bytes)) {
      Broken("P1", run.first, absl::StrFormat("is %d bytes long, not a positive multiple of the page", run.bytes));
    }
    if (!arena_.Contains(run.first, run.bytes)) {
      Broken("P1", run.first,
             absl::StrFormat("ends at 0x%x, the arena is 0x%x to 0x%x", end, arena_.first.raw(), arena_.end()));
    }
    if (met_ && run.first <= last_.first) {
      Broken("P2", run.first, absl::StrFormat("comes after the run at 0x%08x", last_.first.raw()));
    } else if (met_ && run.first.raw() <= last_end()) {
      Broken("P3", run.first,
             absl::StrFormat("%s the run at 0x%08x, which ends at 0x%x", run.first.raw() == last_end() ? "touches" : "overlaps",
                             last_.first.raw(), last_end()));
    }
    met_ = true;
    last_ = run;
    bytes_ += run.bytes;
  }

  std::vector<Violation> Finish(const RunList::WalkEnd& walk, std::int64_t free_bytes) {
    if (walk.end == RunList::End::kCircle) Broken("P2", walk.at, "comes again: the list does not end");
    if (walk.end == RunList::End::kOutsideRam) Broken("P1", walk.at, "is outside RAM");
    if (free_bytes < 0 || bytes_ != static_cast<std::uint64_t>(free_bytes)) {
      Broken("P4", arena_.first, absl::StrFormat("the list holds %d bytes, the counters say %d", bytes_, free_bytes), "");
    }
    return std::move(found_);
  }

  bool full() const { return found_.size() >= kViolationsMax; }

 private:
  std::uint64_t last_end() const { return std::uint64_t{last_.first.raw()} + last_.bytes; }
  void Broken(const char* invariant, PhysAddr at, const std::string& what, const char* subject = "the run ") {
    if (!full()) found_.push_back({invariant, at.raw(), subject + what});
  }

  const Arena arena_;
  bool met_ = false;
  FreeRun last_;
  std::uint64_t bytes_ = 0;
  std::vector<Violation> found_;
};

std::optional<BrokenWalk> BrokenAt(const RunList::WalkEnd& end) {
  switch (end.end) {
    case RunList::End::kStopped:
    case RunList::End::kNull:
      return std::nullopt;
    case RunList::End::kOutsideRam:
      return BrokenWalk{end.at.raw(), absl::StrFormat("the list leads to %#010x, which is outside RAM", end.at.raw())};
    case RunList::End::kCircle:
      return BrokenWalk{end.at.raw(), absl::StrFormat("the list leads to %#010x again: it does not end", end.at.raw())};
  }
  return std::nullopt;
}

}  // namespace

RunList::RunList(PhysicalMemory& memory, const Arena& arena)
    : memory_(memory), arena_(arena), state_{arena.first, arena.bytes, {}} {
  ALLOCLAB_CHECK_GT(arena.bytes, 0u);
  const bool in_ram = memory_.FillFrames(FrameOf(arena.first), arena.bytes >> kPageShift, kJunk) &&
                      memory_.StoreU32(head() + kRunNext, 0) && memory_.StoreU32(head() + kRunBytes, arena.bytes);
  ALLOCLAB_CHECK(in_ram);
}

std::optional<BrokenWalk> RunList::VisitBlocks(BlockCursor from, const BlockVisitor& visit) const {
  bool reached = from.exact;
  const WalkEnd end = WalkFrom(from.exact ? PhysAddr(from.address) : head(), [&](const FreeRun& run) {
    reached = reached || run.first.raw() + std::uint64_t{run.bytes} > from.address;
    if (!reached) return true;
    const std::uint32_t next = memory_.LoadU32(run.first + kRunNext).value_or(0);
    return visit(Block{run.first.raw(), run.bytes, BlockKind::kFree, 0, {next}});
  });
  return BrokenAt(end);
}

PageShape RunList::Shape() const {
  PageShape shape{.arena = arena_};
  std::uint64_t free_from = arena_.first.raw();  // the next run lies from here on
  const WalkEnd end = Walk([&](const FreeRun& run) {
    if (run.first.raw() < free_from || !arena_.Contains(run.first, run.bytes)) {
      shape.broken =
          BrokenWalk{run.first.raw(), absl::StrFormat("the list has a block of %d bytes at %#010x, expected one from "
                                                      "%#010x to the arena's end at %#010x",
                                                      run.bytes, run.first.raw(), free_from, arena_.end())};
      return false;
    }
    free_from = run.first.raw() + std::uint64_t{run.bytes};
    ++shape.free_blocks;
    shape.free_bytes += run.bytes;
    shape.largest_free_bytes = std::max<std::uint64_t>(shape.largest_free_bytes, run.bytes);
    return true;
  });
  if (!shape.broken) shape.broken = BrokenAt(end);
  return shape;
}

void RunList::VisitMetadata(const std::function<void(std::uint32_t word)>& visit) const {
  Walk([&visit](const FreeRun& run) {
    visit(run.first.raw());
    visit(run.bytes);
    return true;
  });
}

std::vector<Violation> RunList::CheckInvariants(const Interrupt& interrupt) const {
  Inspection inspection(arena_);
  InterruptPoll poll(interrupt);
  const WalkEnd walk = Walk([&](const FreeRun& run) {
    inspection.Meet(run);
    return !inspection.full() && !poll.Step();
  });
  if (poll.interrupted()) return {};
  return inspection.Finish(walk, free_bytes());
}

}  // namespace alloclab
