// Gives memory that was freed back to the host: the C library keeps what thousands of small machines, and streams and clients
// that are gone, leave behind, as it lies between other things.
//
// Thread safety: none of its own; MemoryReturn runs by itself until it is destroyed.
#ifndef ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_
#define ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "server/entities/host_budget.h"
#include "server/handlers/ticker.h"

namespace alloclab::server {

// Keeps the C library to kArenasPerCore, so that a hundred threads do not each leave pieces behind. To be called before the
// first thread is made.
void BoundArenas();

// Says when it is time to give back: when much was released, or when more is free than before and the process is quiet.
class ReturnRule {
 public:
  using FreeBytes = absl::FunctionRef<std::uint64_t()>;

  // Of a look each kMemoryReturnInterval: what the budget got back and what processor time was used, both since the start, and
  // what the C library has that is free, given back or not. That takes time to find out, and is asked only when it matters.
  bool IsDue(std::uint64_t released_bytes, absl::Duration processor_time, FreeBytes free_bytes);
  void Returned(std::uint64_t released_bytes, std::uint64_t free_bytes);

 private:
  std::uint64_t released_bytes_ = 0;  // when it was last given back
  std::uint64_t free_bytes_ = 0;      // the least since then
  absl::Duration processor_time_;     // at the last look
};

class MemoryReturn {
 public:
  explicit MemoryReturn(std::shared_ptr<const HostBudget> budget);

 private:
  void Look();

  const std::shared_ptr<const HostBudget> budget_;
  ReturnRule rule_;
  Ticker ticker_;  // last: it uses the others
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_
