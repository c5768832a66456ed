#include "clients/load/leader.h"

#include <fmt/format.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "clients/load/share.h"
#include "server/errors.h"
#include "server/http/bind_address.h"

namespace alloclab::load {
namespace {

constexpr Nanos kWatchInterval = std::chrono::milliseconds(50);  // between two looks for what nobody notifies of
constexpr Nanos kLeadTimeMin = std::chrono::milliseconds(100);   // from the word to the beginning
constexpr int kReceiveBytesMax = 8 << 20;                        // a part with its instances is the largest message
constexpr int kPingIntervalMs = 10'000, kKeepaliveMs = 20'000, kKeepaliveTimeoutMs = 10'000;
// A conversation takes one; the rest is for strangers, who are turned away.
constexpr int kThreadsMax = 2 * static_cast<int>(kGeneratorsMax) + 16;

MonotonicTime After(Nanos time) { return MonotonicTime::Now() + absl::FromChrono(time); }

}  // namespace

Leader::Leader(v1::LoadPlan plan, std::string trace, std::string token, std::function<void(std::string_view)> say)
    : plan_(std::move(plan)),
      trace_(std::move(trace)),
      token_(std::move(token)),
      say_(std::move(say)),
      members_(plan_.config().generators()) {}

absl::StatusOr<std::unique_ptr<Leader>> Leader::Listen(const LeaderPort& port, v1::LoadPlan plan, std::string trace,
                                                       std::function<void(std::string_view)> say) {
  if (absl::Status status = CheckPort(port); !status.ok()) return status;
  const auto credentials = PortCredentials(port);
  if (!credentials.ok()) return credentials.status();
  server::BindAddress address = *server::ParseBindAddress("--listen", port.listen);
  if (address.host == "*") address.host = "::";
  std::unique_ptr<Leader> leader(new Leader(std::move(plan), std::move(trace), port.token, std::move(say)));
  grpc::ServerBuilder builder;
  int bound = 0;
  builder.AddListeningPort(server::ToString(address), *credentials, &bound);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
  builder.SetResourceQuota(grpc::ResourceQuota("alloclab-load").SetMaxThreads(kThreadsMax));
  builder.RegisterService(leader.get());
  leader->server_ = builder.BuildAndStart();
  if (!leader->server_ || bound == 0) {
    return server::errors::CannotListen("--listen", port.listen, "it is taken, or not an address of this host");
  }
  address.port = bound;
  leader->address_ = server::ToString(address);
  leader->watch_ = std::thread([&leader = *leader] { leader.Watch(); });
  return leader;
}

Leader::~Leader() {
  {
    const MutexLock lock(mutex_);
    phase_ = Phase::kOver;
    changed_.NotifyAll();
    for (Call* call : calls_) call->context.TryCancel();
  }
  if (watch_.joinable()) watch_.join();
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

std::uint32_t Leader::CountReady() const {
  return static_cast<std::uint32_t>(
      std::count_if(members_.begin(), members_.end(), [](const auto& member) { return member && member->ready; }));
}

std::uint32_t Leader::AwaitReady(Nanos longest) {
  const MonotonicTime deadline = After(longest);
  const MutexLock lock(mutex_);
  bool in_time = true;
  while (CountReady() < wanted() && in_time) in_time = changed_.WaitUntil(mutex_, deadline);
  return CountReady();
}

absl::StatusOr<Nanos> Leader::Begin() {
  const MutexLock lock(mutex_);
  phase_ = Phase::kComparing;
  changed_.NotifyAll();
  Nanos worst{0};
  for (std::size_t i = 1; i < members_.size(); ++i) {
    if (!members_[i]) return absl::AbortedError("a generator left as the load was to begin");
    const std::shared_ptr<Member> member = members_[i];
    while (!member->compared && !member->ended) changed_.Wait(mutex_);
    if (member->ended) return absl::AbortedError(fmt::format("{}: {}", member->part.name, member->part.lost));
    worst = std::max(worst, member->clock.error());
  }
  start_ = Now() + std::max(kLeadTimeMin, 8 * worst);
  phase_ = Phase::kBegun;
  changed_.NotifyAll();
  return start_;
}

void Leader::Stop() {
  const MutexLock lock(mutex_);
  stop_ = true;
}

bool Leader::Failed() const {
  const MutexLock lock(mutex_);
  return std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member && member->ended &&
           (!member->part.lost.empty() || member->part.message.has_error() || member->part.message.interrupted());
  });
}

bool Leader::AllEnded() const {
  return std::all_of(members_.begin() + 1, members_.end(), [](const auto& member) { return !member || member->ended; });
}

bool Leader::AwaitParts(Nanos longest) {
  const MonotonicTime deadline = After(longest);
  const MutexLock lock(mutex_);
  bool in_time = true;
  while (!AllEnded() && in_time) in_time = changed_.WaitUntil(mutex_, deadline);
  return AllEnded();
}

LoadSnapshot Leader::Read() const {
  const MutexLock lock(mutex_);
  LoadSnapshot sum;
  for (const auto& member : members_) {
    if (member) sum += member->state;
  }
  return sum;
}

std::vector<JoinedPart> Leader::Parts() const {
  const MutexLock lock(mutex_);
  std::vector<JoinedPart> parts;
  for (const auto& member : members_) {
    if (member) parts.push_back(member->part);
  }
  return parts;
}

// Ends the calls that have been silent for too long.
void Leader::Watch() {
  const MutexLock lock(mutex_);
  while (phase_ != Phase::kOver) {
    for (Call* call : calls_) {
      if (Now() > call->deadline) call->context.TryCancel();
    }
    changed_.WaitUntil(mutex_, After(kWatchInterval));
  }
}

}  // namespace alloclab::load
