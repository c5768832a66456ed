// Any text as a file with a specification, YAML or JSON: an error that says where, or a message that is read back from how it
// is written, and whose operations, if it is valid, are as many as it says.
#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/common/yaml_message.h"
#include "proto/converters/workload_spec.h"

namespace alloclab::client {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr std::uint64_t kOperationsMax = 1000;

void CheckWritten(const v1::WorkloadSpec& spec) {
  const std::string text = ToYaml(spec);
  v1::WorkloadSpec again;
  Places places;
  const absl::Status status = ParseYaml(text, "again", again, places);
  ALLOCLAB_CHECK_EQ(std::string(status.message()), "");
  ALLOCLAB_CHECK(MessageDifferencer::Equals(again, spec));
}

void CheckOperations(const v1::WorkloadSpec& proto) {
  const absl::StatusOr<WorkloadSpec> spec = SpecFromProto(proto);
  if (!spec.ok()) return;
  std::uint64_t operations = 0;
  for (const Phase& phase : spec->phases) operations += phase.operations;
  if (operations > kOperationsMax) return;
  const absl::StatusOr<Trace> trace = Generate(*spec);
  ALLOCLAB_CHECK(trace.ok());
  ALLOCLAB_CHECK_EQ(trace->operations.size(), operations);
}

}  // namespace
}  // namespace alloclab::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alloclab::v1::WorkloadSpec spec;
  alloclab::client::Places places;
  const absl::Status status = alloclab::client::ParseYaml(std::string(data, data + size), "name", spec, places);
  if (!status.ok()) {
    ALLOCLAB_CHECK(absl::StartsWith(status.message(), "name:"));
    return 0;
  }
  alloclab::client::CheckWritten(spec);
  alloclab::client::CheckOperations(spec);
  return 0;
}
