// What a machine looks like, sent to a browser as it changes: server-sent events (text/event-stream), each with a message of
// proto/alloclab/v1/web.proto as JSON, the first time whole and then as what has changed since the last one
// (message_delta.h).
//
// A stream makes its next piece when its browser has taken the last one (http_transport.h), of what the machine looks like
// then: a slow browser sees fewer moments of it, and no run waits for it. It tells the browser its name, by which the browser
// asks for another part of the heap without another stream. It ends when its machine is gone or its run over, when whoever
// opened it may no longer look, and when nothing has changed for kLiveIdleMax.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_WEB_LIVE_STREAM_H_
#define ALLOCLAB_SERVER_WEB_LIVE_STREAM_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/common/monotonic_time.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/web.pb.h"
#include "server/handlers/open_calls.h"
#include "server/http/http_transport.h"
#include "server/web/memory_map.h"

namespace alloclab::server {

// Of the whole server, and of one client's address, behind which a class may sit; where clients have names, half of them of
// one name, whatever its addresses. Each holds what it has sent last, up to half a MiB.
inline constexpr std::size_t kLiveStreamsMax = 32, kLiveStreamsPerClientMax = 8;
inline constexpr absl::Duration kLiveHeartbeat = absl::Seconds(10);  // so that it is noticed who is gone
inline constexpr absl::Duration kLiveIdleMax = absl::Minutes(15);

using SharedMap = std::shared_ptr<const v1::MemoryMap>;

// What a stream is about.
struct LiveSource {
  std::function<absl::StatusOr<v1::LiveFigures>()> figures;  // errors end the stream
  std::function<absl::StatusOr<SharedMap>(const MapRequest&)> map;
  std::function<absl::Status()> allowed;  // whether whoever opened it still may look
};

class LiveStream final : public HttpStream {
 public:
  using Clock = std::function<MonotonicTime()>;
  LiveStream(std::string name, LiveSource source, const MapRequest& request, Clock clock = MonotonicTime::Now);

  std::optional<std::string> Next() override ABSL_LOCKS_EXCLUDED(mutex_);
  bool Hurries() const override ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on this part of the heap.
  void LookAt(const MapRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::string Continue() ABSL_LOCKS_EXCLUDED(mutex_);
  // Of figures, when they have changed.
  std::string FiguresEvent(v1::LiveFigures figures);
  std::string MapEvent(const SharedMap& map);
  std::string End(const absl::Status& why);

  const std::string name_;
  const LiveSource source_;
  const Clock clock_;
  mutable Mutex mutex_;
  MapRequest request_ ABSL_GUARDED_BY(mutex_);
  bool asked_ ABSL_GUARDED_BY(mutex_) = true;  // for another map than the last one
  // Of whoever calls Next.
  std::optional<v1::LiveFigures> figures_;  // as sent last
  SharedMap map_;
  bool ended_ = false;
  MonotonicTime sent_, changed_;
};

class LiveStreams {
 public:
  // RESOURCE_EXHAUSTED: there are as many as there may be, in all or of this client.
  absl::StatusOr<std::shared_ptr<HttpStream>> Open(const OpenCalls::Client& client, LiveSource source,
                                                   const MapRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);
  // NOT_FOUND: there is no stream of that name (any more).
  absl::Status LookAt(const std::string& name, const MapRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Close(const std::string& name, const LiveStream* stream) ABSL_LOCKS_EXCLUDED(mutex_);

  OpenCalls open_{{.max = kLiveStreamsMax, .of_one_client = kLiveStreamsPerClientMax}};
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<LiveStream>> by_name_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_LIVE_STREAM_H_
