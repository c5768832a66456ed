// runs show RUN --at OPERATION: the machine of a run after one of its operations.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_MOMENT_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_MOMENT_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "alloclab/v1/run.pb.h"
#include "clients/common/command.h"

namespace alloclab::client {

// An operation, or a moment that people look for.
struct RunPlace {
  enum class Word { kNone, kPeak, kFirstRefusal, kWorstFragmentation };
  Word word = Word::kNone;
  std::uint64_t operation = 0;  // without a word
};

// A number of operations, or one of the words.
CLI::Option* AddRunPlace(CLI::App& app, const std::string& name, std::optional<RunPlace>& place);

// Statistics and the map of the heap. `peak` and `first-refusal` are found to the operation, `worst-fragmentation` among the
// points of the run's curve.
CommandResult ShowRunAt(Session& session, const v1::Run& run, const RunPlace& place);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_MOMENT_H_
