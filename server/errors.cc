#include "server/errors.h"

#include <fmt/format.h>

#include "alloclab/v1/lab.pb.h"
#include "google/rpc/error_details.pb.h"

namespace alloclab::server::errors {
namespace {

// The caller is told when to try again.
void AddRetryDelay(absl::Status& status) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(kRetryDelay));
  status.SetPayload({kRetryInfo.data(), kRetryInfo.size()}, absl::Cord(retry.SerializeAsString()));
}

// Others are at it.
absl::Status Busy(const std::string& message) {
  absl::Status status = absl::ResourceExhaustedError(message);
  AddRetryDelay(status);
  return status;
}

}  // namespace

absl::Status BadField(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, what));
}

absl::Status InstanceNotFound(std::string_view name_or_id) {
  return absl::NotFoundError(fmt::format("instance \"{}\" does not exist", name_or_id));
}
absl::Status InstanceDeleted(std::string_view name) {
  return absl::NotFoundError(fmt::format("instance \"{}\" was deleted", name));
}
absl::Status InstanceNameTaken(std::string_view name) {
  return absl::AlreadyExistsError(fmt::format("name: instance \"{}\" exists already", name));
}
absl::Status InstanceElsewhere(std::string_view name_or_id, std::string_view server, std::string_view address,
                               std::string_view page) {
  absl::Status status = absl::FailedPreconditionError(
      fmt::format("instance \"{}\" lives on another server of this lab, {}: ask at {}", name_or_id, server, address));
  v1::InstanceElsewhere place;
  place.set_server(std::string(server));
  place.set_address(std::string(address));
  place.set_page(std::string(page));
  status.SetPayload({kInstanceElsewhere.data(), kInstanceElsewhere.size()}, absl::Cord(place.SerializeAsString()));
  return status;
}
absl::Status InstanceNameTakenBy(std::string_view name, std::string_view server, std::string_view address) {
  return absl::AlreadyExistsError(
      fmt::format("name: instance \"{}\" exists already, on {} of this lab ({})", name, server, address));
}
absl::Status InstanceBeingMade(std::string_view name) {
  return Busy(fmt::format("instance \"{}\" is being made; try again", name));
}
absl::Status InstanceWithoutHeap(std::string_view name) {
  return absl::FailedPreconditionError(
      fmt::format("instance \"{}\" has no heap (heap_allocator \"none\"): it has pages only", name));
}
absl::Status ShowsRun(std::string_view name, std::uint64_t run) {
  return absl::FailedPreconditionError(fmt::format(
      "instance \"{}\" shows run {} as it was, which nothing can change; create an instance to operate on", name, run));
}
absl::Status NoOpenedRun(std::string_view name) {
  return absl::FailedPreconditionError(fmt::format("instance \"{}\" is no opened run: it has no other moments than now", name));
}
absl::Status NoSuchOperation(std::uint64_t operation, std::uint64_t operations) {
  return absl::OutOfRangeError(fmt::format("operation: {} is not one of the run's {} operations", operation, operations));
}
absl::Status NativeNotOpened(std::uint64_t run) {
  return absl::FailedPreconditionError(fmt::format(
      "run {} was measured with a real allocator in a process of its own; only runs on simulated machines can be opened", run));
}
absl::Status TooManyBeingOpened(std::uint64_t max) {
  return Busy(fmt::format("too many of the {} runs that may be open are being opened just now; try again", max));
}
absl::Status TooManyInstances(std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("the server holds its maximum of {} instances (--instances-max); delete one first", max));
}
absl::Status TooManyInstancesOf(std::string_view owner, std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("{} has {} instances, the most that one may have (--owner-instances-max); delete one first", owner, max));
}
absl::Status TooMuchRamPromised(std::uint64_t asked, std::uint64_t promised, std::uint64_t max, std::string_view owner) {
  if (!owner.empty()) {
    return absl::ResourceExhaustedError(
        fmt::format("config.ram_bytes: {} bytes more than the {} promised to other instances of {} would pass the limit of {}, "
                    "half of what all may have (--promised-ram-max); delete some",
                    asked, promised, owner, max));
  }
  return absl::ResourceExhaustedError(fmt::format(
      "config.ram_bytes: {} bytes more than the {} promised to other instances would pass the limit of {} (--promised-ram-max)",
      asked, promised, max));
}
absl::Status TooMuchMemoryHeld(std::uint64_t asked, std::uint64_t held, std::uint64_t max, std::string_view owner) {
  if (!owner.empty()) {
    return absl::ResourceExhaustedError(
        fmt::format("this may need {} bytes more than the {} held by instances, runs and traces of {}, which would pass the "
                    "limit of {} bytes of host memory (--owner-memory-max); delete or free something first",
                    asked, held, owner, max));
  }
  return absl::ResourceExhaustedError(fmt::format(
      "this may need {} bytes more than the {} held by instances, runs and traces, which would pass the limit of {} "
      "bytes of host memory (--memory-max); delete or free something first",
      asked, held, max));
}
absl::Status TooMuchWork(std::uint64_t blocks) {
  return absl::ResourceExhaustedError(
      fmt::format("the searches of this batch looked at {} blocks, the most for one call; send the rest again", blocks));
}
absl::Status TooManyHandles(std::uint64_t asked, std::uint64_t held, std::uint64_t max, std::string_view owner) {
  if (!owner.empty()) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} more handles than the {} in use by instances of {} would pass the limit of {}, half of what all may have "
        "(--handles-max)",
        asked, held, owner, max));
  }
  return absl::ResourceExhaustedError(fmt::format(
      "{} more handles than the {} in use by all instances would pass the limit of {} (--handles-max)", asked, held, max));
}
absl::Status RequestIdReused(std::string_view request_id) {
  return absl::AlreadyExistsError(fmt::format("request_id: \"{}\" was used before with a different request", request_id));
}

