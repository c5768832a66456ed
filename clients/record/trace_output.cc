#include "clients/record/trace_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace alloclab::client {
namespace {

constexpr std::chrono::seconds kFlushAfter{1};

}  // namespace

absl::StatusOr<std::unique_ptr<TraceOutput>> TraceOutput::Create(const std::string& path, TraceAttributes attributes,
                                                                 std::uint64_t operations_max, int level, bool with_sites) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return absl::UnknownError(fmt::format("{}: {}", path, std::strerror(errno)));
  return std::unique_ptr<TraceOutput>(new TraceOutput(file, path, std::move(attributes), operations_max, level, with_sites));
}

std::unique_ptr<TraceOutput> TraceOutput::Discard() {
  return std::unique_ptr<TraceOutput>(new TraceOutput(-1, "", {}, 0, 1, false));
}

TraceOutput::TraceOutput(int file, std::string path, TraceAttributes attributes, std::uint64_t operations_max, int level,
                         bool with_sites)
    : file_(file), path_(std::move(path)), operations_max_(operations_max), with_sites_(with_sites) {
  writer_ = std::make_unique<AllocTraceWriter>([this](std::string_view bytes) { return Write(bytes); }, std::move(attributes),
                                               level, with_sites);
}

TraceOutput::~TraceOutput() {
  if (file_ >= 0) close(file_);
}

absl::Status TraceOutput::Write(std::string_view bytes) const {
  while (file_ >= 0 && !bytes.empty()) {
    const ssize_t written = write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::UnknownError(fmt::format("{}: {}", path_, std::strerror(errno)));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

void TraceOutput::Add(const Operation& operation, std::uint32_t thread, std::uint8_t alignment_log2, std::uint32_t site) {
  if (full() || !status_.ok()) return;
  status_ = writer_->Add(
      {.operation = operation, .thread = thread, .alignment_log2 = alignment_log2, .site = with_sites_ ? SiteNumber(site) : 0});
}

std::uint32_t TraceOutput::SiteNumber(std::uint32_t place) {
  if (place == 0) return 0;
  if (place >= site_numbers_.size()) site_numbers_.resize(std::size_t{place} + 1);
  std::uint32_t& number = site_numbers_[place];
  if (number == 0) {
    sites_.push_back(place);
    number = static_cast<std::uint32_t>(sites_.size());
  }
  return number;
}

void TraceOutput::FlushOld(std::chrono::steady_clock::time_point now) {
  if (now - flushed_ < kFlushAfter || !status_.ok()) return;
  flushed_ = now;
  status_ = writer_->Flush();
}

absl::Status TraceOutput::Finish(std::vector<std::string> notes, SiteTable sites) {
  if (with_sites_ && status_.ok()) status_ = writer_->AddSites(std::move(sites));
  if (full()) notes.push_back(fmt::format("the recording ends after {} operations, as was asked for", operations_max_));
  if (status_.ok()) status_ = writer_->Finish(notes);
  return status_;
}

}  // namespace alloclab::client
