// Page runs by walking the list in RAM, step for step as the original does: the reference. See page_runs.h.
#ifndef ALLOCLAB_ALLOCATORS_PAGES_LITERAL_PAGE_RUNS_H_
#define ALLOCLAB_ALLOCATORS_PAGES_LITERAL_PAGE_RUNS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "allocators/pages/page_allocator.h"
#include "allocators/pages/run_list.h"

namespace alloclab {

class LiteralPageRuns final : public PageAllocator {
 public:
  // REQUIRES: the arena lies in RAM and is not empty; smaller than 2 GiB unless guarded.
  LiteralPageRuns(PhysicalMemory& memory, const Arena& arena, bool guarded) : list_(memory, arena), guarded_(guarded) {}

  PageResult Allocate(std::uint32_t bytes) override;
  PageResult Free(PhysAddr first, std::uint32_t bytes) override;

  std::optional<PageFrame> TakeFrame() override;
  bool CanTakeFrames(std::uint32_t count) const override;

  PageShape Shape() const override;
  void VisitRuns(PhysAddr from, const std::function<bool(const FreeRun&)>& visit) const override;
  std::vector<Violation> CheckInvariants() const override { return list_.CheckInvariants(); }
  std::uint64_t host_bytes() const override { return sizeof(*this); }

 private:
  class Words;
  struct Linked {  // how a freed range came into the list
    Outcome outcome = Outcome::kOk;
    Merge merge = Merge::kNothing;
    PhysAddr run{};  // kMachineHang: met twice
  };

  std::optional<Outcome> RefusedFree(PhysAddr first, std::uint32_t bytes) const;
  // Junk over the range, byte by byte upwards, wrapping at 32 bits. Where it left RAM, or nothing.
  std::optional<PhysAddr> Fill(PhysAddr first, std::uint32_t bytes);
  Linked Link(Words& words, PhysAddr first, std::uint32_t bytes);
  Merge MergeBelow(Words& words, PhysAddr link, std::uint32_t bytes, std::uint64_t end);

  // One past the last byte: the original's pointer wraps; a guarded arena may end at 4 GiB.
  std::uint64_t EndOf(PhysAddr first, std::uint32_t bytes) const {
    return guarded_ ? std::uint64_t{first.raw()} + bytes : (first + bytes).raw();
  }
  // The original compares signed lengths.
  bool IsLonger(std::uint32_t run_bytes, std::uint32_t bytes) const {
    return guarded_ ? run_bytes > bytes : static_cast<std::int32_t>(run_bytes) > static_cast<std::int32_t>(bytes);
  }

  RunList list_;
  const bool guarded_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_PAGES_LITERAL_PAGE_RUNS_H_
