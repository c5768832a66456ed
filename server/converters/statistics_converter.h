// Counters and shapes: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_

#include "alloclab/v1/inspect.pb.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

v1::Pow2Histogram ToProto(const Pow2Histogram& histogram);
v1::HeapShape ToProto(const HeapShape& shape);
v1::PageShape ToProto(const PageShape& shape);
// Of a snapshot: counters and costs.
v1::Counters CountersToProto(std::uint64_t operations, const DriverCounters& counters, const HeapCosts& heap,
                             const PageCosts& pages, const VmCosts& vm);
// All but name and id.
v1::Statistics ToProto(const Snapshot& snapshot);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_
