// Which server has which instance, in PostgreSQL.
#include "server/store/instance_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/store/postgres_store.h"
#include "server/testing/eventually.h"
#include "server/testing/postgres_test.h"

namespace alloclab::server {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kDirectoryLease = absl::Seconds(1), kHoldingLease = absl::Hours(1);

class InstanceDirectoryTest : public PostgresTest {
 protected:
  // A server that is there.
  std::unique_ptr<PostgresStore> Open(const std::string& name, absl::Duration lease = kHoldingLease) const {
    auto store = PostgresStore::Open(url_, {.server_name = name, .lease = lease});
    EXPECT_TRUE(store.ok()) << store.status();
    (*store)->Advertise(name + ".example.org:7411", "https://" + name + ".example.org/");
    EXPECT_TRUE((*store)->Restore({}).ok());
    return *std::move(store);
  }
  static std::string ClaimedBy(PostgresStore& store, const std::string& name, std::uint64_t id) {
    const auto place = store.Claim({name, id, "ada"});
    EXPECT_TRUE(place.ok()) << place.status();
    return place.ok() && place->has_value() ? (*place)->server + " at " + (*place)->address : "";
  }
  static std::string Found(const PostgresStore& store, const std::string& name_or_id) {
    const auto place = store.FindElsewhere(name_or_id);
    EXPECT_TRUE(place.ok()) << place.status();
    return place.ok() && place->has_value() ? (*place)->server : "";
  }
};

TEST_F(InstanceDirectoryTest, ANameIsOfOneServerAndTheOthersSayWhoseItIs) {
  const auto one = Open("one"), other = Open("other");
  EXPECT_EQ(ClaimedBy(*one, "toy", 5), "");
  EXPECT_EQ(ClaimedBy(*one, "toy", 6), "") << "its own";
  EXPECT_EQ(ClaimedBy(*other, "toy", 7), "one at one.example.org:7411");
  EXPECT_EQ(ClaimedBy(*other, "car", 8), "");
  EXPECT_EQ(Found(*other, "toy"), "one");
  EXPECT_EQ(Found(*other, "6"), "one");
  for (const char* none : {"5", "7", "0", "car", "8", "ghost", "", "99999999999999999999", "+6", "6 "}) {
    EXPECT_EQ(Found(*other, none), "") << none;
  }
  const auto list = one->ListElsewhere(10);
  ASSERT_THAT(*list, SizeIs(1));
  EXPECT_EQ((*list)[0].entry.name, "car");
  EXPECT_EQ((*list)[0].entry.id, 8u);
  EXPECT_EQ((*list)[0].entry.owner, "ada");
  EXPECT_EQ((*list)[0].place.address, "other.example.org:7411");
  EXPECT_EQ((*list)[0].place.page, "https://other.example.org/");
  EXPECT_EQ((**one->FindElsewhere("car")).page, "https://other.example.org/");
  EXPECT_THAT(*one->ListElsewhere(0), IsEmpty());
  ASSERT_TRUE(other->Release({"toy", 6, ""}).ok()) << "another's";
  ASSERT_TRUE(one->Release({"toy", 5, ""}).ok()) << "an older one of that name";
  EXPECT_EQ(Found(*other, "toy"), "one");
  ASSERT_TRUE(one->Release({"toy", 6, ""}).ok());
  EXPECT_EQ(ClaimedBy(*other, "toy", 9), "");
}

TEST_F(InstanceDirectoryTest, WhoEndsGoesWithHisInstances) {
  const auto one = Open("one");
  {
    const auto gone = Open("gone");
    EXPECT_EQ(ClaimedBy(*gone, "toy", 5), "");
    EXPECT_EQ(Found(*one, "toy"), "gone");
    ASSERT_TRUE(gone->Leave().ok());
    EXPECT_TRUE(absl::IsNotFound(gone->Claim({"car", 6, ""}).status()));
    EXPECT_FALSE(*gone->RenewInstances());
  }
  EXPECT_EQ(Found(*one, "toy"), "");
  EXPECT_EQ(ClaimedBy(*one, "toy", 7), "");
}

TEST_F(InstanceDirectoryTest, WhoFallsSilentIsGoneAfterHisLease) {
  const auto one = Open("one", kDirectoryLease), silent = Open("silent", kDirectoryLease);
  EXPECT_EQ(ClaimedBy(*silent, "toy", 5), "");
  EXPECT_EQ(ClaimedBy(*silent, "car", 6), "");
  for (int i = 0; i < 15; ++i) {  // renewed, it holds
    ASSERT_TRUE(*silent->RenewInstances());
    absl::SleepFor(kDirectoryLease / 10);
    ASSERT_EQ(Found(*one, "toy"), "silent");
  }
  absl::SleepFor(kDirectoryLease * 1.2);
  EXPECT_EQ(Found(*one, "toy"), "");
  EXPECT_THAT(*one->ListElsewhere(10), IsEmpty());
  ASSERT_TRUE(*silent->RenewInstances()) << "nobody took anything: it is there again";
  EXPECT_EQ(Found(*one, "toy"), "silent");
  absl::SleepFor(kDirectoryLease * 1.2);
  ASSERT_TRUE(*one->RenewInstances());
  EXPECT_EQ(ClaimedBy(*one, "toy", 7), "");
  EXPECT_FALSE(*silent->RenewInstances());
  ASSERT_TRUE(silent->Restore({{"toy", 5, ""}, {"car", 6, ""}}).ok());
  EXPECT_EQ(Found(*one, "car"), "silent");
  EXPECT_EQ(Found(*silent, "toy"), "one") << "taken meanwhile";
}

TEST_F(InstanceDirectoryTest, WhatRanOutWhileTheDatabaseWasAwayHoldsOnceMore) {
  const auto one = Open("one", kDirectoryLease), other = Open("other", kDirectoryLease);
  EXPECT_EQ(ClaimedBy(*other, "toy", 5), "");
  server_->Stop(SIGINT);
  absl::SleepFor(kDirectoryLease * 1.5);
  EXPECT_TRUE(absl::IsUnavailable(one->FindElsewhere("toy").status()));
  server_->Start();
  EXPECT_TRUE(Eventually([&] { return one->FindElsewhere("toy").ok(); }));
  EXPECT_EQ(Found(*one, "toy"), "other");
  EXPECT_EQ(ClaimedBy(*one, "toy", 6), "other at other.example.org:7411");
}

TEST_F(InstanceDirectoryTest, OfManyWhoWantANameOneGetsIt) {
  constexpr std::uint64_t kServers = 4, kNames = 20;
  std::vector<std::unique_ptr<PostgresStore>> stores;
  for (std::uint64_t i = 0; i < kServers; ++i) stores.push_back(Open("server " + std::to_string(i)));
  std::atomic<std::uint64_t> claimed{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kServers; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t n = 0; n < kNames; ++n) {
        if (ClaimedBy(*stores[i], "name-" + std::to_string(n), i * kNames + n + 1).empty()) ++claimed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(claimed, kNames);
}

}  // namespace
}  // namespace alloclab::server
