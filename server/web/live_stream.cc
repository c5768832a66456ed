#include "server/web/live_stream.h"

#include <fmt/format.h>

#include <utility>

#include "server/access/token.h"
#include "server/errors.h"
#include "server/http/json.h"
#include "server/web/message_delta.h"

namespace alloclab::server {
namespace {

std::string EventText(std::string_view event, std::string_view json) {
  return fmt::format("event: {}\ndata: {}\n\n", event, json);
}

google::protobuf::Timestamp* TimeOf(v1::LiveFigures& figures) {
  return figures.has_run() ? figures.mutable_run()->mutable_time() : figures.mutable_instance()->mutable_time();
}

bool HasEnded(const v1::LiveFigures& figures) {
  const v1::Run::State state = figures.run().run().state();
  return figures.has_run() && state != v1::Run::QUEUED && state != v1::Run::RUNNING;
}

}  // namespace

LiveStream::LiveStream(std::string name, LiveSource source, const MapRequest& request, Clock clock)
    : name_(std::move(name)),
      source_(std::move(source)),
      clock_(std::move(clock)),
      request_(request),
      sent_(clock_()),
      changed_(sent_) {}

bool LiveStream::Hurries() const {
  const MutexLock lock(mutex_);
  return asked_;
}

void LiveStream::LookAt(const MapRequest& request) {
  const MutexLock lock(mutex_);
  request_ = request;
  asked_ = true;
}

std::optional<std::string> LiveStream::Next() {
  if (ended_) return std::nullopt;
  std::string piece = Continue();
  const MonotonicTime now = clock_();
  if (!piece.empty()) changed_ = now;
  if (piece.empty() && now - changed_ >= kLiveIdleMax) {
    piece = End(absl::CancelledError(fmt::format("nothing has changed for {}", absl::FormatDuration(kLiveIdleMax))));
  }
  if (piece.empty() && now - sent_ >= kLiveHeartbeat) piece = ":\n\n";
  if (!piece.empty()) sent_ = now;
  return piece;
}

std::string LiveStream::Continue() {
  if (absl::Status status = source_.allowed(); !status.ok()) return End(status);
  MapRequest request;
  bool asked = false;
  {
    const MutexLock lock(mutex_);
    request = request_;
    asked = std::exchange(asked_, false);
  }
  absl::StatusOr<v1::LiveFigures> figures = source_.figures();
  if (!figures.ok()) return End(figures.status());
  const bool ended = HasEnded(*figures);
  std::string piece = FiguresEvent(*std::move(figures));
  if (ended) return piece + End(absl::CancelledError("the run is over"));
  if (piece.empty() && !asked) return piece;
  const absl::StatusOr<SharedMap> map = source_.map(request);
  if (map.ok()) return piece + MapEvent(*map);
  if (!absl::IsDeadlineExceeded(map.status())) return piece + End(map.status());
  const MutexLock lock(mutex_);  // the machine was busy: next time
  asked_ = true;
  return piece;
}

std::string LiveStream::FiguresEvent(v1::LiveFigures figures) {
  if (!figures_) {
    figures_ = std::move(figures);
    return fmt::format("id: {}\n{}", name_, EventText("figures", ToJson(*figures_).value_or("{}")));
  }
  const google::protobuf::Timestamp now = std::exchange(*TimeOf(figures), *TimeOf(*figures_));
  if (Delta(*figures_, figures) == "{}") return "";
  *TimeOf(figures) = now;
  std::string event = EventText("figures-change", Delta(*figures_, figures));
  figures_ = std::move(figures);
  return event;
}

std::string LiveStream::MapEvent(const SharedMap& map) {
  const SharedMap before = std::exchange(map_, map);
  if (before == nullptr) return EventText("map", ToJson(*map).value_or("{}"));
  const std::string delta = Delta(*before, *map);
  return delta == "{}" ? "" : EventText("map-change", delta);
}

std::string LiveStream::End(const absl::Status& why) {
  ended_ = true;
  return EventText("end", ErrorJson(why));
}

absl::StatusOr<std::shared_ptr<HttpStream>> LiveStreams::Open(const OpenCalls::Client& client, LiveSource source,
                                                              const MapRequest& request) {
  const std::string name = DigestOfSecret(MakeSecret()).substr(0, 16);
  auto made = std::make_unique<LiveStream>(name, std::move(source), request);
  absl::Status status = open_.Admit(
      made.get(), client,
      absl::ResourceExhaustedError(fmt::format("{} live streams are open, the most at a time ({} of one client without a "
                                               "token, half of them of one with it); ask for the same without /live",
                                               kLiveStreamsMax, kLiveStreamsPerClientMax)));
  if (!status.ok()) return status;
  std::shared_ptr<LiveStream> stream(made.release(), [this, name](const LiveStream* closed) {
    Close(name, closed);
    delete closed;
  });
  const MutexLock lock(mutex_);
  by_name_[name] = stream;
  return stream;
}

absl::Status LiveStreams::LookAt(const std::string& name, const MapRequest& request) {
  std::shared_ptr<LiveStream> stream;
  {
    const MutexLock lock(mutex_);
    if (const auto found = by_name_.find(name); found != by_name_.end()) stream = found->second.lock();
  }
  if (stream == nullptr) return absl::NotFoundError(fmt::format("no live stream \"{}\": it has ended", name));
  stream->LookAt(request);
  return absl::OkStatus();
}

void LiveStreams::Close(const std::string& name, const LiveStream* stream) {
  open_.Leave(stream);
  const MutexLock lock(mutex_);
  by_name_.erase(name);
}

}  // namespace alloclab::server
