// A specification that resembles a trace, so that a load can be shown to others without what is in it: sizes and lifetimes are
// kept as histograms, phase by phase, nothing else.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_PROFILE_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_PROFILE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/workload_spec.h"

namespace alloclab {

inline constexpr std::uint32_t kProfilePhasesDefault = 16, kProfilePhasesMax = 64;

// The trace in `phases` parts of the same length. Each keeps how often every kind of operation occurs in it, and groups of
// blocks by how long they live, a factor of four each, with their sizes and lifetimes: up to 32 sizes that make 1 % exactly,
// the others and lifetimes in eight ranges for each power of two. What is lost: which blocks are resized, and by how much.
// Misuse (frees of what is not live) is left out.
// INVALID_ARGUMENT: it allocates nothing, or is longer than a specification may be; CANCELLED.
absl::StatusOr<WorkloadSpec> ProfileTrace(const Trace& trace, std::uint32_t phases, const Interrupt& interrupt = {});

// How far two loads are from each other.
struct ProfileFit {
  // Kolmogorov-Smirnov: the largest distance between the cumulative distributions, 0 to 1. Of the sizes that are asked for, and
  // of the lifetimes of blocks that are freed.
  double sizes = 0, lifetimes = 0;
  // The mean distance between the curves of live bytes, at 512 places, by the mean of the first one.
  double live_bytes = 0;
  std::uint64_t peak_a = 0, peak_b = 0;  // most live bytes
};
ProfileFit CompareLoads(const Trace& a, const Trace& b);

// Gives the profile of a trace the seed, of 1 to `seeds`, with which its live bytes are nearest to it, and says how near that
// is: where a few large blocks matter, chance does. REQUIRES: ValidateSpec(profile) is OK.
ProfileFit ChooseSeed(const Trace& trace, std::uint32_t seeds, WorkloadSpec& profile);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_PROFILE_H_
