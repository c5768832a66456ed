// Programs as heaps of whole machines: replays through the driver, as a server's runs are.
#include <fstream>
#include <iterator>
#include <string>

#include "allocators/catalog/catalog.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/testing/test_programs.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/difference.h"
#include "allocators/workload/driver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

HeapAllocatorInfo Guest(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return GuestHeapInfo("guest:" + name, std::make_shared<const ElfProgram>(*ElfProgram::Parse(bytes)));
}

struct Replay {
  Replay(const HeapAllocatorInfo& heap, const Trace& trace, bool guarded)
      : instance(*Instance::Create({64 << 20, "", "", guarded, {}}, PageAllocators().front(), heap)), driver(*instance) {
    ALLOCLAB_CHECK(driver.ReserveHandles(trace.heap_handles, trace.page_handles).ok());
    results.resize(trace.operations.size());
    driver.Apply(trace.operations, results);
  }
  std::unique_ptr<Instance> instance;
  Driver driver;
  std::vector<OpResult> results;
};

TEST(GuestReplay, ServesARecordedProgram) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 0);
  for (const char* name : {"implicit", "kr", "segregated"}) {
    SCOPED_TRACE(name);
    const Replay guarded(Guest(name), trace, true), again(Guest(name), trace, true), unguarded(Guest(name), trace, false);
    for (const OpResult& result : guarded.results) ASSERT_EQ(OutcomeName(result.outcome), "ok");
    EXPECT_TRUE(guarded.results == unguarded.results);
    EXPECT_TRUE(guarded.instance->costs() == again.instance->costs());
    EXPECT_TRUE(guarded.instance->heap()->Counts() == again.instance->heap()->Counts());
    EXPECT_TRUE(guarded.instance->heap()->CheckInvariants().empty());
  }
}

// Kernighan and Ritchie's code, compiled, against the lab's twin of it.
TEST(GuestReplay, DiffersFromItsTwinInNothingThatBothDecide) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 0);
  const InstanceConfig program{64 << 20, "", TestPrograms::All().NameOf("kr"), true, {}}, twin{64 << 20, "", "knr", true, {}};
  for (const auto& [a, b] : {std::pair(&program, &twin), std::pair(&twin, &program)}) {
    const auto difference = FindFirstDifference(trace, *a, *b);
    ASSERT_TRUE(difference.ok()) << difference.status();
    EXPECT_EQ(difference->what, "");
    EXPECT_EQ(difference->operation, 0u);
    EXPECT_TRUE(difference->placement_only);
  }
}

// The SDK's kalloc.c against the lab's xv6-kalloc, below heaps of every kind and alone.
TEST(GuestReplay, APageAllocatorPlacesAsItsTwin) {
  for (const char* workload : {"sqlite", "fork-exec-exit"}) {
    const Trace trace = *MakeBuiltin(workload, 0, 0);
    for (const std::string& heap :
         {std::string("implicit-heap"), std::string("slab-caches"), TestPrograms::All().NameOf("kr")}) {
      SCOPED_TRACE(std::string(workload) + " on " + heap);
      const InstanceConfig program{32 << 20, TestPrograms::All().NameOf("kalloc"), heap, true, {}},
          twin{32 << 20, "xv6-kalloc", heap, true, {}};
      const auto difference = FindFirstDifference(trace, program, twin);
      ASSERT_TRUE(difference.ok()) << difference.status();
      EXPECT_EQ(difference->what, "");
      EXPECT_TRUE(difference->placement_only);
    }
  }
  const Trace trace = *MakeBuiltin("fork-exec-exit", 0, 0);
  const auto other = FindFirstDifference(trace, {32 << 20, TestPrograms::All().NameOf("kalloc"), "none", true, {}},
                                         {32 << 20, "binary-buddy", "none", true, {}});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_GT(other->operation, 0u);
}

TEST(GuestReplay, PartsFromAnotherAllocatorWhereTheirAddressesDo) {
  const Trace trace = *MakeBuiltin("sqlite", 0, 0);
  const auto difference = FindFirstDifference(trace, {64 << 20, "", TestPrograms::All().NameOf("implicit"), true, {}},
                                              {64 << 20, "", "knr", true, {}});
  ASSERT_TRUE(difference.ok()) << difference.status();
  EXPECT_TRUE(difference->placement_only);
  EXPECT_GT(difference->operation, 0u);
  EXPECT_THAT(difference->what, ::testing::HasSubstr(" in a, "));
  const auto both = FindFirstDifference(trace, {64 << 20, "", TestPrograms::All().NameOf("kr"), true, {}},
                                        {32 << 20, "", TestPrograms::All().NameOf("kr"), true, {}});
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->what, "");
  EXPECT_FALSE(both->placement_only);
}

}  // namespace
}  // namespace alloclab
