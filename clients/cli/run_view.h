// A run for people: what was replayed on what, how it ended, and everything that was found.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_VIEW_H_

#include <string>

#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "clients/cli/declarations.h"
#include "clients/common/document.h"

namespace alloclab::client {

// "succeeded".
std::string StateName(v1::Run::State state);
Tone ToneOf(v1::Run::State state);
// It will not change any more.
bool HasEnded(const v1::Run& run);

// "steady-state", "specification churn", "trace 0a1b2c3d".
std::string WorkloadName(const v1::Workload& workload);

// The result of a run, grouped; of one without a result, its state. `width` is the terminal's; `units` those of the catalogue.
Document RunDocument(const v1::Run& run, int width, const FigureUnits& units);

// The exact command that reproduces the run. `workload` is the argument WORKLOAD as it was given; "" takes what the server
// knows: the built-in's name, the digest of the trace, or the specification read back from the run.
std::string ReproducingCommand(const v1::Run& run, const std::string& workload, const v1::Catalog& catalog);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_VIEW_H_
