#include "server/store/end_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace alloclab::server {
namespace {

std::uint32_t Crc(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32(0, static_cast<const Bytef*>(static_cast<const void*>(text.data())), static_cast<uInt>(text.size())));
}

std::string Encode(const NotedEnd& end) {
  std::string text = fmt::format("{} {} {} {}", end.run, end.state, end.end_ns, end.error);
  text.resize(std::min(text.size(), EndJournal::kSlotBytes - 9));
  return fmt::format("{:08x} {}", Crc(text), text);
}

// Of an empty or torn slot an end of run 0.
NotedEnd Decode(std::string_view slot) {
  slot = slot.substr(0, slot.find('\0'));
  if (slot.size() < 10) return {};
  const std::string text(slot.substr(9));
  if (slot.substr(0, 8) != fmt::format("{:08x}", Crc(text))) return {};
  unsigned long long run = 0, state = 0, end_ns = 0;
  int length = 0;
  if (std::sscanf(text.c_str(), "%llu %llu %llu %n", &run, &state, &end_ns, &length) != 3) return {};
  return {run, state, end_ns, text.substr(static_cast<std::size_t>(length))};
}

}  // namespace

EndJournal::EndJournal(const std::filesystem::path& file) : slots_(kSlots) {
  descriptor_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool writable = descriptor_ >= 0;
  if (!writable) descriptor_ = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return;
  std::string content(kSlots * kSlotBytes, '\0');
  const ssize_t read = pread(descriptor_, content.data(), content.size(), 0);
  for (std::size_t i = 0; i < kSlots && read > 0; ++i) {
    slots_[i] = Decode(std::string_view(content).substr(i * kSlotBytes, kSlotBytes));
  }
  // The room of a new file is taken by writing it: a hole would need room later.
  const auto size = static_cast<ssize_t>(content.size());
  if (writable && read >= 0 && read < size && pwrite(descriptor_, content.data(), content.size(), 0) == size) {
    fsync(descriptor_);
  }
}

EndJournal::~EndJournal() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::vector<NotedEnd> EndJournal::ends() const {
  const MutexLock lock(mutex_);
  std::vector<NotedEnd> ends;
  std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(ends), [](const NotedEnd& end) { return end.run != 0; });
  return ends;
}

bool EndJournal::Note(const NotedEnd& end) {
  const MutexLock lock(mutex_);
  const auto slot =
      std::find_if(slots_.begin(), slots_.end(), [&](const NotedEnd& other) { return other.run == end.run || other.run == 0; });
  if (slot == slots_.end() || !Write(static_cast<std::size_t>(slot - slots_.begin()), Encode(end))) return false;
  *slot = end;
  return true;
}

void EndJournal::Forget(std::uint64_t run) {
  const MutexLock lock(mutex_);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].run == run && Write(i, "")) slots_[i] = {};
  }
}

bool EndJournal::Write(std::size_t slot, const std::string& content) const {
  std::string padded = content;
  padded.resize(kSlotBytes, '\0');
  const auto offset = static_cast<off_t>(slot * kSlotBytes);
  return descriptor_ >= 0 && pwrite(descriptor_, padded.data(), padded.size(), offset) == static_cast<ssize_t>(padded.size()) &&
         fdatasync(descriptor_) == 0;
}

}  // namespace alloclab::server
