// An .alloctrace file that is being recorded: of one image, or of all together.
#ifndef ALLOCLAB_CLIENTS_RECORD_TRACE_OUTPUT_H_
#define ALLOCLAB_CLIENTS_RECORD_TRACE_OUTPUT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/workload/alloctrace_writer.h"
#include "allocators/workload/handle_numbering.h"

namespace alloclab::client {

class TraceOutput {
 public:
  // After `operations_max` the file takes no more. `with_sites`: operations have call sites.
  static absl::StatusOr<std::unique_ptr<TraceOutput>> Create(const std::string& path, TraceAttributes attributes,
                                                             std::uint64_t operations_max, int level, bool with_sites);
  // Takes nothing.
  static std::unique_ptr<TraceOutput> Discard();
  ~TraceOutput();
  TraceOutput(const TraceOutput&) = delete;
  TraceOutput& operator=(const TraceOutput&) = delete;

  // An error is kept: it is that of Finish(). `site` is the place in the table of the recording.
  void Add(const Operation& operation, std::uint32_t thread, std::uint8_t alignment_log2 = 0, std::uint32_t site = 0);
  HandlePool& handles() { return handles_; }
  std::uint32_t NewThread() { return threads_++; }

  bool full() const { return writer_->operations() >= operations_max_; }
  const absl::Status& status() const { return status_; }
  // Writes what is older than a second, so that it survives this program.
  void FlushOld(std::chrono::steady_clock::time_point now);
  // The places of the file's sites, in the order of their numbers.
  const std::vector<std::uint32_t>& sites() const { return sites_; }
  // `sites` says what they are.
  absl::Status Finish(std::vector<std::string> notes, SiteTable sites);

  const std::string& path() const { return path_; }
  std::uint64_t operations() const { return writer_->operations(); }
  std::uint64_t bytes() const { return writer_->bytes(); }
  std::uint32_t threads() const { return threads_; }

 private:
  TraceOutput(int file, std::string path, TraceAttributes attributes, std::uint64_t operations_max, int level, bool with_sites);
  std::uint32_t SiteNumber(std::uint32_t place);
  absl::Status Write(std::string_view bytes) const;

  const int file_;
  const std::string path_;
  const std::uint64_t operations_max_;
  const bool with_sites_;
  std::unique_ptr<AllocTraceWriter> writer_;
  std::vector<std::uint32_t> sites_;
  std::vector<std::uint32_t> site_numbers_;  // by place; 0: it was not seen yet
  HandlePool handles_;
  std::uint32_t threads_ = 0;
  std::chrono::steady_clock::time_point flushed_ = {};
  absl::Status status_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_TRACE_OUTPUT_H_
