// The whole server, assembled: store, instances, runs, gRPC services, metrics.
//
// Thread safety: Start and Stop from one thread; the accessors from any.
#ifndef ALLOCLAB_SERVER_SERVER_LAB_SERVER_H_
#define ALLOCLAB_SERVER_SERVER_LAB_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/monotonic_time.h"
#include "server/server/exposure.h"
#include "server/server/options.h"

namespace alloclab::server {

class LabServer {
 public:
  // Serving when it returns. Errors name the option and what is wrong (port taken, data directory in use, ...).
  static absl::StatusOr<std::unique_ptr<LabServer>> Start(const ServerOptions& options);
  ~LabServer();  // as Stop(now)

  // NOT_SERVING and no new runs, from its return on; what is under way goes on.
  void Drain();

  // Drains; streams end after the batch under way, runs may end until `deadline`, then everything is cancelled.
  void Stop(MonotonicTime deadline);

  // As bound: "127.0.0.1:41234". Empty when off.
  const std::string& grpc_address() const;
  const std::string& web_address() const;
  const std::string& metrics_address() const;

  // What other hosts reach without protection, with options.insecure.
  const std::vector<Exposure>& exposures() const;

  // Runs that the last server on this data directory left unfinished.
  std::uint64_t interrupted_runs() const;

 private:
  struct Parts;
  explicit LabServer(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_LAB_SERVER_H_
