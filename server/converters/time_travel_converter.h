// Moments of opened runs: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_

#include "allocators/workload/explain.h"
#include "allocators/workload/holes.h"
#include "alloclab/v1/time_travel.pb.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

// REQUIRES: the instance is an opened run.
v1::Moment MomentOf(const LiveInstance& instance);
v1::Explanation ToProto(const Explanation& explanation, std::uint64_t run);
v1::RunExplanation ToProto(const HoleReport& report, std::uint64_t run);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_