absl::Status InstanceChangedInStream(std::string_view first, std::string_view other) {
  return absl::InvalidArgumentError(fmt::format(
      "instance: this stream drives \"{}\", a later batch names \"{}\"; open a stream for each instance", first, other));
}
absl::Status TooManyStreams(std::uint64_t max) {
  return Busy(fmt::format("the server has its maximum of {} data streams open (--streams-max)", max));
}
absl::Status TooManyWalks(std::uint64_t max) {
  return Busy(fmt::format("{} walks are under way, the most at a time; try again", max));
}
absl::Status TooManyCalls(std::uint64_t max) { return Busy(fmt::format("{} calls wait, the most that may; try again", max)); }
absl::Status TooManyConnections(std::string_view owner, std::uint64_t max) {
  return Busy(
      fmt::format("{} has {} connections, the most of one owner (--owner-connections-max); close some first", owner, max));
}
absl::Status OutsideRam(std::uint32_t address, std::uint64_t bytes, std::uint64_t ram_bytes) {
  return absl::OutOfRangeError(
      fmt::format("address: {} bytes at physical 0x{:08x} are not all inside the RAM of {} bytes", bytes, address, ram_bytes));
}
absl::Status PageNotPresent(std::uint32_t address) {
  return absl::OutOfRangeError(fmt::format("address: virtual 0x{:08x} is not present: no frame is mapped there", address));
}
absl::Status SilentTooLong(absl::Duration silence) {
  return Busy(fmt::format("the call was silent for {} while another one waited for its place",
                          absl::FormatDuration(absl::Trunc(silence, absl::Milliseconds(1)))));
}
absl::Status CallCancelled() { return absl::CancelledError("the caller cancelled the call or its deadline passed"); }

