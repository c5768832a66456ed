// How a run went: its curve as small pictures, and what single operations cost.
#ifndef ALLOCLAB_CLIENTS_CLI_COURSE_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_COURSE_VIEW_H_

#include "alloclab/v1/run.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Bytes and fragmentation over the operations, each as a line as wide as `width` leaves room for, with its largest value and
// the operation of that. Empty rows without a curve.
Section CourseSection(const v1::Exact& exact, int width);
// Quantiles of cycles and search steps of single heap operations.
Section OperationCostSection(const v1::Exact& exact);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COURSE_VIEW_H_
