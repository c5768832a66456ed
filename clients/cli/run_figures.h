// The figures of a run's result, by the names that thresholds, baselines and comparisons use.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_FIGURES_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_FIGURES_H_

#include <span>
#include <vector>

#include "alloclab/v1/run.pb.h"
#include "clients/common/measurement.h"

namespace alloclab::client {

std::span<const FigureInfo> RunFigures();

// What this result has of them: a fragmentation is not defined where nothing was ever free, say.
std::vector<Measurement> MeasurementsOf(const v1::RunResult& result);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_FIGURES_H_
