// The program that is recorded, as a child process; and the signals that are meant for it.
#ifndef ALLOCLAB_CLIENTS_RECORD_CHILD_PROGRAM_H_
#define ALLOCLAB_CLIENTS_RECORD_CHILD_PROGRAM_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab::client {

class ChildProgram {
 public:
  // Starts it with this library preloaded, before those that the environment names, and the recording's file. From now on
  // SIGINT and SIGQUIT, which a terminal sends to both, are the child's alone, and SIGTERM is handed to it.
  static absl::StatusOr<std::unique_ptr<ChildProgram>> Start(const std::vector<std::string>& command,
                                                             const std::string& library, const std::string& file);
  ~ChildProgram();  // signals are as before
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  // What waitpid() says of it, if it has ended.
  std::optional<int> ExitStatus();
  // No process of this user has the recording in its environment: none that was started by the program, and may still come.
  bool HasNoOthers() const;
  // SIGINT or SIGTERM came after it had ended.
  bool LeaveOthers() const;

 private:
  ChildProgram(pid_t pid, std::string variable);

  const pid_t pid_;
  const std::string variable_;  // that its descendants have in their environment
  std::optional<int> exit_status_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_CHILD_PROGRAM_H_