absl::Status TraceNotFound(std::string_view sha256) {
  return absl::NotFoundError(fmt::format("workload.trace_sha256: no trace with digest \"{}\" was uploaded", sha256));
}
absl::Status StoredTraceNotFound(std::string_view sha256) {
  return absl::NotFoundError(fmt::format("sha256: no trace with digest \"{}\" is stored", sha256));
}
absl::Status TraceUploadTooLarge(std::uint64_t max) {
  return absl::ResourceExhaustedError(fmt::format("the trace file is larger than {} bytes, the most the server takes", max));
}
absl::Status TraceStoreFull(std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("the store holds its maximum of {} bytes of traces (--trace-store-max); delete some, or let the server do it "
                  "(--traces-retire on)",
                  max));
}
absl::Status StoredBytesOf(std::string_view owner, std::uint64_t stored, std::uint64_t more, std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("{} has {} bytes of traces and programs in the store, and {} more are over the {} that one may have "
                  "(--owner-stored-bytes-max); delete some",
                  owner, stored, more, max));
}
absl::Status TooManyUploads(std::uint64_t max) {
  return Busy(fmt::format("{} uploads are under way, the most at a time; try again", max));
}
absl::Status NativeAbsent(std::string_view name, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("config.heap_allocator: {} cannot be measured here: {}", name, why));
}
absl::Status NativeNotComparable(std::uint64_t run) {
  return absl::FailedPreconditionError(
      fmt::format("run {} was measured on a real allocator and has no exact result to compare", run));
}
absl::Status WorkloadTooLong(std::uint64_t operations, std::uint64_t max) {
  return absl::InvalidArgumentError(fmt::format("workload: {} operations; at most {} are allowed", operations, max));
}
absl::Status RunNotFound(std::uint64_t id) { return absl::NotFoundError(fmt::format("id: run {} does not exist", id)); }
absl::Status RunNotRunning(std::uint64_t id, std::string_view state) {
  return absl::FailedPreconditionError(fmt::format("run {} is {}: its machine can be seen only while it runs", id, state));
}
absl::Status RunElsewhere(std::uint64_t id) {
  return absl::FailedPreconditionError(
      fmt::format("run {} is replayed by another server of this lab: its machine can be seen there only", id));
}
absl::Status RunTakenOver(std::uint64_t id) {
  return absl::AbortedError(fmt::format("run {} was taken over by another server, or ended; this result of it is dropped", id));
}
absl::Status CancelNotHeard(std::uint64_t id) {
  absl::Status status =
      absl::UnavailableError(fmt::format("the server that replays run {} does not answer yet; ask again", id));
  AddRetryDelay(status);
  return status;
}
absl::Status RunNotEnded(std::uint64_t id, std::string_view state) {
  return absl::FailedPreconditionError(fmt::format("id: run {} is {}; cancel it or wait until it has ended", id, state));
}
absl::Status RunWithoutResult(std::uint64_t id, std::string_view state) {
  return absl::FailedPreconditionError(fmt::format("run {} is {} and has no result to compare", id, state));
}
absl::Status RunQueueFull(std::uint64_t max) {
  return Busy(fmt::format("{} runs are waiting, the most the server queues (--queued-runs-max); try again later", max));
}
absl::Status RunQueueFullOf(std::string_view owner, std::uint64_t max) {
  return Busy(fmt::format("{} runs of {} are waiting, the most that one may have (--owner-queued-runs-max); try again later",
                          max, owner));
}
absl::Status TooManyStoredRuns(std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("the store holds its maximum of {} runs (--stored-runs-max); delete some first, or let the server do it "
                  "(--runs-retire on)",
                  max));
}
absl::Status TooManyStoredRunsOf(std::string_view owner, std::uint64_t max) {
  return absl::ResourceExhaustedError(
      fmt::format("{} has {} runs or more in the store, pinned ones too, and {} is the most that one may have "
                  "(--owner-stored-runs-max); delete some: alloclab runs delete; or, if the server retires runs, unpin some",
                  owner, max, max));
}
absl::Status TooManyWatchers(std::uint64_t max) {
  return Busy(fmt::format("the server has its maximum of {} watchers; ask for the run's state instead", max));
}
absl::Status TooManyAnswers(std::string_view whose, std::size_t at_work) {
  return Busy(
      fmt::format("too many answers are asked for by {}: {} are worked out at a time, others wait some seconds; try again",
                  whose, at_work));
}
absl::Status TooManyDiffs(std::uint64_t max) {
  return Busy(fmt::format("{} comparisons are under way, the most at a time; try again", max));
}
absl::Status Draining() { return absl::UnavailableError("the server is shutting down"); }

absl::Status DataDirectoryLocked(std::string_view directory, std::string_view holder) {
  return absl::FailedPreconditionError(
      fmt::format("--data-dir {}: in use by another server ({}); stop it or choose another directory", directory, holder));
}
absl::Status DataDirectoryUnusable(std::string_view directory, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("--data-dir {}: {}", directory, why));
}
absl::Status StoreFull(std::string_view why) {
  return absl::ResourceExhaustedError(fmt::format("the store cannot be written: {}; free some disk space", why));
}
absl::Status StoreBroken(std::string_view why) { return absl::InternalError(fmt::format("the store failed: {}", why)); }
absl::Status StoreDamaged(std::string_view why) {
  return absl::DataLossError(
      fmt::format("the store is damaged: {}; stop the server and run alloclabd store check, then alloclabd store repair", why));
}
absl::Status RowDamaged(std::string_view row, std::string_view remedy) {
  return absl::DataLossError(fmt::format("{}: its record in the store is damaged and is not shown; {}", row, remedy));
}
absl::Status DatabaseDamaged(std::string_view why) {
  return absl::DataLossError(fmt::format("the database is damaged: {}; restore it from a backup", why));
}
absl::Status DatabaseAway(std::string_view why) {
  absl::Status status = absl::UnavailableError(fmt::format("the database does not answer: {}; try again", why));
  AddRetryDelay(status);
  return status;
}
absl::Status StoreReadOnly(std::string_view why) {
  return absl::FailedPreconditionError(fmt::format(
      "the store is read-only, because at the start of the server: {}; put that right and start the server again", why));
}
absl::Status TraceInUse(std::string_view sha256, std::uint64_t run, std::string_view state) {
  return absl::FailedPreconditionError(fmt::format(
      "sha256: trace \"{}\" is that of run {}, which is {}; cancel it or wait until it has ended", sha256, run, state));
}
absl::Status StoreTooNew(std::string_view file, std::uint64_t version, std::uint64_t known) {
  return absl::FailedPreconditionError(
      fmt::format("{}: written by a newer server (schema {}; this one knows {})", file, version, known));
}

absl::Status CannotListen(std::string_view flag, std::string_view address, std::string_view why) {
  const std::string_view hint = address.starts_with("unix:") ? "" : " (port 0 takes a free one)";
  return absl::FailedPreconditionError(
      fmt::format("{} {}: cannot listen: {}; choose another address{}", flag, address, why, hint));
}

}  // namespace alloclab::server::errors
