// What the leader and one joined generator say to each other.
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "allocators/common/check.h"
#include "allocators/common/printable.h"
#include "clients/common/version.h"
#include "clients/load/counts_codec.h"
#include "clients/load/leader.h"
#include "clients/load/load_config.h"
#include "clients/load/share.h"

namespace alloclab::load {
namespace {

constexpr Nanos kForever = Nanos::max();
constexpr Nanos kLookForLeavers = std::chrono::milliseconds(100);
constexpr int kClockQuestions = 16;
constexpr std::size_t kNameBytesMax = 64, kTextBytesMax = 4096;
constexpr std::int64_t kClockMax = std::int64_t{1} << 60;  // 36 years of nanoseconds
constexpr char kLeft[] = "it left";

bool ShowsToken(const grpc::ServerContext& context, const std::string& token) {
  if (token.empty()) return true;
  const std::string right = "Bearer " + token;
  const auto [first, last] = context.client_metadata().equal_range("authorization");
  return first != last && std::next(first) == last && first->second.size() == right.size() &&
         CRYPTO_memcmp(first->second.data(), right.data(), right.size()) == 0;
}

absl::Status OutOfPlace(std::string_view expected) {
  return absl::InvalidArgumentError(fmt::format("expected {} here", expected));
}

absl::Status CheckClock(std::int64_t ns) {
  if (ns >= 0 && ns <= kClockMax) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("a clock at {} ns: expected 0 to {}", ns, kClockMax));
}

absl::Status CheckText(std::string_view field, const std::string& text, std::size_t most) {
  if (text.size() <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: {} bytes, expected at most {}", field, text.size(), most));
}

absl::Status CheckHello(const v1::GeneratorHello& hello) {
  const std::string& name = hello.name();
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (name.empty() || name.size() > kNameBytesMax || !plain) {
    return absl::InvalidArgumentError(fmt::format("name: expected 1 to {} printable characters of ASCII", kNameBytesMax));
  }
  if (hello.version() == client::Version()) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("the generator is alloclab {}, the leader {}: expected the same version",
                                                   Printable(hello.version().substr(0, kNameBytesMax)), client::Version()));
}

// Everything of a part but its counts.
absl::Status CheckPart(const v1::GeneratorPart& part, const v1::LoadPlan& plan, const Share& share) {
  const std::vector<std::string> names = InstanceNames(plan.run_id(), plan.config(), share);
  const std::size_t instances_max = plan.config().instance().empty() ? names.size() : 1;
  if (static_cast<std::size_t>(part.instances_size()) > instances_max) {
    return absl::InvalidArgumentError(fmt::format("instances: {}, expected at most {}", part.instances_size(), instances_max));
  }
  for (int i = 0; i < part.instances_size(); ++i) {
    const std::string& right = names.empty() ? plan.config().instance() : names[static_cast<std::size_t>(i)];
    if (part.instances(i).name() != right) return absl::InvalidArgumentError("instances: expected those of its share");
  }
  const std::uint64_t longest = static_cast<std::uint64_t>(FromSeconds(2 * kSecondsMax).count());
  if (part.elapsed_ns() > longest || part.passes() > kCountMax || part.warmup_operations() > kCountMax) {
    return absl::InvalidArgumentError("elapsed_ns, passes, warmup_operations: a number that no load reaches");
  }
  for (const auto& [field, text] : {std::pair{"server_version", &part.server_version()},
                                    {"server_build", &part.server_build()},
                                    {"error.code", &part.error().code()},
                                    {"error.message", &part.error().message()}}) {
    if (absl::Status status = CheckText(field, *text, kTextBytesMax); !status.ok()) return status;
  }
  return CheckClock(part.began_ns());
}

std::string WhyOf(const v1::CallError& error) { return Printable(error.message()); }

}  // namespace

