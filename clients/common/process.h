// Tests and benchmarks: real programs, run as a user runs them.
#ifndef ALLOCLAB_CLIENTS_COMMON_PROCESS_H_
#define ALLOCLAB_CLIENTS_COMMON_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace alloclab::client {

// A folder of its own that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Makes the file and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

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
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_PROCESS_H_
