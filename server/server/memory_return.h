// Gives memory that was freed back to the host: the C library keeps what thousands of small machines leave behind, as they lie
// between other things.
//
// Thread safety: none of its own; it runs by itself until it is destroyed.
#ifndef ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_
#define ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_

#include <cstdint>
#include <memory>

#include "server/entities/host_budget.h"
#include "server/handlers/ticker.h"

namespace alloclab::server {

class MemoryReturn {
 public:
  explicit MemoryReturn(std::shared_ptr<const HostBudget> budget);

 private:
  void Look();

  const std::shared_ptr<const HostBudget> budget_;
  std::uint64_t returned_bytes_ = 0;  // of budget_->released_bytes(), those that were looked after
  Ticker ticker_;                     // last: it uses the others
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_MEMORY_RETURN_H_
