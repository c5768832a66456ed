// The columns of a run's curve as numbers to draw and to sum up.
#ifndef ALLOCLAB_CLIENTS_CLI_RUN_CURVE_H_
#define ALLOCLAB_CLIENTS_CLI_RUN_CURVE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "alloclab/v1/run.pb.h"

namespace alloclab::client {

using CurveColumn = google::protobuf::RepeatedField<std::uint64_t>;

std::vector<double> ValuesOf(const CurveColumn& column);
// External fragmentation at each point; nothing where no byte is free.
std::vector<std::optional<double>> FragmentationOf(const v1::Curve& curve);
// The same to be drawn, 0 where there is none.
std::vector<double> DrawnFragmentation(const v1::Curve& curve);
// What a column that only grows gained from point to point, per operation.
std::vector<double> PerOperation(const CurveColumn& total, const v1::Curve& curve);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_RUN_CURVE_H_
