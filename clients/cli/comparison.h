// Runs of the same workload on machines that differ in their allocator, side by side: one table with the best of each figure
// marked, and a rank. All figures that rank are exact, so the table is the same on every computer.
#ifndef ALLOCLAB_CLIENTS_CLI_COMPARISON_H_
#define ALLOCLAB_CLIENTS_CLI_COMPARISON_H_

#include <google/protobuf/struct.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "alloclab/v1/run.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

struct ComparedRun {
  std::string workload;       // as the user named it
  v1::InstanceConfig config;  // as it was asked for
  std::string not_run;        // why there is no run; empty: there is one
  v1::Run run;                // as it ended
};

// What makes one allocator better than another: a sum of weighted terms, each of which is better when it is larger.
//   utilisation   most bytes asked for and live / most RAM that the heap took, 0 to 1
//   speed         of the 386 cycles that the reference and this one take together the reference's part: 0.5 is as quick
//   completed     operations that were not refused / all, 0 to 1
struct Score {
  double utilisation = 0.5, speed = 0.5, completed = 0;

  // "utilisation*0.6+speed*0.4"; a term without a weight has the weight 1. INVALID_ARGUMENT names the term.
  static absl::StatusOr<Score> Parse(std::string_view text);
};

// A table for each workload and size of RAM, in the order of the runs. Ranks go by refused operations first, the fewest before
// all others, then by the score. `reference` is the heap allocator to which speed is relative; if a table has several runs of
// it, the first. `narrow`: only the columns for which a terminal of 80 has room.
Document ComparisonDocument(const std::vector<ComparedRun>& runs, const std::string& reference, const Score& score,
                            bool narrow);
// Of the table that a run belongs to: "sqlite, RAM 64 MiB".
std::string TableTitle(const ComparedRun& run);
// The same for JSON, with all exact figures: {"reference", "runs": [{"workload", "run", "heap_allocator", ..., "figures":
// {"cycles_386.p99": 2000, "peak_ram_bytes": 4096, ...}, "score", "rank"}]}. It is a baseline (baseline.h) for later
// comparisons.
google::protobuf::Struct ComparisonStruct(const std::vector<ComparedRun>& runs, const std::string& reference,
                                          const Score& score);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMPARISON_H_
