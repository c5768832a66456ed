// Tests: real programs, run as a user runs them.
#ifndef ALLOCLAB_CLIENTS_CLI_TEST_PROCESS_H_
#define ALLOCLAB_CLIENTS_CLI_TEST_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace alloclab::client {

// A folder of its own that goes with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::filesystem::path path() const { return path_; }
  // Makes the file and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

struct ProcessResult {
  int exit_code = -1;  // 128 + the signal, if one ended it
  std::string out, err;
};

// A program that runs; its output goes to files in `folder`. `environment` adds NAME=VALUE.
class Process {
 public:
  Process(const TestFolder& folder, std::vector<std::string> arguments, std::vector<std::string> environment = {},
          const std::string& standard_input = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int signal) const;
  // Waits until stderr contains `text`, at most 20 s; says whether it does.
  bool WaitForError(const std::string& text) const;
  ProcessResult Wait();

 private:
  std::string out_path_, err_path_;
  pid_t pid_ = -1;
};

// alloclabd on a free port, with a data folder of its own.
class TestServer {
 public:
  TestServer();
  const std::string& address() const { return address_; }
  const std::string& log_of_failure() const { return failure_; }  // "" once it listens

 private:
  TestFolder folder_;
  std::string address_, failure_;
  Process process_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TEST_PROCESS_H_
