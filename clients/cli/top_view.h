// What the lab does at the moment, at a glance: its instances with the rate of their operations, the runs that are replayed and
// those that wait.
#ifndef ALLOCLAB_CLIENTS_CLI_TOP_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_TOP_VIEW_H_

#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

enum class TopOrder { kRate, kOperations, kRam, kName };

// What the server said at one moment.
struct TopLook {
  absl::Duration at;  // monotonic
  v1::Server server;
  std::vector<v1::Instance> instances;
  v1::ListRunsResponse under_way;  // running and queued, newest first
};

class TopView {
 public:
  explicit TopView(TopOrder order) : order_(order) {}

  // The next look: what is shown from here on, with rates since the one before. An instance that the last look did not have has
  // no rate yet.
  void Add(TopLook look);

  // At most `rows` instances and `rows` runs; what is left out is counted in a line below. REQUIRES: Add was called.
  Document ToDocument(std::size_t rows) const;
  // All of it, for programs.
  google::protobuf::Struct ToMessage() const;

 private:
  struct Row {
    const v1::Instance* instance;
    std::optional<double> rate;  // operations a second
  };
  std::vector<Row> Sorted() const;

  const TopOrder order_;
  std::optional<TopLook> look_;
  std::map<std::uint64_t, double> rates_;  // by the instance's id
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TOP_VIEW_H_