grpc::Status Leader::Join(grpc::ServerContext* context, Stream* stream) {
  if (!ShowsToken(*context, token_)) {
    return {grpc::StatusCode::UNAUTHENTICATED,
            "the leader lets in only those who show its token: ALLOCLAB_TOKEN or --token-file"};
  }
  Call call{.context = *context, .stream = *stream, .deadline = Now() + kSilenceMax};
  {
    const MutexLock lock(mutex_);
    calls_.insert(&call);
    if (phase_ == Phase::kOver) context->TryCancel();
  }
  std::shared_ptr<Member> member;
  const absl::Status status = Converse(call, member);
  {
    const MutexLock lock(mutex_);
    calls_.erase(&call);
  }
  if (member) Leave(*member, status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

absl::Status Leader::Converse(Call& call, std::shared_ptr<Member>& member) {
  absl::StatusOr<std::shared_ptr<Member>> admitted = Admit(call);
  if (!admitted.ok()) return admitted.status();
  member = *std::move(admitted);
  if (absl::Status status = SendPlan(call, *member); !status.ok()) return status;
  if (absl::Status status = AwaitOthers(call, *member); !status.ok()) return status;
  if (absl::Status status = CompareClocks(call, *member); !status.ok()) return status;
  return HearStates(call, *member);
}

absl::Status Leader::Read(Call& call, Nanos patience, v1::GeneratorSays& says) {
  {
    const MutexLock lock(mutex_);
    call.deadline = patience == kForever ? kForever : Now() + patience;
  }
  if (call.stream.Read(&says)) return absl::OkStatus();
  const MutexLock lock(mutex_);
  if (phase_ == Phase::kOver) return absl::AbortedError("the leader has ended");
  if (Now() > call.deadline) {
    return absl::DeadlineExceededError(fmt::format("it said nothing for {} s", Seconds(patience)));
  }
  return absl::CancelledError(kLeft);
}

absl::StatusOr<std::shared_ptr<Leader::Member>> Leader::Admit(Call& call) {
  v1::GeneratorSays says;
  if (absl::Status status = Read(call, kSilenceMax, says); !status.ok()) return status;
  if (!says.has_hello()) return OutOfPlace("a hello");
  if (absl::Status status = CheckHello(says.hello()); !status.ok()) return status;
  const MutexLock lock(mutex_);
  if (phase_ != Phase::kJoining) return absl::FailedPreconditionError("the load has begun without it");
  for (std::uint32_t number = 1; number < members_.size(); ++number) {
    if (members_[number]) continue;
    auto member = std::make_shared<Member>();
    member->number = number;
    member->part.name = says.hello().name();
    return members_[number] = std::move(member);
  }
  return absl::ResourceExhaustedError(fmt::format("all {} generators are there already", members_.size()));
}

absl::Status Leader::SendPlan(Call& call, const Member& member) {
  v1::LeaderSays says;
  *says.mutable_plan() = plan_;
  says.mutable_plan()->set_number(member.number);
  bool taken = call.stream.Write(says);
  for (std::size_t at = 0; at < trace_.size() && taken; at += kTracePieceBytes) {
    {
      const MutexLock lock(mutex_);
      call.deadline = Now() + kSilenceMax;  // of each piece
    }
    says.set_trace(trace_.substr(at, kTracePieceBytes));
    taken = call.stream.Write(says);
  }
  return taken ? absl::OkStatus() : absl::CancelledError(kLeft);
}

absl::Status Leader::AwaitOthers(Call& call, Member& member) {
  v1::GeneratorSays says;
  if (absl::Status status = Read(call, kForever, says); !status.ok()) return status;
  if (says.has_part() && says.part().has_error())
    return absl::AbortedError(WhyOf(says.part().error()).substr(0, kTextBytesMax));
  if (!says.has_ready()) return OutOfPlace("that it is ready");
  if (absl::Status status = CheckText("server", says.ready().server(), kTextBytesMax); !status.ok()) return status;
  const MutexLock lock(mutex_);
  member.part.server = Printable(says.ready().server());
  member.ready = true;
  say_(fmt::format("{} is ready, {} of {}", member.part.name, CountReady(), wanted()));
  changed_.NotifyAll();
  while (phase_ == Phase::kJoining && !call.context.IsCancelled()) {
    changed_.WaitUntil(mutex_, MonotonicTime::Now() + absl::FromChrono(kLookForLeavers));
  }
  if (call.context.IsCancelled()) return absl::CancelledError(kLeft);
  return phase_ == Phase::kOver ? absl::AbortedError("the leader has ended") : absl::OkStatus();
}

absl::Status Leader::CompareClocks(Call& call, Member& member) {
  v1::LeaderSays question;
  question.mutable_clock();
  v1::GeneratorSays answer;
  ClockComparison clock;
  for (int i = 0; i < kClockQuestions; ++i) {
    const Nanos asked = Now();
    if (!call.stream.Write(question)) return absl::CancelledError(kLeft);
    if (absl::Status status = Read(call, kSilenceMax, answer); !status.ok()) return status;
    if (!answer.has_clock()) return OutOfPlace("the time of its clock");
    if (absl::Status status = CheckClock(answer.clock().now_ns()); !status.ok()) return status;
    clock.Add(asked, Nanos(answer.clock().now_ns()), Now());
  }
  v1::LeaderSays start;
  {
    const MutexLock lock(mutex_);
    member.clock = clock;
    member.part.error = clock.error();
    member.compared = true;
    changed_.NotifyAll();
    while (phase_ == Phase::kComparing) changed_.Wait(mutex_);
    if (phase_ == Phase::kOver) return absl::AbortedError("the leader has ended");
    start.mutable_start()->set_at_ns(clock.ToTheirs(start_).count());
  }
  return call.stream.Write(start) ? absl::OkStatus() : absl::CancelledError(kLeft);
}

absl::Status Leader::HearStates(Call& call, Member& member) {
  v1::GeneratorSays says;
  bool told = false;
  while (true) {
    if (absl::Status status = Read(call, kSilenceMax, says); !status.ok()) return status;
    if (says.has_part()) return Take(says.part(), member);
    if (!says.has_state()) return OutOfPlace("how it gets on, or its part");
    absl::StatusOr<LoadCounts> counts = CountsFromProto(says.state().counts());
    if (!counts.ok()) return counts.status();
    bool stop = false;
    {
      const MutexLock lock(mutex_);
      if (!IsLater(*counts, member.state.counts)) return absl::InvalidArgumentError("counts: less than it told before");
      member.state.counts = *std::move(counts);
      member.state.gauges.inflight_operations = std::min(says.state().inflight_operations(), kCountMax);
      member.state.gauges.target_per_second = says.state().target_per_second();
      member.state.gauges.lag = Nanos(static_cast<Nanos::rep>(std::min(says.state().lag_ns(), kCountMax)));
      stop = stop_ && !told;
    }
    if (!stop) continue;
    told = true;
    v1::LeaderSays order;
    order.mutable_stop();
    if (!call.stream.Write(order)) return absl::CancelledError(kLeft);
  }
}

absl::Status Leader::Take(const v1::GeneratorPart& message, Member& member) {
  const Share share{.number = member.number, .generators = plan_.config().generators()};
  if (absl::Status status = CheckPart(message, plan_, share); !status.ok()) return status;
  absl::StatusOr<LoadCounts> measured = CountsFromProto(message.measured());
  if (!measured.ok()) return measured.status();
  const MutexLock lock(mutex_);
  member.part.message = message;
  member.part.message.clear_measured();
  member.part.measured = *std::move(measured);
  if (message.began_ns() != 0) member.part.skew = member.clock.ToOurs(Nanos(message.began_ns())) - start_;
  return absl::OkStatus();
}

// The end of a conversation. Whoever goes before the load begins makes room for another.
void Leader::Leave(Member& member, const absl::Status& why) {
  const MutexLock lock(mutex_);
  member.ended = true;
  if (!why.ok()) member.part.lost = std::string(why.message());
  if (phase_ == Phase::kJoining) {
    members_[member.number] = nullptr;
    say_(fmt::format("{} is gone again: {}", member.part.name, member.part.lost));
  } else if (!why.ok() && phase_ == Phase::kBegun) {
    say_(fmt::format("{} is lost: {}", member.part.name, member.part.lost));
  }
  changed_.NotifyAll();
}

}  // namespace alloclab::load
