// The instance that a load drives: one of its own, fresh at the start and deleted at the end, or somebody's that exists
// already.
#ifndef ALLOCLAB_CLIENTS_LOAD_TARGET_H_
#define ALLOCLAB_CLIENTS_LOAD_TARGET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/load.pb.h"
#include "clients/common/connection.h"

namespace alloclab::load {

// Thread safety: none; its owner serialises calls.
class Target {
 public:
  // An instance that exists. Never deleted. `connection` outlives the target.
  static absl::StatusOr<Target> Existing(const client::Connection& connection, const std::string& name);
  // A fresh one. With `replace`, an instance of that name is deleted first.
  static absl::StatusOr<Target> Fresh(const client::Connection& connection, const std::string& name,
                                      const v1::InstanceConfig& config, bool replace);

  const std::string& name() const { return instance_.name(); }
  const v1::InstanceConfig& config() const { return instance_.config(); }  // complete

  // A fresh instance of the same name and configuration in place of this one. REQUIRES: made by Fresh.
  absl::Status Renew();
  absl::StatusOr<v1::Statistics> Statistics() const;
  // Deletes it if it is our own. OK if it is gone already.
  absl::Status Delete();

 private:
  Target(const client::Connection& connection, v1::Instance instance, bool own)
      : connection_(&connection), instance_(std::move(instance)), own_(own) {}

  const client::Connection* connection_;
  v1::Instance instance_;
  bool own_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_TARGET_H_
