// How runs ended whose end the database did not take: a file of fixed size, made while there is room, and written in place, so
// that neither a full disk nor the death of the process makes of a run that failed one that was interrupted.
//
// One slot of kSlotBytes for each run: "CRC ID STATE END_NS ERROR", padded with zeros. A slot that was torn counts as empty.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_END_JOURNAL_H_
#define ALLOCLAB_SERVER_STORE_END_JOURNAL_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

struct NotedEnd {
  std::uint64_t run = 0;
  std::uint64_t state = 0;
  std::uint64_t end_ns = 0;
  std::string error;  // cut to what fits
};

class EndJournal {
 public:
  static constexpr std::size_t kSlots = 512;  // all runs that can be queued or running when the disk fills up
  static constexpr std::size_t kSlotBytes = 256;

  // Reads what an earlier process left. Without a file, and where none can be made, nothing is kept.
  explicit EndJournal(const std::filesystem::path& file);
  ~EndJournal();
  EndJournal(const EndJournal&) = delete;
  EndJournal& operator=(const EndJournal&) = delete;

  std::vector<NotedEnd> ends() const ABSL_LOCKS_EXCLUDED(mutex_);
  // On the disk when it returns true.
  bool Note(const NotedEnd& end) ABSL_LOCKS_EXCLUDED(mutex_);
  void Forget(std::uint64_t run) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool Write(std::size_t slot, const std::string& content) const;

  int descriptor_ = -1;
  mutable Mutex mutex_;
  std::vector<NotedEnd> slots_ ABSL_GUARDED_BY(mutex_);  // run 0: empty
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_END_JOURNAL_H_
