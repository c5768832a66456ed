#include "server/handlers/call_queue.h"

#include <utility>

namespace alloclab::server {

CallQueue::CallQueue(const Rules& rules) : rules_(rules) {
  for (unsigned i = 0; i < rules.threads; ++i) threads_.emplace_back([this] { Run(); });
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
  if (waiting() != 0 || !TakePlace()) return false;
  call();
  LeavePlace();
  return true;
}

bool CallQueue::Offer(const std::string& client, std::function<void()> call) {
  if (!Put(client, std::move(call))) return false;
  if (!TakePlace()) return true;
  while (DoNext(/*wait=*/false)) {
  }
  LeavePlace();
  return true;
}

bool CallQueue::Put(const std::string& client, std::function<void()> call) {
  const MutexLock lock(mutex_);
  const auto [mine, is_new] = clients_.try_emplace(client);
  if (!is_new && waiting_ >= rules_.waiting_max) return false;
  mine->second.waiting.push_back(std::move(call));
  ++waiting_;
  GiveTurn(client, mine->second);
  return true;
}

void CallQueue::GiveTurn(const std::string& name, Client& client) {
  if (client.has_turn || client.waiting.empty() || client.at_work >= rules_.of_one_client) return;
  client.has_turn = true;
  turns_.push_back(name);
  if (sleepers_.empty()) return;
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

bool CallQueue::DoNext(bool wait) {
  std::string name;
  std::function<void()> call;
  {
    const MutexLock lock(mutex_);
    while (wait && turns_.empty() && !(stopping_ && waiting_ == 0)) Sleep();
    if (turns_.empty()) {
      if (stopping_) WakeAll();  // what the others wait for will not come
      return false;
    }
    name = std::move(turns_.front());
    turns_.pop_front();
    Client& client = clients_.at(name);
    client.has_turn = false;
    call = std::move(client.waiting.front());
    client.waiting.pop_front();
    --waiting_;
    ++client.at_work;
    GiveTurn(name, client);
  }
  call();
  const MutexLock lock(mutex_);
  const auto client = clients_.find(name);
  --client->second.at_work;
  GiveTurn(name, client->second);
  if (client->second.at_work == 0 && client->second.waiting.empty()) clients_.erase(client);
  return true;
}

void CallQueue::Run() {
  while (DoNext(/*wait=*/true)) {
  }
}

}  // namespace alloclab::server
