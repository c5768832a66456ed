// Walks of an instance, a message at a time.
#ifndef ALLOCLAB_SERVER_HANDLERS_WALK_H_
#define ALLOCLAB_SERVER_HANDLERS_WALK_H_

#include <memory>

#include "alloclab/v1/inspect.pb.h"
#include "server/entities/live_instance.h"
#include "server/handlers/page_stream.h"

namespace alloclab::server {

NextPage<v1::ChunkPage> WalkChunksOf(std::shared_ptr<LiveInstance> instance, const v1::WalkRequest& request);
NextPage<v1::RunPage> WalkRunsOf(std::shared_ptr<LiveInstance> instance, const v1::WalkRequest& request);

// Copies memory without touching it. OUT_OF_RANGE: physical bytes outside RAM, or a virtual page that is not present.
absl::Status ReadMemoryOf(const Driver& driver, const v1::ReadMemoryRequest& request, std::string& data);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_WALK_H_
