// Runs as a list: one line each, with what tells them apart.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_LIST_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_LIST_H_

#include <string>

#include "alloclab/v1/run.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// For people: a column in which all runs have the same is left out, and said once below; so are parameters. `request` asked for
// the list.
Document RunListForPeople(const v1::ListRunsRequest& request, const v1::ListRunsResponse& list);
// For programs: always the same columns; the parameters in one, "heap.engine=literal pages.kernel_end=0".
Document RunListForPrograms(const v1::ListRunsResponse& list);

// The runs' numbers, one a line.
std::string RunNumbers(const v1::ListRunsResponse& list);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_LIST_H_
