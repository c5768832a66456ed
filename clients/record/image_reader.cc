#include "clients/record/image_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace alloclab::client {
namespace {

constexpr std::uint64_t kRunMax = 4096;  // records of one ring before the program gets their room back
constexpr std::chrono::seconds kGapMax{1};

// "a\0b\0" as "a b".
std::string Arguments(const recorder::Image& image) {
  std::string text(image.command, std::min<std::size_t>(image.command_bytes, recorder::kCommandBytes));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

}  // namespace

ImageReader::ImageReader(recorder::Memory& memory, recorder::Image& image, std::function<TraceOutput*()> output, Fork fork)
    : memory_(memory),
      image_(image),
      fork_(std::move(fork)),
      serial_(image.serial),
      parent_(image.parent),
      fork_sequence_(image.fork_sequence),
      pid_(image.pid),
      program_(image.program, strnlen(image.program, recorder::kProgramBytes)),
      command_(Arguments(image)),
      process_(static_cast<int>(syscall(SYS_pidfd_open, image.pid, 0))),
      ended_(process_ < 0),
      heap_(std::move(output)) {}

ImageReader::~ImageReader() {
  if (process_ >= 0) close(process_);
}

bool ImageReader::Ended() {
  if (!ended_) {
    pollfd poll_process{process_, POLLIN, 0};
    ended_ = poll(&poll_process, 1, 0) == 1;
  }
  return ended_;
}

std::uint64_t ImageReader::Read(std::chrono::steady_clock::time_point now) {
  for (RingCursor& cursor : rings_) cursor.Refresh();
  std::uint64_t records = 0;
  while (const std::uint64_t more = ReadRuns()) records += more;
  if (records == 0) return SkipGap(now) ? 1 : 0;
  gap_since_ = {};
  return records;
}

std::uint64_t ImageReader::ReadRuns() {
  std::uint64_t records = 0;
  for (RingCursor& cursor : rings_) {
    std::uint64_t run = 0;
    while (run < kRunMax && cursor.Peek() && cursor.record().sequence <= next_) {
      const Record& record = cursor.record();
      if (const std::uint64_t ahead = cursor.AddressAhead(); ahead != 0) heap_.Expect(ahead);
      if (record.sequence == next_) ++next_;  // one that comes too late, after a gap, is taken as it is
      if (record.kind == recorder::Kind::kFork) fork_(record.sequence);
      heap_.Apply(record, cursor.ring().thread, static_cast<std::uint32_t>(&cursor.ring() - memory_.rings));
      cursor.Take();
      ++run;
    }
    if (run == 0) continue;
    cursor.GiveBack();
    records += run;
  }
  return records;
}

bool ImageReader::SkipGap(std::chrono::steady_clock::time_point now) {
  std::uint64_t lowest = 0;
  for (RingCursor& cursor : rings_) {
    if (cursor.Peek()) lowest = lowest == 0 ? cursor.record().sequence : std::min(lowest, cursor.record().sequence);
    damaged_ |= cursor.damaged();
  }
  if (lowest <= next_) {  // nothing, or it came just now
    gap_since_ = {};
    return lowest != 0;
  }
  if (gap_since_ == std::chrono::steady_clock::time_point{}) gap_since_ = now;
  if (!ended_ && now - gap_since_ < kGapMax) return false;
  gap_since_ = {};
  missing_ += lowest - next_;
  next_ = lowest;
  return true;
}

void ImageReader::Release(RingCursor& cursor) const {
  recorder::Ring& ring = cursor.ring();
  ring.read.store(ring.written.load());
  ring.image = 0;
  ring.state.store(recorder::kFree, std::memory_order_release);
}

void ImageReader::DropDeadThreads() {
  std::erase_if(rings_, [this](RingCursor& cursor) {
    const recorder::Ring& ring = cursor.ring();
    const bool replaced = std::any_of(rings_.begin(), rings_.end(), [&](const RingCursor& other) {
      return &other > &cursor && other.ring().thread == ring.thread && other.ring().depth == ring.depth;
    });
    const bool dead = replaced || (syscall(SYS_tgkill, pid_, ring.thread, 0) < 0 && errno == ESRCH);
    cursor.Refresh();
    if (!dead || cursor.Peek()) return false;
    if (!replaced) heap_.EndThread(ring.thread);
    Release(cursor);
    return true;
  });
}

void ImageReader::GiveBack() {
  for (RingCursor& cursor : rings_) Release(cursor);
  rings_.clear();
  image_.state.store(recorder::kFree, std::memory_order_release);
}

std::vector<std::string> ImageReader::Notes() const {
  std::vector<std::string> notes = heap_.Notes();
  const std::uint64_t lost = image_.lost.load() + missing_;
  if (lost != 0) notes.push_back(fmt::format("{} operations could not be recorded", lost));
  if (damaged_) notes.push_back("the program wrote over a buffer of the recorder; what was in it is lost");
  return notes;
}

}  // namespace alloclab::client
