// The workloads that the lab brings along: synthetic ones, each for one kind of program, and recorded ones.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_BUILTINS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_BUILTINS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "allocators/workload/robson.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/workload_spec.h"

namespace alloclab {

struct BuiltinWorkload {
  std::string name;
  std::string description;  // one line
  std::string about;        // what it stands for, with its source; empty: the line says it
  // A synthetic one has a specification (already scaled to its default length); a recorded one a trace file's bytes.
  std::variant<WorkloadSpec, std::string_view, RobsonProgram> content;
};
std::span<const BuiltinWorkload> BuiltinWorkloads();

// The operations of a built-in. `seed` 0 keeps its own; a recorded trace has none. `operations` 0 keeps its length; otherwise
// the result has exactly that many: a specification scales its phases, or repeats them, the others are replayed from the start
// again with fresh handles, and all are cut. NOT_FOUND lists the names; INVALID_ARGUMENT: too many operations;
// CANCELLED: interrupted.
absl::StatusOr<Trace> MakeBuiltin(std::string_view name, std::uint64_t seed, std::uint64_t operations,
                                  const Interrupt& interrupt = {});

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_BUILTINS_H_
