// What a caller wants of a new instance.
#ifndef ALLOCLAB_SERVER_ENTITIES_INSTANCE_REQUEST_H_
#define ALLOCLAB_SERVER_ENTITIES_INSTANCE_REQUEST_H_

#include <optional>
#include <string>

#include "allocators/catalog/instance.h"
#include "server/entities/live_instance.h"

namespace alloclab::server {

struct InstanceRequest {
  std::string name;  // empty: "instance-ID"
  InstanceConfig config;
  std::string request_id;                          // empty: not repeatable
  std::string fingerprint;                         // equal for equal requests
  std::optional<OpenedRun> opened = std::nullopt;  // shows this run
  std::string owner = "";                          // the name of a token; empty: nobody
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_INSTANCE_REQUEST_H_
