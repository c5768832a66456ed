#include "server/http/call_queue.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace alloclab::server {
namespace {

// The threads that read from the network go first: what they find is perhaps of somebody who asks little, and at an even
// priority he waits until each thread of the queue has had its slice of the processor.
constexpr int kQueueNice = 5;

thread_local const CallQueue* queue_of_this_thread = nullptr;

}  // namespace

CallQueue::CallQueue(const Rules& rules) : rules_(rules) {
  for (unsigned i = 0; i < rules.threads; ++i) {
    threads_.emplace_back([this] {
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kQueueNice);
      queue_of_this_thread = this;
      while (Work()) {
      }
    });
  }
}

CallQueue::~CallQueue() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    WakeAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

bool CallQueue::TakePlace() {
  unsigned taken = bringers_.load(std::memory_order_relaxed);
  while (taken < rules_.bringers) {
    if (bringers_.compare_exchange_weak(taken, taken + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

bool CallQueue::DoNow(absl::FunctionRef<void()> call) {
  if (few_waiting_.load(std::memory_order_relaxed) != 0 || !TakePlace()) return false;
  call();
  LeavePlace();
  return true;
}

bool CallQueue::Offer(const Client& client, std::function<void()> call) {
  if (!Put(client, std::move(call))) return false;
  if (client.asks_much || !TakePlace()) return true;
  while (Help()) {
  }
  LeavePlace();
  return true;
}

bool CallQueue::Put(const Client& client, std::function<void()> call) {
  const MutexLock lock(mutex_);
  const auto [mine, is_new] = clients_.try_emplace(client.name);
  const bool full = waiting_ >= rules_.waiting_max || mine->second.waiting.size() >= client.waiting_max;
  if (!is_new && full) return false;
  mine->second.waiting.push_back({std::move(call), client.asks_much});
  ++waiting_;
  few_waiting_ += client.asks_much ? 0 : 1;
  GiveTurn(client.name, mine->second, /*wake=*/queue_of_this_thread != this);
  return true;
}

void CallQueue::GiveTurn(const std::string& name, Here& here, bool wake) {
  if (here.has_turn || here.waiting.empty() || here.at_work >= rules_.of_one_client) return;
  here.has_turn = true;
  (here.waiting.front().asks_much ? last_turns_ : turns_).push_back(name);
  if (sleepers_.empty() || !wake) return;
  sleepers_.back()->NotifyOne();
  sleepers_.pop_back();
}

void CallQueue::Sleep() {
  Condition woken;
  sleepers_.push_back(&woken);
  woken.Wait(mutex_);
  std::erase(sleepers_, &woken);  // it may wake up by itself
}

void CallQueue::WakeAll() {
  for (Condition* sleeper : sleepers_) sleeper->NotifyOne();
}

CallQueue::Taken CallQueue::Take(Turns& turns) {
  Taken taken{.client = std::move(turns.front()), .call = {}};
  turns.pop_front();
  Here& here = clients_.at(taken.client);
  here.has_turn = false;
  taken.call = std::move(here.waiting.front().call);
  few_waiting_ -= here.waiting.front().asks_much ? 0 : 1;
  here.waiting.pop_front();
  --waiting_;
  ++here.at_work;
  GiveTurn(taken.client, here);
  return taken;
}

void CallQueue::Do(const Taken& taken) {
  taken.call();
  const MutexLock lock(mutex_);
  const auto here = clients_.find(taken.client);
  --here->second.at_work;
  // A thread of the queue takes the only turn itself.
  GiveTurn(taken.client, here->second, /*wake=*/queue_of_this_thread != this || !turns_.empty() || !last_turns_.empty());
  if (here->second.at_work == 0 && here->second.waiting.empty()) clients_.erase(here);
}

bool CallQueue::Help() {
  Taken taken;
  {
    const MutexLock lock(mutex_);
    if (turns_.empty()) {
      if (stopping_) WakeAll();  // what the others wait for will not come
      return false;
    }
    taken = Take(turns_);
  }
  Do(taken);
  return true;
}

bool CallQueue::Work() {
  Taken taken;
  {
    const MutexLock lock(mutex_);
    while (turns_.empty() && last_turns_.empty() && !(stopping_ && waiting_ == 0)) Sleep();
    if (turns_.empty() && last_turns_.empty()) {
      WakeAll();  // likewise
      return false;
    }
    taken = Take(turns_.empty() ? last_turns_ : turns_);
  }
  Do(taken);
  return true;
}

}  // namespace alloclab::server
