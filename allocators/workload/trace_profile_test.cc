#include "allocators/workload/trace_profile.h"

#include <random>

#include "allocators/workload/builtins.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

TEST(TraceProfile, IsCloseToWhatItWasMadeFrom) {
  for (const char* name : {"sqlite", "cc1", "python", "web-server", "steady-state", "process-mix"}) {
    const Trace trace = *MakeBuiltin(name, 0, 0);
    absl::StatusOr<WorkloadSpec> profile = ProfileTrace(trace, kProfilePhasesDefault);
    ASSERT_TRUE(profile.ok()) << profile.status();
    const ProfileFit fit = ChooseSeed(trace, 4, *profile);
    EXPECT_EQ(Generate(*profile)->operations.size(), trace.operations.size());
    EXPECT_LT(fit.sizes, 0.12) << name;
    EXPECT_LT(fit.lifetimes, 0.1) << name;
    EXPECT_LT(fit.live_bytes, 0.2) << name;
  }
}

TEST(TraceProfile, AnyTraceGivesAValidSpecification) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    Trace trace;
    trace.heap_handles = trace.page_handles = 8;
    for (std::uint64_t i = random() % 200 + 1; i != 0; --i) {
      Operation op{static_cast<OpKind>(random() % kOpKinds), static_cast<std::uint32_t>(random() % 8),
                   static_cast<std::uint32_t>(random() >> (random() % 32 + 32)), static_cast<std::uint32_t>(random() % 8)};
      if (random() % 20 == 0) op.extra = kNoBlock;
      trace.operations.push_back(op);
    }
    const auto profile = ProfileTrace(trace, static_cast<std::uint32_t>(random() % 40));
    if (!profile.ok()) {
      EXPECT_THAT(std::string(profile.status().message()), HasSubstr("allocates nothing"));
      continue;
    }
    EXPECT_EQ(ValidateSpec(*profile), absl::OkStatus());
    EXPECT_EQ(Generate(*profile)->operations.size(), trace.operations.size());
  }
}

TEST(TraceProfile, ComparesLoads) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 0);
  const ProfileFit same = CompareLoads(trace, trace);
  EXPECT_EQ(same.sizes, 0);
  EXPECT_EQ(same.lifetimes, 0);
  EXPECT_EQ(same.live_bytes, 0);
  EXPECT_EQ(same.peak_a, same.peak_b);
  const ProfileFit other = CompareLoads(trace, *MakeBuiltin("producer-consumer", 0, 0));
  EXPECT_GT(other.sizes, 0.1);
  EXPECT_GT(other.lifetimes, 0.1);
}

TEST(TraceProfile, RefusesWhatHasNoAllocation) {
  EXPECT_THAT(std::string(ProfileTrace(Trace(), 4).status().message()), HasSubstr("allocates nothing"));
}

}  // namespace
}  // namespace alloclab
