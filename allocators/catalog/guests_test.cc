#include "allocators/catalog/guests.h"

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
    EXPECT_EQ((*instance)->config().heap_allocator, name);
    EXPECT_EQ((*instance)->config().parameters.at("heap.steps_max"), "20000000");
    ASSERT_EQ((*instance)->heap_guard()->Malloc(100).outcome, Outcome::kOk);
    const auto copy = Instance::Copy(*(*instance)->Save());
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ((*copy)->heap_guard()->Malloc(100), (*instance)->heap_guard()->Malloc(100));
  }
  // The label of whoever asks stays, so that a copy is what it is a copy of.
  const auto other = Instance::Create(
      {.ram_bytes = 16 << 20, .page_allocator = "", .heap_allocator = "guest:mine@" + digits, .parameters = {}});
  EXPECT_EQ((*other)->config().heap_allocator, "guest:mine@" + digits);
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
