// Runs a program with liballoclab-record.so in it, and writes what it and the programs it starts allocate and free.
#ifndef ALLOCLAB_CLIENTS_RECORD_RECORDING_H_
#define ALLOCLAB_CLIENTS_RECORD_RECORDING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab::client {

struct RecordOptions {
  std::vector<std::string> command;  // program and arguments
  std::string output;                // of the first image; the next one's is "app.2.alloctrace"
  std::string library;               // liballoclab-record.so
  bool follow = false;               // all images in one file
  std::uint64_t operations_max = 0;  // of a file
  int level = 1;                     // zstd's, 1 to 19
  std::uint32_t stack_depth = 0;     // frames of call sites, at most recorder::kStackMax; 0: none are recorded
};

struct RecordedFile {
  std::string path, program;
  std::uint32_t pid = 0;
  std::uint64_t operations = 0, bytes = 0;
  std::uint32_t threads = 0;
  std::size_t sites = 0;
  std::vector<std::string> notes;
};

struct RecordResult {
  int exit_status = 0;              // of waitpid()
  std::vector<RecordedFile> files;  // in the order of their first operation
  std::uint64_t processes = 0;      // images that were seen
};

// Until the program and all that it started have ended; after the program, SIGINT ends the waiting for the others. SIGTERM is
// handed to the program. FAILED_PRECONDITION: call sites are asked for on a processor that the recorder does not know;
// NOT_FOUND: no such program or library; UNKNOWN: a file could not be written.
absl::StatusOr<RecordResult> RecordProgram(const RecordOptions& options);

// "app.2.alloctrace" for "app.alloctrace" and 2; for 1 the path itself.
std::string NumberedPath(const std::string& path, std::uint64_t number);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_RECORDING_H_
