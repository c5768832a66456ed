// What the server says about itself: version, addresses, age.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_SERVER_SERVER_CARD_H_
#define ALLOCLAB_SERVER_SERVER_SERVER_CARD_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/lab.pb.h"
#include "server/collections/instance_registry.h"
#include "server/store/run_store.h"

namespace alloclab::server {

// As bound: "127.0.0.1:41234"; empty when off.
struct ServerAddresses {
  std::string grpc, web, metrics;
  bool by_tls = false;
  std::string page = {};  // URL under which browsers find the web page; empty: as one on this host does
};

class ServerCard {
 public:
  // Both outlive the card.
  ServerCard(const InstanceRegistry& instances, const RunStore& store) : instances_(instances), store_(store) {}

  void SetAddresses(ServerAddresses addresses) ABSL_LOCKS_EXCLUDED(mutex_);
  ServerAddresses addresses() const ABSL_LOCKS_EXCLUDED(mutex_);
  v1::Server Describe() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const InstanceRegistry& instances_;
  const RunStore& store_;
  const absl::Time start_time_ = absl::Now();
  mutable Mutex mutex_;
  ServerAddresses addresses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_SERVER_CARD_H_
