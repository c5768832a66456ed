#include "clients/load/target.h"

#include <utility>

#include "allocators/common/check.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"

namespace alloclab::load {
namespace {

absl::StatusOr<v1::Instance> Create(const client::Connection& connection, const std::string& name,
                                    const v1::InstanceConfig& config) {
  v1::CreateInstanceRequest request;
  request.set_name(name);
  *request.mutable_config() = config;
  return connection.Call(&v1::Lab::Stub::CreateInstance, request);
}

absl::Status DeleteNamed(const client::Connection& connection, const std::string& name) {
  v1::DeleteInstanceRequest request;
  request.set_instance(name);
  const absl::Status status = connection.Call(&v1::Lab::Stub::DeleteInstance, request).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace

absl::StatusOr<Target> Target::Existing(const client::Connection& connection, const std::string& name) {
  v1::GetInstanceRequest request;
  request.set_instance(name);
  absl::StatusOr<v1::Instance> instance = connection.Call(&v1::Lab::Stub::GetInstance, request);
  if (!instance.ok()) return instance.status();
  return Target(connection, *std::move(instance), /*own=*/false);
}

absl::StatusOr<Target> Target::Fresh(const client::Connection& connection, const std::string& name,
                                     const v1::InstanceConfig& config, bool replace) {
  if (replace) {
    if (absl::Status status = DeleteNamed(connection, name); !status.ok()) return status;
  }
  absl::StatusOr<v1::Instance> instance = Create(connection, name, config);
  if (!instance.ok()) return instance.status();
  return Target(connection, *std::move(instance), /*own=*/true);
}

absl::Status Target::Renew() {
  ALLOCLAB_CHECK(own_);
  if (absl::Status status = Delete(); !status.ok()) return status;
  absl::StatusOr<v1::Instance> instance = Create(*connection_, name(), config());
  if (instance.ok()) instance_ = *std::move(instance);
  return instance.status();
}

absl::StatusOr<v1::Statistics> Target::Statistics() const {
  v1::GetStatisticsRequest request;
  request.set_instance(name());
  return connection_->Call(&v1::Inspect::Stub::GetStatistics, request);
}

absl::Status Target::Delete() { return own_ ? DeleteNamed(*connection_, name()) : absl::OkStatus(); }

}  // namespace alloclab::load
