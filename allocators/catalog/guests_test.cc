#include "allocators/catalog/guests.h"

#include "allocators/catalog/catalog.h"
#include "allocators/catalog/instance.h"
#include "allocators/testing/test_programs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::HasSubstr;

TEST(GuestName, IsReadAndWritten) {
  for (const char* name : {"guest:mm@0123456789ab", "guest:01234567", "guest:a.b-c_D9@012345678"}) {
    const absl::StatusOr<GuestName> parsed = GuestName::Parse(name);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->ToString(), name);
  }
}

TEST(GuestName, IsRefusedWhenItIsNone) {
  for (const char* name :
       {"", "guest", "guest:", "guest:mm", "guest:0123456", "guest:@01234567", "guest:a b@01234567", "guest:a/b@01234567",
        "guest:mm@0123456G", "guest:mm@01234567@", "guest:mm@ABCDEF01", "knr", "guest:abcdefghijklmnopqrstuvwxy@01234567"}) {
    EXPECT_THAT(std::string(GuestName::Parse(name).status().message()), HasSubstr("expected guest:LABEL@DIGITS")) << name;
  }
  EXPECT_FALSE(GuestName::Parse("guest:" + std::string(65, '0')).ok());
}

TEST(GuestLabel, IsOfTheFile) {
  EXPECT_EQ(GuestLabel("/home/me/mm.elf"), "mm");
  EXPECT_EQ(GuestLabel("my heap (2)"), "my_heap__2_");
  EXPECT_EQ(GuestLabel(std::string(100, 'x')), std::string(kGuestLabelMax, 'x'));
  EXPECT_EQ(GuestLabel(".elf"), "program");
}

TEST(Guests, AreHeapsOfInstances) {
  const std::string name = TestPrograms::All().NameOf("kr");
  const auto digits = name.substr(name.find('@') + 1);
  for (const std::string& given : {name, "guest:" + digits, "guest:" + digits.substr(0, kGuestDigitsMin)}) {
    const auto instance =
        Instance::Create({.ram_bytes = 16 << 20, .page_allocator = "", .heap_allocator = given, .parameters = {}});
    ASSERT_TRUE(instance.ok()) << instance.status();
    const std::string& whole = (*instance)->config().heap_allocator;
    EXPECT_EQ(GuestName::Parse(whole)->digits.size(), kGuestDigitsMax) << whole;
    EXPECT_EQ(ShownName(whole), name);
    EXPECT_EQ((*instance)->config().parameters.at("heap.steps_max"), "20000000");
    ASSERT_EQ((*instance)->heap_guard()->Malloc(100).outcome, Outcome::kOk);
    const auto copy = Instance::Copy(*(*instance)->Save());
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ((*copy)->heap_guard()->Malloc(100), (*instance)->heap_guard()->Malloc(100));
  }
  // The label of whoever asks stays, so that a copy is what it is a copy of.
  const auto other = Instance::Create(
      {.ram_bytes = 16 << 20, .page_allocator = "", .heap_allocator = "guest:mine@" + digits, .parameters = {}});
  EXPECT_EQ(ShownName((*other)->config().heap_allocator), "guest:mine@" + digits);
}

TEST(Guests, ArePageAllocatorsOfInstances) {
  const std::string pages = TestPrograms::All().NameOf("kalloc"), heap = TestPrograms::All().NameOf("kr");
  for (const std::string& on_it : {std::string("knr"), heap, std::string("none")}) {
    const auto instance =
        Instance::Create({.ram_bytes = 32 << 20, .page_allocator = pages, .heap_allocator = on_it, .parameters = {}});
    ASSERT_TRUE(instance.ok()) << instance.status();
    EXPECT_EQ(ShownName((*instance)->config().page_allocator), pages);
    EXPECT_EQ((*instance)->config().parameters.at("pages.arena_pages"), "0");
    if ((*instance)->heap_guard() != nullptr) {
      ASSERT_EQ((*instance)->heap_guard()->Malloc(100'000).outcome, Outcome::kOk);
    }
    const PageResult page = (*instance)->AllocatePages(kPageBytes);
    ASSERT_EQ(page.outcome, Outcome::kOk);
    const auto copy = Instance::Copy(*(*instance)->Save());
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ((*copy)->AllocatePages(kPageBytes), (*instance)->AllocatePages(kPageBytes));
    EXPECT_EQ((*copy)->FreePages(page.address, kPageBytes).outcome, Outcome::kOk);
    EXPECT_EQ((*copy)->FreePages(page.address, kPageBytes).outcome, Outcome::kDoubleFree);
  }
  EXPECT_EQ(Instance::Create({.ram_bytes = 32 << 20, .page_allocator = heap, .heap_allocator = "", .parameters = {}})
                .status()
                .message()
                .substr(0, heap.size()),
            heap);
}

// A page allocator may do what it likes: whatever heap is on it comes back from each operation.
TEST(Guests, NoPageAllocatorHarmsTheHeapsOnIt) {
  for (const char* program : {"gives_none", "pages_misbehave", "buddy_pages"}) {
    for (const HeapAllocatorInfo& heap : HeapAllocators()) {
      if (heap.make == nullptr) continue;
      for (const bool guarded : {true, false}) {
        const auto instance = Instance::Create({.ram_bytes = 8 << 20,
                                                .page_allocator = TestPrograms::All().NameOf(program),
                                                .heap_allocator = heap.name,
                                                .guarded = guarded,
                                                .parameters = {}});
        if (!instance.ok()) continue;  // it died, or has too few pages for the heap to begin
        SCOPED_TRACE(std::string(program) + " below " + heap.name + (guarded ? ", guarded" : ", unguarded"));
        std::vector<VirtAddr> live;
        for (std::uint32_t i = 0; i < 400; ++i) {
          const HeapResult block = (*instance)->heap_guard()->Malloc(1 + i * 97 % 40'000);
          if (block.outcome == Outcome::kOk) live.push_back(block.address);
          if (i % 3 == 0 && !live.empty()) {
            (*instance)->heap_guard()->Free(live.back());
            live.pop_back();
          }
        }
        (void)(*instance)->heap()->CheckInvariants({});
        (void)(*instance)->heap()->Shape();
        EXPECT_LE((*instance)->pages().CheckInvariants({}).size(), 1u);
      }
    }
  }
}

TEST(Guests, AreRefusedWhenNobodyHasThem) {
  (void)TestPrograms::All();
  const auto refused = [](const std::string& name) {
    return Instance::Create({.ram_bytes = 16 << 20, .page_allocator = "", .heap_allocator = name, .parameters = {}}).status();
  };
  EXPECT_TRUE(absl::IsNotFound(refused("guest:mm@0123456789ab"))) << refused("guest:mm@0123456789ab");
  EXPECT_TRUE(absl::IsInvalidArgument(refused("guest:mm")));
}

}  // namespace
}  // namespace alloclab
