// Traces as files of the command line: what is read, with the options that say how, and what is written.
#ifndef ALLOCLAB_CLIENTS_CLI_TRACE_FILE_H_
#define ALLOCLAB_CLIENTS_CLI_TRACE_FILE_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/trace.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab::client {

struct TraceSourceOptions {
  ImportOptions import;
  std::vector<CLI::Option*> options;  // as they are on the command line
};
// --from and the policies of an import. `slice` names the format --from-format, as --from is an operation there.
void AddTraceSource(CLI::App& app, TraceSourceOptions& options, bool slice = false);
// The same under a heading of their own in the help, for a command that takes other workloads, too.
void AddLogOptions(CLI::App& app, TraceSourceOptions& options);
// Those that are on the command line, as they may be given again: "--leaks balance --failed keep"; "" if none is.
std::string GivenPolicies(const TraceSourceOptions& options);

// The bytes of a file read by these options, as an .alloctrace file that keeps the report and the policies among its notes.
// DATA_LOSS: malformed, with the place.
absl::StatusOr<std::string> ImportAsAllocTrace(const std::string& bytes, const std::string& path,
                                               const TraceSourceOptions& options);

// A file, "-" or the name of a built-in workload, handed over in pieces as it is read, so that the trace that comes back has
// no operations; a pipe cannot be read for --unknown-free synthesise, which takes two readings. DATA_LOSS: missing or
// malformed, with the place.
absl::StatusOr<Trace> StreamTrace(const std::string& path, const TraceSourceOptions& options, const TraceDrain& drain);
// The same with its operations.
absl::StatusOr<Trace> LoadTrace(const std::string& path, const TraceSourceOptions& options);
// Also with its call sites; `threads` gets the thread of each operation. Both as far as the file tells them.
absl::StatusOr<Trace> LoadWholeTrace(const std::string& path, const TraceSourceOptions& options,
                                     std::vector<std::uint32_t>& threads);

struct TraceTarget {
  std::string path;    // "" or "-": standard output
  std::string format;  // "": by the ending of the path, or else .rep
};
// --into and --as.
void AddTraceTarget(CLI::App& app, TraceTarget& target);
// Writes it, compressed if the path ends in .gz, and tells what the format cannot say and was changed. DATA_LOSS: the format
// cannot say it at all, or the file cannot be written.
absl::StatusOr<std::vector<std::string>> SaveTrace(const Trace& trace, const TraceTarget& target);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TRACE_FILE_H_
