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
  // After `operations_max` the file takes no more.
  static absl::StatusOr<std::unique_ptr<TraceOutput>> Create(const std::string& path, TraceAttributes attributes,
                                                             std::uint64_t operations_max, int level);
  // Takes nothing.
  static std::unique_ptr<TraceOutput> Discard();
  ~TraceOutput();
  TraceOutput(const TraceOutput&) = delete;
  TraceOutput& operator=(const TraceOutput&) = delete;

  // An error is kept: it is that of Finish().
  void Add(const Operation& operation, std::uint32_t thread, std::uint8_t alignment_log2 = 0);
  HandlePool& handles() { return handles_; }
  std::uint32_t NewThread() { return threads_++; }

  bool full() const { return writer_->operations() >= operations_max_; }
  const absl::Status& status() const { return status_; }
  // Writes what is older than a second, so that it survives this program.
  void FlushOld(std::chrono::steady_clock::time_point now);
  absl::Status Finish(std::vector<std::string> notes);

  const std::string& path() const { return path_; }
  std::uint64_t operations() const { return writer_->operations(); }
  std::uint64_t bytes() const { return writer_->bytes(); }
  std::uint32_t threads() const { return threads_; }

 private:
  TraceOutput(int file, std::string path, TraceAttributes attributes, std::uint64_t operations_max, int level);
  absl::Status Write(std::string_view bytes) const;

  const int file_;
  const std::string path_;
  const std::uint64_t operations_max_;
  std::unique_ptr<AllocTraceWriter> writer_;
  HandlePool handles_;
  std::uint32_t threads_ = 0;
  std::chrono::steady_clock::time_point flushed_ = {};
  absl::Status status_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_TRACE_OUTPUT_H_
