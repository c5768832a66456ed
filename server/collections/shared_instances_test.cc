// The instances of several servers on one database: registries, each with all that a server has of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alloclab/v1/lab.pb.h"
#include "server/collections/instance_registry.h"
#include "server/errors.h"
#include "server/limits.h"
#include "server/store/postgres_store.h"
#include "server/testing/postgres_test.h"

namespace alloclab::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// One server, without its listeners and without its heartbeat.
struct Home {
  Home(const std::string& url, const std::string& name, std::uint32_t instances_max)
      : store(*PostgresStore::Open(url, {.server_name = name})),
        instances(ids, heaps, budget, instances_max, UINT32_MAX, store->instances()) {
    instances.Advertise(name + ".example.org:7411");
  }

  std::unique_ptr<PostgresStore> store;
  std::shared_ptr<HostBudget> budget = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 40, .held_bytes = 1ull << 40, .handles = 1 << 20});
  HeapDirectory heaps{{.instances = 2, .runs = 2}};
  IdSource ids{*store};
  InstanceRegistry instances;
};

class SharedInstances : public PostgresTest {
 protected:
  std::unique_ptr<Home> Start(const std::string& name, std::uint32_t instances_max = 100) const {
    return std::make_unique<Home>(url_, name, instances_max);
  }
  static InstanceRequest RequestOf(const std::string& name, const std::string& request_id = "") {
    InstanceRequest request;
    request.name = name;
    request.config.ram_bytes = 1 << 20;
    request.request_id = request_id;
    request.fingerprint = name;
    request.owner = "ada";
    return request;
  }
  static std::vector<std::string> Elsewhere(const Home& home) {
    std::vector<std::string> names;
    const auto others = home.instances.ListElsewhere(100);
    EXPECT_TRUE(others.ok()) << others.status();
    for (const InstanceDirectory::Other& other : *others) names.push_back(other.entry.name);
    return names;
  }
};

TEST_F(SharedInstances, WhoDoesNotHaveItSaysWhoDoes) {
  const auto one = Start("one"), other = Start("other");
  const auto made = one->instances.Create(RequestOf("toy"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(one->instances.Find("toy").ok());
  for (const std::string& asked : {std::string("toy"), std::to_string((*made)->id())}) {
    for (const absl::Status& status : {other->instances.Find(asked).status(), other->instances.Delete(asked)}) {
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("instance \"" + asked + "\" lives on another server of this lab, one"),
                        HasSubstr("ask at one.example.org:7411")));
      const auto detail = status.GetPayload({errors::kInstanceElsewhere.data(), errors::kInstanceElsewhere.size()});
      v1::InstanceElsewhere place;
      ASSERT_TRUE(detail.has_value() && place.ParseFromString(std::string(*detail)));
      EXPECT_EQ(place.server(), "one");
      EXPECT_EQ(place.address(), "one.example.org:7411");
    }
  }
  EXPECT_TRUE(absl::IsNotFound(other->instances.Find("ghost").status()));
  EXPECT_THAT(Elsewhere(*other), ElementsAre("toy"));
  const absl::Status taken = other->instances.Create(RequestOf("toy")).status();
  EXPECT_TRUE(absl::IsAlreadyExists(taken)) << taken;
  EXPECT_THAT(std::string(taken.message()),
              HasSubstr("instance \"toy\" exists already, on one of this lab (one.example.org:7411)"));
  EXPECT_TRUE(absl::IsAlreadyExists(one->instances.Create(RequestOf("toy")).status()));
  EXPECT_EQ(other->instances.size(), 0u);
  ASSERT_TRUE(one->instances.Delete("toy").ok());
  EXPECT_TRUE(absl::IsNotFound(other->instances.Find("toy").status()));
  EXPECT_TRUE(other->instances.Create(RequestOf("toy")).ok());
}

TEST_F(SharedInstances, WhatIsNotMadeLeavesNoName) {
  const auto one = Start("one", /*instances_max=*/1), other = Start("other");
  ASSERT_TRUE(one->instances.Create(RequestOf("first", "once")).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(one->instances.Create(RequestOf("second")).status()));
  InstanceRequest bad = RequestOf("third");
  bad.config.heap_allocator = "no-such";
  EXPECT_FALSE(other->instances.Create(bad).ok());
  EXPECT_TRUE(one->instances.Create(RequestOf("first", "once")).ok()) << "the answer once more";
  InstanceRequest unnamed = RequestOf("");
  unnamed.request_id = "unnamed";
  const auto made = other->instances.Create(unnamed), again = other->instances.Create(unnamed);
  ASSERT_TRUE(made.ok() && again.ok()) << again.status();
  EXPECT_EQ(*made, *again);
  EXPECT_EQ((*made)->name(), "instance-" + std::to_string((*made)->id()));
  EXPECT_THAT(Elsewhere(*one), ElementsAre((*made)->name()));
  EXPECT_THAT(Elsewhere(*other), ElementsAre("first"));
}

TEST_F(SharedInstances, WhoWasTakenForGoneComesBackWithWhatNobodyTook) {
  const auto one = Start("one"), other = Start("other");
  ASSERT_TRUE(one->instances.Create(RequestOf("toy")).ok());
  ASSERT_TRUE(one->instances.Create(RequestOf("car")).ok());
  one->instances.Leave();
  EXPECT_TRUE(absl::IsNotFound(other->instances.Find("toy").status()));
  ASSERT_TRUE(other->instances.Create(RequestOf("car")).ok());
  one->instances.Beat();
  EXPECT_THAT(Elsewhere(*other), ElementsAre("toy"));
  EXPECT_TRUE(one->instances.Find("car").ok()) << "who asks there finds it";
  one->instances.Leave();
  ASSERT_TRUE(one->instances.Create(RequestOf("new")).ok()) << "comes back first";
  EXPECT_THAT(Elsewhere(*other), ElementsAre("new", "toy"));
}

TEST_F(SharedInstances, ThreadsOfSeveralServersMakeEachNameOnce) {
  constexpr int kNames = 25;
  const auto one = Start("one"), other = Start("other");
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (Home* home : {one.get(), other.get()}) {
    for (int thread = 0; thread < 2; ++thread) {
      threads.emplace_back([&, home] {
        for (int i = 0; i < kNames; ++i) {
          const absl::Status status = home->instances.Create(RequestOf("name-" + std::to_string(i))).status();
          EXPECT_TRUE(status.ok() || absl::IsAlreadyExists(status) || absl::IsResourceExhausted(status)) << status;
          if (status.ok()) ++made;
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, kNames);
  EXPECT_THAT(Elsewhere(*one), SizeIs(other->instances.size()));
  EXPECT_THAT(Elsewhere(*other), SizeIs(one->instances.size()));
}

}  // namespace
}  // namespace alloclab::server
