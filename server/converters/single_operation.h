// One operation by address, as a service or the web page does it: what it did, what it cost, and why it was refused if it was.
#ifndef ALLOCLAB_SERVER_CONVERTERS_SINGLE_OPERATION_H_
#define ALLOCLAB_SERVER_CONVERTERS_SINGLE_OPERATION_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "allocators/common/interrupt.h"
#include "allocators/workload/driver.h"
#include "alloclab/v1/heap.pb.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

struct SingleOperation {
  Operation kind;
  std::function<OpResult(Driver&)> work;
  // Why the machine, which is as it was, could not serve an allocation; null of what allocates nothing.
  std::function<Refusal(const Instance&, Outcome refused)> explain;
};

SingleOperation MallocOf(std::uint32_t bytes);
SingleOperation CallocOf(std::uint32_t count, std::uint32_t bytes);
SingleOperation ReallocOf(std::uint32_t address, std::uint32_t bytes);
SingleOperation FreeOf(std::uint32_t address);
SingleOperation AllocatePagesOf(std::uint32_t bytes);
SingleOperation FreePagesOf(std::uint32_t address, std::uint32_t bytes);

// Errors of LiveInstance::ApplyOne.
absl::StatusOr<v1::OperationReply> ApplyTo(LiveInstance& instance, const SingleOperation& operation,
                                           const Interrupt& left = {});

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_SINGLE_OPERATION_H_
