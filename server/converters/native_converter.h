// Results of native runs and the catalogue of native allocators: domain -> proto.
#ifndef ALLOCLAB_SERVER_CONVERTERS_NATIVE_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_NATIVE_CONVERTER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "allocators/common/interval.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "native/format.h"
#include "server/entities/native_allocator.h"
#include "server/entities/native_plan.h"

namespace alloclab::server {

// What the replays of one run found.
struct NativeReport {
  NativePlan plan;
  native::Result memory;
  std::vector<native::Result> latency, time;  // one or more of each
  std::span<const std::uint32_t> times;       // of each operation, ns
};

v1::NativeResult ToProto(const NativeReport& report);

void AddNatives(const NativeAllocators& natives, v1::Catalog& catalog);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_NATIVE_CONVERTER_H_
