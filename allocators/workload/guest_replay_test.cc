// Programs as heaps of whole machines: replays through the driver, as a server's runs are.
#include <fstream>
#include <iterator>
#include <string>

#include "allocators/catalog/catalog.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/driver.h"
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
  std::uint32_t start() const { return instance->heap()->start().raw(); }

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
TEST(GuestReplay, GivesTheAddressesOfItsTwin) {
  Trace trace = *MakeBuiltin("sqlite", 0, 0);
  for (Operation& op : trace.operations) {
    if (op.kind == OpKind::kCalloc) op = {.kind = OpKind::kMalloc, .block = op.block, .size = op.size * op.extra};
  }
  const Replay guest(Guest("kr"), trace, false), twin(**FindHeapAllocator("knr"), trace, false);
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    const OpResult &ours = guest.results[i], &theirs = twin.results[i];
    ASSERT_EQ(ours.outcome, theirs.outcome) << "operation " << i;
    if (ours.address == 0) continue;
    ASSERT_EQ(ours.address - guest.start(), theirs.address - twin.start()) << "operation " << i;
  }
}

}  // namespace
}  // namespace alloclab
