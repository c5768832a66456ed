// runs diff A B: whether two runs agree in everything exact, and the little that tells how they differ.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_DIFF_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_DIFF_H_

#include <CLI/CLI.hpp>

#include "alloclab/v1/run.pb.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// `all`: every difference instead of the few that matter most.
Document DiffDocument(const v1::DiffRunsRequest& request, const v1::DiffRunsReply& reply, bool all);

void RegisterRunDiff(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_DIFF_H_
