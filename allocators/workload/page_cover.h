// The pages of a heap in which blocks of the program ever lay: what a program that writes to all of its blocks takes of RAM,
// which a trace, that only says how large they are, cannot tell by page faults.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_PAGE_COVER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_PAGE_COVER_H_

#include <cstdint>
#include <vector>

#include "allocators/machine/address.h"

namespace alloclab {

class PageCover {
 public:
  // A block of at least one byte; one that would go round the end of the address space ends there.
  void Cover(std::uint32_t address, std::uint32_t bytes) {
    if (bytes == 0) return;
    const std::uint32_t end = address + (bytes - 1) < address ? ~0u : address + (bytes - 1);
    for (std::uint32_t page = address / kPageBytes; page <= end / kPageBytes; ++page) CoverPage(page);
  }
  std::uint64_t pages() const { return pages_; }

  friend bool operator==(const PageCover&, const PageCover&) = default;

 private:
  void CoverPage(std::uint32_t page) {
    if (covered_.empty()) covered_.resize(kPagesOfAll);
    if (covered_[page]) return;
    covered_[page] = true;
    ++pages_;
  }

  static constexpr std::uint32_t kPagesOfAll = 1u << 20;

  std::vector<bool> covered_;  // 128 KiB, once there is a block
  std::uint64_t pages_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_PAGE_COVER_H_
