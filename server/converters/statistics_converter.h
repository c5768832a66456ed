// Counters and shapes: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_

#include <span>

#include "allocators/common/log_histogram.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/run.pb.h"
#include "server/entities/snapshot.h"

namespace alloclab::server {

v1::Pow2Histogram ToProto(const Pow2Histogram& histogram);
v1::Distribution DistributionToProto(const LogHistogram& values);
v1::HeapShape ToProto(const HeapShape& shape, std::span<const Figure> figures);
v1::PageShape ToProto(const PageShape& shape, std::span<const Figure> figures);
void AddFigures(std::span<const Figure> figures, google::protobuf::RepeatedPtrField<v1::Figure>& protos);
// Of a snapshot: what was asked, and what the allocators and the machine counted.
v1::Counters CountersToProto(std::uint64_t operations, const DriverCounters& counters, std::span<const Count> heap,
                             std::span<const Count> pages, const VmCosts& vm);
// All but name and id.
v1::Statistics ToProto(const Snapshot& snapshot);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_STATISTICS_CONVERTER_H_
