// Runs and traces for the tests of the store, each telling which it is.
#ifndef ALLOCLAB_SERVER_TESTING_STORE_SAMPLES_H_
#define ALLOCLAB_SERVER_TESTING_STORE_SAMPLES_H_

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/store/run_store.h"

namespace alloclab::server {

inline Run SampleRun(std::uint64_t number) {
  Run run;
  run.request.workload = BuiltinChoice{"steady-state", number, 1000};
  run.request.config.ram_bytes = 64 << 20;
  run.request.config.heap_allocator = "implicit-heap";
  run.request.label = "run number " + std::to_string(number);
  run.submit_time = absl::FromUnixMicros(static_cast<std::int64_t>(1'700'000'000'000'000 + number));
  run.operations_total = 1000;
  return run;
}

// As it ended; its result is of `bytes` bytes, about.
inline Run EndedSample(std::uint64_t number, std::uint64_t id, std::size_t bytes) {
  Run run = SampleRun(number);
  run.id = id;
  run.state = RunState::kSucceeded;
  run.end_time = run.submit_time + absl::Seconds(1);
  run.operations_done = 1000;
  v1::RunResult result;
  result.mutable_exact()->set_operations(1000 + number);
  result.mutable_measured()->set_replay_ns(number + 1);
  for (std::size_t i = 0; i * 8 < bytes; ++i)
    result.mutable_exact()->add_trace_notes(std::to_string(100'000 + number * 1000 + i));
  run.result = std::make_shared<const v1::RunResult>(result);
  return run;
}

inline StoredTrace SampleTrace(std::uint64_t number, std::size_t bytes) {
  StoredTrace trace;
  trace.sha256 = "digest " + std::to_string(number);
  trace.name = "trace " + std::to_string(number);
  trace.format = "cmu-rep-a";
  trace.operations = number;
  for (std::size_t i = 0; trace.content.size() < bytes; ++i) trace.content += std::to_string(number * i) + " ";
  trace.upload_time = absl::FromUnixSeconds(1'700'000'000);
  return trace;
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A count that a long proof sets in the environment.
inline std::uint64_t CountFrom(const char* variable, std::uint64_t usual) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_STORE_SAMPLES_H_
