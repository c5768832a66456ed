// explain RUN: which blocks, sizes and moments fragmented a run.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_EXPLANATION_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_EXPLANATION_H_

#include <cstdint>

#include "alloclab/v1/time_travel.pb.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Tables of the three, and the sentences.
Document RunExplanationDocument(const v1::RunExplanation& explanation);

CommandResult ExplainRun(Session& session, std::uint64_t run);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_EXPLANATION_H_
