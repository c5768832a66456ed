// explain A --with B: two runs of one trace after the same operation, side by side.
#ifndef ALLOCLAB_CLIENTS_CLI_STEP_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_STEP_VIEW_H_

#include <cstdint>
#include <optional>

#include "alloclab/v1/time_travel.pb.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Every whole number of the two statistics that differs, by its name: "heap free_bytes", "outcomes malloc ok". What one of them
// does not have is not compared.
void AddDifferences(const v1::Statistics& a, const v1::Statistics& b, v1::RunsInStep& step);

Document StepDocument(const v1::RunsInStep& step);

// Without an operation: that at which they part ways, or the last one. FAILED_PRECONDITION: they replayed different operations.
CommandResult ExplainTwo(Session& session, std::uint64_t a, std::uint64_t b, std::optional<std::uint64_t> operation);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_STEP_VIEW_H_
