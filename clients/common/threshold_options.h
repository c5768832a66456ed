// --threshold and --threshold-file, wherever a result is shown.
#ifndef ALLOCLAB_CLIENTS_COMMON_THRESHOLD_OPTIONS_H_
#define ALLOCLAB_CLIENTS_COMMON_THRESHOLD_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <span>
#include <vector>

#include "clients/common/threshold.h"

namespace alloclab::client {

// Adds the options; what they say is appended to `thresholds`. Help lists the figures. `figures` must live as long as the
// program.
void AddThresholds(CLI::App& app, std::span<const FigureInfo> figures, std::vector<Threshold>& thresholds);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_THRESHOLD_OPTIONS_H_
