// A comparison as one HTML file that needs nothing else: the tables, and of every run its curves, drawn to the same scale.
#ifndef ALLOCLAB_CLIENTS_CLI_COMPARISON_REPORT_H_
#define ALLOCLAB_CLIENTS_CLI_COMPARISON_REPORT_H_

#include <string>
#include <vector>

#include "clients/cli/comparison.h"

namespace alloclab::client {

// `document` as ComparisonDocument makes it, in full width.
std::string ComparisonReport(const std::vector<ComparedRun>& runs, const Document& document);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMPARISON_REPORT_H_
