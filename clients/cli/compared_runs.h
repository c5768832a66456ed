// The runs of a comparison: submitted to the server and waited for, a few at a time.
//
// A study is a comparison with a name that can be taken up again: each of its runs has a request_id that follows from the study
// and from what is run, so the server gives the run that it has from before. One that was cancelled or interrupted is run anew.
// A study goes on when its server is gone: it asks again, for a minute, whoever answers where that server was, another one of a
// lab of several included.
#ifndef ALLOCLAB_CLIENTS_CLI_COMPARED_RUNS_H_
#define ALLOCLAB_CLIENTS_CLI_COMPARED_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alloclab/v1/run.pb.h"
#include "clients/cli/comparison.h"
#include "clients/cli/run_watch.h"
#include "clients/common/session.h"
#include "clients/common/workload_argument.h"

namespace alloclab::client {

class ComparedRuns {
 public:
  // The references must outlive this. An empty `study` is none.
  ComparedRuns(Session& session, std::string study, Interruption& interruption, Progress& progress)
      : session_(session),
        connection_(session.connection()),
        study_(std::move(study)),
        interruption_(interruption),
        progress_(progress) {}

  // Submits `request` on the machine of `run`, whose place in the result is kept. What the server refuses is the run's reason
  // (ComparedRun::not_run); an error ends the comparison.
  // `replay`: of several runs that are the same, which one.
  absl::Status Add(const v1::SubmitRunRequest& request, ComparedRun run, const WorkloadArgument& argument,
                   std::size_t replay = 0);
  // A row for a run that is not to be: `not_run` says why.
  void AddAbsent(ComparedRun run) { runs_.push_back(std::move(run)); }
  // All runs in the order in which they were added, once they have ended. An error if none could be made, or on an interrupt.
  absl::StatusOr<std::vector<ComparedRun>> Finish();
  // How many of them the server had from before.
  std::size_t found() const { return found_; }
  // Asks the server to stop what is under way.
  void Cancel();

 private:
  absl::StatusOr<v1::Run> Submit(v1::SubmitRunRequest request, std::size_t replay);
  absl::Status WaitForOldest();
  absl::StatusOr<v1::Run> AwaitEnd(std::uint64_t id);
  // What `call` gives; of a study, made again while no server answers.
  absl::StatusOr<v1::Run> Persist(const std::function<absl::StatusOr<v1::Run>()>& call);
  bool GoesOnAfter(const absl::Status& status) const;

  const Session& session_;
  const Connection& connection_;
  const std::string study_;
  Interruption& interruption_;
  Progress& progress_;
  std::vector<ComparedRun> runs_;
  std::deque<std::size_t> under_way_;
  absl::Status refused_;
  std::size_t found_ = 0;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_COMPARED_RUNS_H_
