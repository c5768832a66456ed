// What is seen inside an instance: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_

#include "allocators/catalog/instance.h"
#include "allocators/workload/driver.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"

namespace alloclab::server {

v1::Chunk ToProto(const Chunk& chunk);
v1::FreeRun ToProto(const FreeRun& run);
v1::Translation ToProto(const Translation& translation);
v1::Violation ToProto(const Violation& violation);

// The costs so far, of both allocators together.
struct CostTotals {
  HeapCosts heap;
  PageCosts pages;
  VmCosts vm;
};
CostTotals CostsOf(const Driver& driver);
// One operation: its result and what it cost, which is the difference.
v1::OperationReply ToProto(const OpResult& result, std::uint64_t sequence, const CostTotals& before, const CostTotals& after);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_
