// A comparison against an earlier one, kept in a file: what got worse, and by how much.
//
// The file is what `alloclab compare --output json` printed. All figures in it are exact, so a difference is one of the
// allocators or of the workload, never of the computer.
#ifndef ALLOCLAB_CLIENTS_CLI_BASELINE_H_
#define ALLOCLAB_CLIENTS_CLI_BASELINE_H_

#include <google/protobuf/struct.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/common/document.h"

namespace alloclab::client {

// "FIGURE[: AGGREGATE] > +N%" or "< -N%": what fails. Without an aggregate it is the mean, or the only value.
struct ChangeRule {
  std::string text;
  std::string key;    // of the figure in the file
  double change = 0;  // of the old value: 0.02 for +2%
  bool more = true;   // fails above the change; false: below it

  // INVALID_ARGUMENT names what is wrong, and the nearest name.
  static absl::StatusOr<ChangeRule> Parse(std::string_view text);
  bool Fails(double before, double now) const;
};

// DATA_LOSS names the file and what is wrong with it.
absl::StatusOr<google::protobuf::Struct> ReadBaseline(const std::string& path);

struct BaselineReport {
  Section changes;                 // every run and figure that fails a rule, with both values
  std::vector<std::string> notes;  // runs that only one of the two has
  std::size_t compared = 0;        // runs that both have
  bool failed() const { return !changes.rows.empty(); }
};
// `now` as ComparisonStruct makes it. Runs are the same if workload, allocators, RAM and parameters are.
BaselineReport CompareWithBaseline(const google::protobuf::Struct& now, const google::protobuf::Struct& baseline,
                                   const std::vector<ChangeRule>& rules);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_BASELINE_H_
