// Walks of an instance, a message at a time.
#ifndef ALLOCLAB_SERVER_HANDLERS_WALK_H_
#define ALLOCLAB_SERVER_HANDLERS_WALK_H_

#include <memory>

#include "alloclab/v1/inspect.pb.h"
#include "server/entities/live_instance.h"
#include "server/handlers/page_stream.h"

namespace alloclab::server {

// FAILED_PRECONDITION: the heap was asked for, and the instance has none. The walk does not keep an instance that was deleted.
NextPage<v1::BlockList> WalkBlocksOf(const std::shared_ptr<LiveInstance>& instance, const v1::WalkBlocksRequest& request);

// Copies memory without touching it. OUT_OF_RANGE: physical bytes outside RAM, or a virtual page that is not present.
absl::Status ReadMemoryOf(const Driver& driver, const v1::ReadMemoryRequest& request, std::string& data);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WALK_H_
