// Traces of real programs that the lab brings along; traces/README.md says how each was recorded.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_

#include <string_view>

namespace alloclab {

// The bytes of a file in traces/, built into the program. REQUIRES: `name` is that of one of them without endings: "sqlite".
std::string_view RecordedTrace(std::string_view name);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_
