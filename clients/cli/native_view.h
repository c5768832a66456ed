// Runs on real allocators: what was measured of them, one by one and side by side.
#ifndef ALLOCLAB_CLIENTS_CLI_NATIVE_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_NATIVE_VIEW_H_

#include <google/protobuf/struct.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "alloclab/v1/run.pb.h"
#include "clients/cli/comparison.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Whether the configuration is of a run on a real allocator, "native:jemalloc".
bool IsNative(const v1::InstanceConfig& config);

// Of one run: what it measured.
std::vector<Section> NativeSections(const v1::NativeResult& native);
// Closing lines about what deserves attention.
std::vector<std::string> NativeRemarks(const v1::NativeResult& native);

// A table for each workload, titled "sqlite, measured", in the order of the runs. `narrow`: only the columns for which a
// terminal of 80 has room. Closing lines say how to read it, and why a run is without figures.
void AddMeasured(const std::vector<ComparedRun>& runs, bool narrow, Document& document);
// The same for JSON: [{"workload", "run", "heap_allocator", "trouble", "figures": {"native_ns.mean": 21.5, ...}}].
google::protobuf::Value MeasuredJson(const std::vector<ComparedRun>& runs);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_NATIVE_VIEW_H_
