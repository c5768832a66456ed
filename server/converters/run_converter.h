// Runs: proto <-> domain.
#ifndef ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_

#include "absl/status/statusor.h"
#include "alloclab/v1/run.pb.h"
#include "server/converters/run_codec.h"
#include "server/entities/run.h"

namespace alloclab::server {

// INVALID_ARGUMENT naming the field.
absl::StatusOr<RunRequest> FromProto(const v1::SubmitRunRequest& proto);
v1::SubmitRunRequest ToProto(const RunRequest& request);

v1::Run ToProto(const Run& run);
v1::RunResult ToProto(const RunReport& report);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_RUN_CONVERTER_H_
