// From counts to the report message.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_REPORT_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_REPORT_H_

#include "absl/status/status.h"
#include "alloclab/v1/load.pb.h"
#include "clients/load/clock.h"
#include "clients/load/meter.h"

namespace alloclab::load {

// Everything that follows from the counts of the measured part.
void FillReport(const LoadCounts& counts, Nanos elapsed, v1::LoadReport& report);
void AddError(const absl::Status& error, v1::LoadReport& report);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_REPORT_H_
