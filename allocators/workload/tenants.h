// Who lived at an address: the blocks of a run that held it, one after the other, each by the operation that made it and by the
// one that ended it.
//
// A block holds the bytes that the program asked for, from the address that it got; a block of pages holds whole pages. What an
// allocator keeps around them, and blocks of no bytes, are nobody's. A block whose handle is used again is leaked: it stays.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TENANTS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TENANTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "allocators/workload/driver.h"
#include "allocators/workload/operation.h"

namespace alloclab {

struct Tenant {
  std::uint64_t allocated_by = 0;  // an operation, counted from 1
  std::uint64_t ended_by = 0;      // likewise: freed, moved or made smaller; 0: it lived on
  std::uint32_t address = 0;       // that the program got
  std::uint64_t bytes = 0;         // asked for
  friend bool operator==(const Tenant&, const Tenant&) = default;
};

struct TenantReport {
  std::uint64_t operations = 0;  // looked through so far
  std::uint64_t count = 0;       // of tenants
  std::vector<Tenant> tenants;   // the first of them, by allocated_by
  std::vector<std::string> sentences;
};

class TenantSearch {
 public:
  static constexpr std::size_t kTenantsMax = 1000;  // that a report lists

  // `pages`: of blocks of pages, by physical address; otherwise of the heap, by virtual address.
  TenantSearch(std::uint32_t address, bool pages) : address_(address), pages_(pages) {}

  std::uint32_t address() const { return address_; }
  bool pages() const { return pages_; }
  // So many operations were taken in.
  std::uint64_t operations() const { return operations_; }

  // The next operations of the run and how they ended. REQUIRES: as many results as operations.
  void Take(std::span<const Operation> operations, std::span<const OpResult> results);
  TenantReport Report() const;

 private:
  // Who lives there, by its handle: more than one if an allocator gave bytes away twice.
  struct Living {
    Tenant tenant;
    std::uint32_t handle = kNoBlock;  // kNoBlock: leaked
    std::uint32_t start = 0;          // of what is left of a block of pages
  };

  void TakeOne(const Operation& op, const OpResult& result);
  // The handle names another block from now on.
  void Assign(std::uint32_t handle, std::uint32_t address, std::uint64_t bytes);
  // Part of a block of pages was freed.
  void Shorten(const Operation& op);
  // The block of a handle ends, if it lives there.
  void End(std::uint32_t handle);

  const std::uint32_t address_;
  const bool pages_;
  std::uint64_t operations_ = 0;
  std::uint64_t count_ = 0;
  std::vector<Tenant> ended_;
  std::vector<Living> living_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TENANTS_H_
