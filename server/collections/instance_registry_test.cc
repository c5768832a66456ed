#include "server/collections/instance_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/access/owner.h"
#include "server/limits.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kRam = 16 << 20;

class InstanceRegistryTest : public testing::Test {
 protected:
  static InstanceRequest Request(const std::string& name) {
    InstanceRequest request;
    request.name = name;
    request.config.ram_bytes = kRam;
    request.config.heap_allocator = "none";
    return request;
  }
  std::vector<std::string> Names(std::uint64_t after_id, std::size_t limit) const {
    std::vector<std::string> names;
    for (const auto& instance : registry_.List(after_id, limit)) names.push_back(instance->name());
    return names;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *SqliteStore::Open(directory_.path());
  std::shared_ptr<HostBudget> budget_ =
      std::make_shared<HostBudget>(HostBudgetLimits{.promised_ram_bytes = 3 * kRam, .held_bytes = 1ull << 32, .handles = 100});
  HeapDirectory heaps_{{.instances = 2, .runs = 2}};
  IdSource ids_{*store_};
  InstanceRegistry registry_{ids_, heaps_, budget_, 3};
};

TEST_F(InstanceRegistryTest, FindsByNameAndById) {
  const auto made = registry_.Create(Request("toy"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*registry_.Find("toy"), *made);
  EXPECT_EQ(*registry_.Find(std::to_string((*made)->id())), *made);
  EXPECT_TRUE(absl::IsNotFound(registry_.Find("ghost").status()));
  EXPECT_TRUE(absl::IsNotFound(registry_.Find("99").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(registry_.Find("").status()));
}

TEST_F(InstanceRegistryTest, WhoCreatesManyForgetsHisOwnRequests) {
  const auto create = [this](const std::string& owner, std::size_t number) {
    InstanceRequest request = Request("");
    request.owner = owner;
    request.config.ram_bytes = 1 << 20;
    request.request_id = RequestIdOf(owner, std::to_string(number));
    return registry_.Create(request);
  };
  const auto of_ada = *create("ada", 1);
  for (std::size_t i = 0; i < kRememberedCreationsMax; ++i) {
    const auto made = create("bob", i);
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_TRUE(registry_.Delete((*made)->name()).ok());
  }
  EXPECT_EQ(*create("ada", 1), of_ada);
  EXPECT_THAT(std::string(create("bob", 1).status().message()), HasSubstr("deleted")) << "remembered";
  EXPECT_TRUE(create("bob", 0).ok()) << "the oldest of his is forgotten";
}

TEST_F(InstanceRegistryTest, GivesNamesThatAreFree) {
  ASSERT_TRUE(registry_.Create(Request("instance-2")).ok());  // its id is 1
  const auto made = registry_.Create(Request(""));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->name(), "instance-3");
}

TEST_F(InstanceRegistryTest, RefusesATakenNameAndOneTooMany) {
  ASSERT_TRUE(registry_.Create(Request("a")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(registry_.Create(Request("a")).status()));
  ASSERT_TRUE(registry_.Create(Request("b")).ok());
  ASSERT_TRUE(registry_.Create(Request("c")).ok());
  const absl::Status refused = registry_.Create(Request("d")).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("maximum of 3 instances"));
  EXPECT_EQ(registry_.size(), 3u);
}

TEST_F(InstanceRegistryTest, EachOwnerHasABoundOfHisOwn) {
  InstanceRegistry registry(ids_, heaps_, budget_, 100, 2);
  const auto create = [&](const std::string& owner) {
    InstanceRequest request = Request("");
    request.config.ram_bytes = kRam / 4;
    request.owner = owner;
    return registry.Create(request);
  };
  const auto first = create("ada");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->owner(), "ada");
  for (const char* owner : {"ada", "bob", "", "", ""}) EXPECT_TRUE(create(owner).ok()) << owner;
  EXPECT_EQ(create("ada").status().message(),
            "ada has 2 instances, the most that one may have (--owner-instances-max); delete one first");
  ASSERT_TRUE(registry.Delete((*first)->name()).ok());
  EXPECT_TRUE(create("ada").ok());
}

TEST_F(InstanceRegistryTest, ListsById) {
  for (const char* name : {"c", "a", "b"}) ASSERT_TRUE(registry_.Create(Request(name)).ok());
  EXPECT_THAT(Names(0, 10), ElementsAre("c", "a", "b"));
  EXPECT_THAT(Names(1, 1), ElementsAre("a"));
}

TEST_F(InstanceRegistryTest, DeletingGivesTheNameAndThePromisedRamBack) {
  const auto made = registry_.Create(Request("toy"));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(budget_->promised_ram_bytes(), kRam);
  EXPECT_TRUE(registry_.Delete("toy").ok());
  EXPECT_EQ(budget_->promised_ram_bytes(), 0u);
  EXPECT_TRUE(absl::IsNotFound((*made)->LookAt([](const Driver&) { FAIL(); })));
  EXPECT_TRUE(absl::IsNotFound(registry_.Delete("toy")));
  const auto again = registry_.Create(Request("toy"));
  ASSERT_TRUE(again.ok());
  EXPECT_NE((*again)->id(), (*made)->id()) << "an id is never given twice";
}

TEST_F(InstanceRegistryTest, ARefusedCreationTakesNothing) {
  InstanceRequest request = Request("toy");
  request.config.page_allocator = "budy";
  EXPECT_TRUE(absl::IsInvalidArgument(registry_.Create(request).status()));
  request = Request("toy");
  request.config.ram_bytes = 4 * kRam;
  EXPECT_TRUE(absl::IsResourceExhausted(registry_.Create(request).status()));
  EXPECT_EQ(budget_->promised_ram_bytes(), 0u);
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(InstanceRegistryTest, TheSameRequestAgainAnswersWithTheFirst) {
  InstanceRequest request = Request("toy");
  request.request_id = "once";
  request.fingerprint = "f";
  const auto made = registry_.Create(request);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*registry_.Create(request), *made);
  request.fingerprint = "g";
  EXPECT_TRUE(absl::IsAlreadyExists(registry_.Create(request).status()));
  request.fingerprint = "f";
  ASSERT_TRUE(registry_.Delete("toy").ok());
  EXPECT_TRUE(absl::IsNotFound(registry_.Create(request).status())) << "what was deleted must not come back";
}

}  // namespace
}  // namespace alloclab::server
