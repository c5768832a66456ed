// Traces of real programs that the lab brings along; traces/README.md says how each was recorded.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_

#include <string_view>

namespace alloclab {

// The bytes of traces/sqlite.rep.gz, built into the program.
std::string_view SqliteTrace();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_RECORDED_TRACES_H_
