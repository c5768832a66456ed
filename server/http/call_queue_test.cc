#include "server/http/call_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "allocators/common/mutex.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;

// Keeps a thread until it is opened.
class Gate {
 public:
  void Wait() {
    const MutexLock lock(mutex_);
    reached_ = true;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }
  void AwaitReached() {
    const MutexLock lock(mutex_);
    while (!reached_) changed_.Wait(mutex_);
  }
  void Open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  Condition changed_;
  bool reached_ = false, open_ = false;
};

class CallQueueTest : public testing::Test {
 protected:
  // The one thread of the queue is kept at the gate, and so is, if there is a place for it, one that brings.
  void Start(std::size_t waiting_max, unsigned bringers = 0) {
    calls_ = std::make_unique<CallQueue>(CallQueue::Rules{.threads = 1, .bringers = bringers, .waiting_max = waiting_max});
    if (bringers > 0) {
      bringer_ = std::thread([this] { EXPECT_TRUE(calls_->DoNow([this] { place_.Wait(); })); });
      place_.AwaitReached();
    }
    EXPECT_TRUE(calls_->Offer({"first"}, [this] { gate_.Wait(); }));
    gate_.AwaitReached();
  }
  void LeavePlace() {
    place_.Open();
    bringer_.join();
  }
  bool Offer(const std::string& client, const std::string& what, bool asks_much = false) {
    return calls_->Offer({client, asks_much}, [this, what] { done_.push_back(what); });
  }
  void End() {
    gate_.Open();
    calls_ = nullptr;
  }

  Gate gate_, place_;
  std::thread bringer_;
  std::vector<std::string> done_;
  std::unique_ptr<CallQueue> calls_;
};

TEST_F(CallQueueTest, ConnectionsTakeTurns) {
  Start(100);
  for (const char* what : {"a1", "a2", "a3"}) EXPECT_TRUE(Offer("a", what));
  for (const char* what : {"b1", "b2"}) EXPECT_TRUE(Offer("b", what));
  EXPECT_TRUE(Offer("c", "c1"));
  EXPECT_EQ(calls_->waiting(), 6u);
  End();
  EXPECT_THAT(done_, ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST_F(CallQueueTest, RefusesWhoHasSomeWaitingWhenItIsFull) {
  Start(2);
  EXPECT_TRUE(Offer("a", "a1"));
  EXPECT_TRUE(Offer("a", "a2"));
  EXPECT_FALSE(Offer("a", "a3"));
  EXPECT_TRUE(Offer("b", "b1")) << "none of it waits";
  EXPECT_FALSE(Offer("b", "b2"));
  End();
  EXPECT_THAT(done_, ElementsAre("a1", "b1", "a2"));
}

TEST_F(CallQueueTest, WhoBringsACallDoesItWhileNobodyWaits) {
  Start(100, /*bringers=*/1);
  EXPECT_FALSE(calls_->DoNow([] { FAIL(); })) << "the one place for those who bring is taken";
  LeavePlace();
  EXPECT_TRUE(calls_->DoNow([this] { done_.push_back("at once"); }));
  EXPECT_THAT(done_, ElementsAre("at once"));
  End();
}

TEST_F(CallQueueTest, WhoBringsACallDoesAllThatWaitInTheirTurns) {
  Start(100, /*bringers=*/1);
  for (const char* what : {"a1", "a2"}) EXPECT_TRUE(Offer("a", what));
  LeavePlace();
  EXPECT_FALSE(calls_->DoNow([] { FAIL(); })) << "others wait";
  EXPECT_THAT(done_, ElementsAre());
  EXPECT_TRUE(Offer("b", "b1"));
  EXPECT_THAT(done_, ElementsAre("a1", "b1", "a2"));
  EXPECT_TRUE(calls_->DoNow([this] { done_.push_back("at once"); })) << "nobody waits any more";
  End();
}

TEST_F(CallQueueTest, WhoAsksTooMuchComesLastAndHoldsUpNobody) {
  Start(100, /*bringers=*/1);
  for (const char* what : {"a1", "a2"}) EXPECT_TRUE(Offer("a", what, /*asks_much=*/true));
  LeavePlace();
  EXPECT_TRUE(calls_->DoNow([this] { done_.push_back("at once"); })) << "only who asks too much waits";
  EXPECT_TRUE(Offer("a", "a3", /*asks_much=*/true));
  EXPECT_THAT(done_, ElementsAre("at once")) << "nobody is made to do it for him";
  EXPECT_TRUE(Offer("b", "b1"));
  EXPECT_THAT(done_, ElementsAre("at once", "b1")) << "who brings it, and not what else waits";
  End();
  EXPECT_THAT(done_, ElementsAre("at once", "b1", "a1", "a2", "a3"));
}

TEST(CallQueue, LeavesThreadsForOthers) {
  Gate gate;
  std::atomic<int> done{0};
  {
    CallQueue calls({.threads = 2, .of_one_client = 1, .waiting_max = 100});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(calls.Offer({"long"}, [&] { gate.Wait(); }));
    gate.AwaitReached();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(calls.Offer({"other"}, [&] {
        if (++done == 3) gate.Open();  // or all would wait for ever
      }));
    }
  }
  EXPECT_EQ(done, 3);
}

// As streams do: the last one of a piece is to bring the next.
TEST(CallQueue, WhoBringsTheNextAtItsEndGoesOn) {
  constexpr int kChains = 3, kCalls = 1000;
  std::atomic<int> done{0};
  {
    CallQueue calls({.threads = 4, .of_one_client = 2, .waiting_max = kChains});
    std::function<void(const std::string&, int)> go_on = [&](const std::string& client, int left) {
      ++done;
      if (left > 1) {
        EXPECT_TRUE(calls.Offer({client}, [&go_on, client, left] { go_on(client, left - 1); }));
      }
    };
    for (const char* client : {"a", "a", "b"}) EXPECT_TRUE(calls.Offer({client}, [&go_on, client] { go_on(client, kCalls); }));
    while (done < kChains * kCalls) std::this_thread::yield();
  }
  EXPECT_EQ(done, kChains * kCalls);
}

class CallQueueOfManyThreads : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Bringers, CallQueueOfManyThreads, testing::Values(0, 2));

TEST_P(CallQueueOfManyThreads, CallsAll) {
  constexpr int kThreads = 4, kCalls = 1000;
  std::atomic<int> done{0};
  {
    CallQueue calls({.threads = 3, .bringers = GetParam(), .waiting_max = kThreads * kCalls});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        const auto count = [&] { ++done; };
        for (int call = 0; call < kCalls; ++call)
          EXPECT_TRUE(calls.DoNow(count) || calls.Offer({std::to_string(thread)}, count));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(done, kThreads * kCalls);
}

}  // namespace
}  // namespace alloclab::server
