#include "server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace alloclab::server {
namespace {

constexpr int kPollMs = 50;  // between two looks whether to give up

}  // namespace

LogWriter::LogWriter(int descriptor, std::function<std::string(std::uint64_t)> loss)
    : descriptor_(descriptor), loss_(std::move(loss)), thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    filled_.NotifyAll();
  }
  thread_.join();
}

void LogWriter::Push(std::string line) {
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  filled_.NotifyOne();
}

void LogWriter::SayLoss() {
  if (dropped_ != 0) Push(loss_(std::exchange(dropped_, 0)));
}

void LogWriter::Write(std::string line) {
  const MutexLock lock(mutex_);
  if (bytes_ + line.size() > kLogQueueBytesMax) {
    ++dropped_;
    return;
  }
  SayLoss();
  Push(std::move(line));
}

bool LogWriter::Flush(MonotonicTime deadline) {
  const MutexLock lock(mutex_);
  while ((writing_ || !lines_.empty()) && idle_.WaitUntil(mutex_, deadline)) {
  }
  return !writing_ && lines_.empty();
}

void LogWriter::Run() {
  while (true) {
    std::string line;
    {
      const MutexLock lock(mutex_);
      writing_ = false;
      if (lines_.empty()) SayLoss();
      if (lines_.empty()) idle_.NotifyAll();
      while (lines_.empty() && !stopping_) filled_.Wait(mutex_);
      if (lines_.empty()) return;
      writing_ = true;
      line = std::move(lines_.front());
      lines_.pop_front();
      bytes_ -= line.size();
    }
    if (!Put(line)) return;
  }
}

bool LogWriter::GivesUp() {
  const MutexLock lock(mutex_);
  return stopping_;
}

// A pipe that is ready takes PIPE_BUF bytes without blocking.
bool LogWriter::Put(const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, kPollMs) == 0) {
      if (GivesUp()) return false;
      continue;
    }
    const ssize_t count = write(descriptor_, line.data() + done, std::min<std::size_t>(line.size() - done, PIPE_BUF));
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR && errno != EAGAIN) {
      return true;  // nobody will ever read it
    }
  }
  return true;
}

}  // namespace alloclab::server
