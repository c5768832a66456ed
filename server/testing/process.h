// Tests and benchmarks: real programs, run as a user runs them.
#ifndef ALLOCLAB_SERVER_TESTING_PROCESS_H_
#define ALLOCLAB_SERVER_TESTING_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "server/testing/temporary_directory.h"

namespace alloclab {

// A program that runs; its output goes to files. It dies with the thread that started it, however that ends.
class Process {
 public:
  // `environment` adds NAME=VALUE; ALLOCLAB_SERVER, NO_COLOR and COLUMNS are not inherited.
  explicit Process(std::vector<std::string> arguments, const std::vector<std::string>& environment = {},
                   const std::string& standard_input = "");
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int signal) const;
  // The exit code; 128 + the signal, if one ended it. Once.
  int Wait();
  bool HasEnded();  // by itself; reaps it then

  // What it has written until now.
  std::string out() const;
  std::string err() const;

 private:
  TemporaryDirectory directory_;
  pid_t pid_ = -1;
};

}  // namespace alloclab

#endif  // ALLOCLAB_SERVER_TESTING_PROCESS_H_
