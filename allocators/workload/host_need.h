// How much host memory operations may take that their machine does not hold yet: what a server sets aside before it applies
// them, as no operation can be stopped half-way. An upper bound for every engine of the catalogue: the frames that an operation
// touches, what indexes and tables of the host may grow by, and the journal of an operation near the edge of a guarded machine.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_HOST_NEED_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_HOST_NEED_H_

#include <cstdint>
#include <span>

#include "allocators/workload/driver.h"

namespace alloclab {

// Of these operations, one after the other; handles were reserved. An operation by bare address has kNoBlock for its handle,
// and the size that is asked for.
std::uint64_t HostNeed(const Driver& driver, std::span<const Operation> operations);

// Of making any machine of the catalogue with so much RAM, 0: as much as a machine has by default; and of handle tables.
std::uint64_t MachineHostNeed(std::uint64_t ram_bytes);
// Likewise, or of one whose heap is a user's program, which may touch all that it can reach before it is ready.
std::uint64_t MachineHostNeed(const InstanceConfig& config);
std::uint64_t HandlesHostNeed(std::uint64_t handles);

// Whether the operation gives back: it needs little, and refusing it for want of memory would help nobody.
constexpr bool GivesBack(OpKind kind) { return kind == OpKind::kFree || kind >= OpKind::kFreePages; }

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_HOST_NEED_H_
