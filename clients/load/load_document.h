// What people read of a load's report.
#ifndef ALLOCLAB_CLIENTS_LOAD_LOAD_DOCUMENT_H_
#define ALLOCLAB_CLIENTS_LOAD_LOAD_DOCUMENT_H_

#include <string>

#include "alloclab/v1/load.pb.h"
#include "clients/common/document.h"

namespace alloclab::load {

// Figures, and closing remarks on what limits their meaning: a rate that was not held and what is known of why, an order that
// does not follow from the workload, passes too short to measure.
client::Document ReportDocument(const v1::LoadReport& report);

// Why the report has no operation, if nothing failed.
std::string WhyNothingWasMeasured(const v1::LoadReport& report);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LOAD_DOCUMENT_H_
