// Moments of opened runs: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_

#include "allocators/workload/explain.h"
#include "allocators/workload/holes.h"
#include "allocators/workload/tenants.h"
#include "alloclab/v1/time_travel.pb.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

// REQUIRES: the instance is an opened run.
v1::Moment MomentOf(const LiveInstance& instance);
v1::Explanation ToProto(const Explanation& explanation, std::uint64_t run);
v1::RunExplanation ToProto(const HoleReport& report, std::uint64_t run);
// What FindTenants answers, of the address that it asks for.
v1::TenantList ToProto(const TenantReport& report, const OpenedRun& opened, const v1::FindTenantsRequest& request);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_TIME_TRAVEL_CONVERTER_H_
