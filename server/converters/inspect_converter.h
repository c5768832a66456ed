// What is seen inside an instance: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_

#include "allocators/catalog/instance.h"
#include "allocators/workload/driver.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"

namespace alloclab::server {

v1::Block ToProto(const Block& block, const Declaration& declaration);
// With the names of the fields.
v1::BlockList EmptyBlockList(const Declaration& declaration);
v1::BrokenWalk ToProto(const BrokenWalk& broken);
v1::Refusal ToProto(const Refusal& refusal);
v1::Translation ToProto(const Translation& translation);
v1::Violation ToProto(const Violation& violation);

// One operation: its result and what it cost, which is the difference.
v1::OperationReply ToProto(const OpResult& result, std::uint64_t sequence, const Costs& before, const Costs& after);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_INSPECT_CONVERTER_H_
