// The figures of a load report, by the names that thresholds use.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_FIGURES_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_FIGURES_H_

#include <span>
#include <vector>

#include "alloclab/v1/load.pb.h"
#include "clients/common/measurement.h"

namespace alloclab::load {

std::span<const client::FigureInfo> LoadFigures();
std::vector<client::Measurement> MeasurementsOf(const v1::LoadReport& report);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_FIGURES_H_
