// Rows that were found damaged: an error that names each, and a line in the log for the first time.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_STORE_DAMAGE_LOG_H_
#define ALLOCLAB_SERVER_STORE_DAMAGE_LOG_H_

#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "allocators/common/mutex.h"

namespace alloclab::server {

class DamageLog {
 public:
  // `remedy` ends the sentence of every error: what the operator can do.
  explicit DamageLog(std::string remedy) : remedy_(std::move(remedy)) {}

  // DATA_LOSS naming the row: "run 7".
  absl::Status Found(const std::string& row) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const std::string remedy_;
  Mutex mutex_;
  std::set<std::string> logged_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_DAMAGE_LOG_H_
