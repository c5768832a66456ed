// The leader of generators that act as one: waits for the others, gives each its part, lets all begin at one moment, and hears
// how they get on and what they did. The conversation with each is that of Generators.Join
// (proto/alloclab/v1/generators.proto).
//
// Until the load begins a generator may come and go. Once it has begun nobody joins, and one that is silent for kSilenceMax, or
// breaks the protocol, is lost.
#ifndef ALLOCLAB_CLIENTS_LOAD_LEADER_H_
#define ALLOCLAB_CLIENTS_LOAD_LEADER_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "allocators/common/mutex.h"
#include "alloclab/v1/generators.grpc.pb.h"
#include "clients/load/clock_comparison.h"
#include "clients/load/leader_port.h"
#include "clients/load/meter.h"

namespace alloclab::load {

inline constexpr Nanos kSilenceMax = std::chrono::seconds(10);
inline constexpr Nanos kStateInterval = std::chrono::milliseconds(250);  // between two states of a generator
inline constexpr std::size_t kTracePieceBytes = 1 << 20;
inline constexpr std::size_t kSharedTraceBytesMax = std::size_t{256} << 20;

// What a joined generator did.
struct JoinedPart {
  std::string name, server;
  std::string lost;           // why it was not heard of to the end; "": it was
  Nanos skew{0}, error{0};    // as in LoadGenerator
  v1::GeneratorPart message;  // checked; counts are in `measured`
  LoadCounts measured;
};

// Thread safety: all methods from one thread; the conversations have threads of their own.
class Leader final : private v1::Generators::Service {
 public:
  // Listening when it returns. `plan` is that of every generator but for its number, `trace` the file that goes with it; `say`
  // tells people of who comes and goes, from any thread. Errors as of CheckPort, and FAILED_PRECONDITION: the address is taken.
  static absl::StatusOr<std::unique_ptr<Leader>> Listen(const LeaderPort& port, v1::LoadPlan plan, std::string trace,
                                                        std::function<void(std::string_view)> say);
  ~Leader() override;

  const std::string& address() const { return address_; }  // HOST:PORT
  std::uint32_t wanted() const { return plan_.config().generators() - 1; }

  // How many are ready; waits at most that long for all of them.
  std::uint32_t AwaitReady(Nanos longest) ABSL_LOCKS_EXCLUDED(mutex_);
  // Compares clocks, and tells all when to begin: at the time returned. REQUIRES: all are ready. ABORTED: one was lost
  // meanwhile.
  absl::StatusOr<Nanos> Begin() ABSL_LOCKS_EXCLUDED(mutex_);
  // Tells all to send nothing more.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether something went wrong, so that the whole load ends: one was lost, or told of an error or an interruption.
  bool Failed() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until all parts are there or lost, at most that long; true if they are.
  bool AwaitParts(Nanos longest) ABSL_LOCKS_EXCLUDED(mutex_);
  LoadSnapshot Read() const ABSL_LOCKS_EXCLUDED(mutex_);  // of all joined, as last told
  std::vector<JoinedPart> Parts() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Stream = grpc::ServerReaderWriter<v1::LeaderSays, v1::GeneratorSays>;
  enum class Phase { kJoining, kComparing, kBegun, kOver };
  // A call, and the time at which it has been silent for too long.
  struct Call {
    grpc::ServerContext& context;
    Stream& stream;
    Nanos deadline;
  };
  struct Member {
    std::uint32_t number = 0;
    JoinedPart part;
    ClockComparison clock;
    bool ready = false, compared = false, ended = false;
    LoadSnapshot state;
  };

  Leader(v1::LoadPlan plan, std::string trace, std::string token, std::function<void(std::string_view)> say);
  grpc::Status Join(grpc::ServerContext* context, Stream* stream) override ABSL_LOCKS_EXCLUDED(mutex_);

  // The parts of a conversation, in their order.
  absl::Status Converse(Call& call, std::shared_ptr<Member>& member);
  absl::StatusOr<std::shared_ptr<Member>> Admit(Call& call);
  absl::Status SendPlan(Call& call, const Member& member);
  absl::Status AwaitOthers(Call& call, Member& member);
  absl::Status CompareClocks(Call& call, Member& member);
  absl::Status HearStates(Call& call, Member& member);

  absl::Status Read(Call& call, Nanos patience, v1::GeneratorSays& says);
  absl::Status Take(const v1::GeneratorPart& message, Member& member);
  void Leave(Member& member, const absl::Status& why);
  void Watch();
  std::uint32_t CountReady() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AllEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const v1::LoadPlan plan_;
  const std::string trace_, token_;
  const std::function<void(std::string_view)> say_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  std::thread watch_;

  mutable Mutex mutex_;
  Condition changed_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kJoining;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  Nanos start_ ABSL_GUARDED_BY(mutex_){0};
  std::set<Call*> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Member>> members_ ABSL_GUARDED_BY(mutex_);  // by number; null: not there
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_LEADER_H_
