#include "server/entities/native_allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

// The program and all libraries are files that are there; nothing is started.
class NativeAllocatorTest : public testing::Test {
 protected:
  NativeAllocators Natives(std::map<std::string, std::string> named = {}) const {
    return NativeAllocators({.program = "/bin/sh", .named = std::move(named)});
  }
  static NativeAllocator Of(const NativeAllocators& natives, const std::string& name) {
    for (const NativeAllocator& allocator : natives.List()) {
      if (allocator.name == name) return allocator;
    }
    ADD_FAILURE() << name << " is not in the list";
    return {};
  }
  static std::string ErrorOf(InstanceConfig config, const NativeAllocators& natives) {
    return std::string(natives.Complete(config).message());
  }
  static InstanceConfig Glibc() {
    InstanceConfig config;
    config.heap_allocator = "native:glibc";
    return config;
  }

  TemporaryDirectory directory_;
};

TEST_F(NativeAllocatorTest, KnowsFourAndTheOperatorsOwn) {
  const std::string library = directory_.Write("libown.so", "");
  const NativeAllocators natives = Natives({{"own", library}, {"gone", "/nowhere/libgone.so"}});
  EXPECT_EQ(natives.List().size(), 6u);
  EXPECT_EQ(Of(natives, "native:glibc").absent, "");
  EXPECT_EQ(Of(natives, "native:own").library, library);
  EXPECT_EQ(Of(natives, "native:own").absent, "");
  EXPECT_THAT(Of(natives, "native:gone").absent, HasSubstr("/nowhere/libgone.so is not there"));
  const NativeAllocator jemalloc = Of(natives, "native:jemalloc");
  EXPECT_NE(jemalloc.library.empty(), jemalloc.absent.empty()) << "installed or not";
}

TEST_F(NativeAllocatorTest, TheOperatorMayNameAnotherFileForAKnownOne) {
  const std::string library = directory_.Write("libjemalloc.so", "");
  const NativeAllocators natives = Natives({{"jemalloc", library}});
  EXPECT_EQ(natives.List().size(), 4u);
  EXPECT_EQ(Of(natives, "native:jemalloc").library, library);
}

TEST_F(NativeAllocatorTest, WithoutTheProgramAllAreAbsent) {
  const NativeAllocators natives({.program = "/nowhere/alloclab-native", .named = {}});
  EXPECT_THAT(Of(natives, "native:glibc").absent, HasSubstr("/nowhere/alloclab-native is not there (--native-program)"));
  const absl::Status status = natives.Find("native:glibc").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("native:glibc cannot be measured here"));
}

TEST_F(NativeAllocatorTest, AnUnknownNameIsRefusedWithTheNearOne) {
  const absl::Status status = Natives().Find("native:jemaloc").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("did you mean \"native:jemalloc\"?"));
}

TEST_F(NativeAllocatorTest, AConfigurationIsCompletedAndHasNoMachine) {
  const NativeAllocators natives = Natives();
  InstanceConfig config = Glibc();
  ASSERT_TRUE(natives.Complete(config).ok());
  EXPECT_EQ(NativeAllocators::RepeatsOf(config), kNativeRepeatsDefault);
  config.parameters["native.repeats"] = "0x20";
  ASSERT_TRUE(natives.Complete(config).ok());
  EXPECT_EQ(config.parameters["native.repeats"], "32");

  config = Glibc();
  config.ram_bytes = 1 << 20;
  EXPECT_THAT(ErrorOf(config, natives), HasSubstr("config.ram_bytes: a real allocator has the memory of the host"));
  config = Glibc();
  config.page_allocator = "page-runs";
  EXPECT_THAT(ErrorOf(config, natives), HasSubstr("config.page_allocator: "));
  config = Glibc();
  config.guarded = false;
  EXPECT_THAT(ErrorOf(config, natives), HasSubstr("config.unguarded: "));
  config = Glibc();
  config.parameters["native.repeat"] = "3";
  EXPECT_THAT(ErrorOf(config, natives), HasSubstr("did you mean \"native.repeats\"?"));
}

TEST_F(NativeAllocatorTest, RepeatsAreBounded) {
  const NativeAllocators natives = Natives();
  for (const auto& [text, good] : {std::pair("2", false), {"3", true}, {"100", true}, {"101", false}, {"x", false}}) {
    InstanceConfig config = Glibc();
    config.parameters["native.repeats"] = text;
    EXPECT_EQ(natives.Complete(config).ok(), good) << text;
  }
}

TEST(NativeNames, AreReadFromTheConfiguration) {
  const auto named = NativeAllocators::ParseNamed("a=/x/liba.so,b-2=/y/libb.so.1");
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->at("b-2"), "/y/libb.so.1");
  EXPECT_TRUE(NativeAllocators::ParseNamed("")->empty());
  for (const auto& [text, why] : {std::pair("a", "\"a\" is not NAME=PATH"),
                                  {"A=/x", "\"A\" is not a name"},
                                  {"=/x", "\"\" is not a name"},
                                  {"a=liba.so", "\"liba.so\" is not an absolute path"},
                                  {"a=/x:/y", "\"/x:/y\" is not an absolute path"},
                                  {"a=/x,a=/y", "a is there twice"}}) {
    EXPECT_THAT(std::string(NativeAllocators::ParseNamed(text).status().message()), HasSubstr(why)) << text;
  }
  std::string many;
  for (std::size_t i = 0; i <= kNativeNamedMax; ++i) many += "n" + std::to_string(i) + "=/x,";
  EXPECT_THAT(std::string(NativeAllocators::ParseNamed(many).status().message()), HasSubstr("33 allocators; at most 32"));
  EXPECT_FALSE(NativeAllocators::ParseNamed(std::string(kNativeNameMax + 1, 'a') + "=/x").ok());
  EXPECT_FALSE(NativeAllocators::ParseNamed("a=/" + std::string(kNativePathMax, 'x')).ok());
}

}  // namespace
}  // namespace alloclab::server
