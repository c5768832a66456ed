// What one owner may have of the store: traces and programs, which lie in one table.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_OWNER_BYTES_H_
#define ALLOCLAB_SERVER_COLLECTIONS_OWNER_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/store/run_store.h"

namespace alloclab::server {

// Whether there is room for `more` bytes of `owner`'s, who may have `max`; nobody (empty) has no bound. RESOURCE_EXHAUSTED
// naming him. Two uploads at the same time may both find the last room.
absl::Status CheckBytesOf(const RunStore& store, const std::string& owner, std::uint64_t more, std::uint64_t max);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_OWNER_BYTES_H_
