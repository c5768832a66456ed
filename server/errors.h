// Every refusal of the server: one function, one code, one sentence that names the offender and says what is expected. What the
// catalogue, the workloads and the trace readers refuse comes with their own sentences.
#ifndef ALLOCLAB_SERVER_ERRORS_H_
#define ALLOCLAB_SERVER_ERRORS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace alloclab::server::errors {

// The payload of a refusal that says when to try again: a google.rpc.RetryInfo.
inline constexpr absl::Duration kRetryDelay = absl::Seconds(1);
inline constexpr std::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";

// A field of the request: INVALID_ARGUMENT, "field: what is wrong".
absl::Status BadField(std::string_view field, std::string_view what);

// Instances.
absl::Status InstanceNotFound(std::string_view name_or_id);
absl::Status InstanceDeleted(std::string_view name);
absl::Status InstanceNameTaken(std::string_view name);
// Another server of the lab has it, and clients reach that at `address`; the first says so in its payload too, a
// v1.InstanceElsewhere.
inline constexpr std::string_view kInstanceElsewhere = "type.googleapis.com/alloclab.v1.InstanceElsewhere";
absl::Status InstanceElsewhere(std::string_view name_or_id, std::string_view server, std::string_view address,
                               std::string_view page = "");
absl::Status InstanceNameTakenBy(std::string_view name, std::string_view server, std::string_view address);
absl::Status InstanceBeingMade(std::string_view name);
absl::Status InstanceWithoutHeap(std::string_view name);
absl::Status ShowsRun(std::string_view name, std::uint64_t run);
absl::Status NoOpenedRun(std::string_view name);
absl::Status NoSuchOperation(std::uint64_t operation, std::uint64_t operations);
absl::Status NativeNotOpened(std::uint64_t run);
absl::Status TooManyBeingOpened(std::uint64_t max);
absl::Status TooManyInstances(std::uint64_t max);
absl::Status TooManyInstancesOf(std::string_view owner, std::uint64_t max);
// Of all, or of an owner who has a part of it.
absl::Status TooMuchRamPromised(std::uint64_t asked, std::uint64_t promised, std::uint64_t max, std::string_view owner = "");
absl::Status TooMuchMemoryHeld(std::uint64_t asked, std::uint64_t held, std::uint64_t max, std::string_view owner = "");
absl::Status TooMuchWork(std::uint64_t blocks);
absl::Status TooManyHandles(std::uint64_t asked, std::uint64_t held, std::uint64_t max, std::string_view owner = "");
absl::Status RequestIdReused(std::string_view request_id);

// Data plane and inspection.
absl::Status InstanceChangedInStream(std::string_view first, std::string_view other);
absl::Status TooManyStreams(std::uint64_t max);
absl::Status TooManyWalks(std::uint64_t max);
absl::Status TooManyCalls(std::uint64_t max);
absl::Status TooManyConnections(std::string_view owner, std::uint64_t max);
absl::Status OutsideRam(std::uint32_t address, std::uint64_t bytes, std::uint64_t ram_bytes);
absl::Status PageNotPresent(std::uint32_t address);
absl::Status CallCancelled();
absl::Status SilentTooLong(absl::Duration silence);

// Workloads and runs.
absl::Status TraceNotFound(std::string_view sha256);
absl::Status StoredTraceNotFound(std::string_view sha256);
absl::Status TraceUploadTooLarge(std::uint64_t max);
absl::Status TraceStoreFull(std::uint64_t max);
absl::Status StoredBytesOf(std::string_view owner, std::uint64_t stored, std::uint64_t more, std::uint64_t max);
absl::Status TooManyUploads(std::uint64_t max);
absl::Status NativeAbsent(std::string_view name, std::string_view why);
absl::Status NativeNotComparable(std::uint64_t run);
absl::Status WorkloadTooLong(std::uint64_t operations, std::uint64_t max);
absl::Status RunNotFound(std::uint64_t id);
absl::Status RunNotRunning(std::uint64_t id, std::string_view state);
absl::Status RunElsewhere(std::uint64_t id);
absl::Status RunTakenOver(std::uint64_t id);
absl::Status CancelNotHeard(std::uint64_t id);
absl::Status RunNotEnded(std::uint64_t id, std::string_view state);
absl::Status RunWithoutResult(std::uint64_t id, std::string_view state);
absl::Status RunQueueFull(std::uint64_t max);
absl::Status RunQueueFullOf(std::string_view owner, std::uint64_t max);
absl::Status TooManyStoredRuns(std::uint64_t max);
absl::Status TooManyStoredRunsOf(std::string_view owner, std::uint64_t max);
absl::Status TooManyWatchers(std::uint64_t max);
// By HTTP, for one owner or address.
absl::Status TooManyAnswers(std::string_view whose, std::size_t at_work);
absl::Status TooManyDiffs(std::uint64_t max);
absl::Status Draining();

// Store.
absl::Status DataDirectoryLocked(std::string_view directory, std::string_view holder);
absl::Status DataDirectoryUnusable(std::string_view directory, std::string_view why);
absl::Status StoreFull(std::string_view why);
absl::Status StoreBroken(std::string_view why);
absl::Status StoreDamaged(std::string_view why);
absl::Status RowDamaged(std::string_view row, std::string_view remedy);  // "run 7"
absl::Status DatabaseDamaged(std::string_view why);
absl::Status DatabaseAway(std::string_view why);
absl::Status StoreReadOnly(std::string_view why);
absl::Status TraceInUse(std::string_view sha256, std::uint64_t run, std::string_view state);
absl::Status StoreTooNew(std::string_view file, std::uint64_t version, std::uint64_t known);

// Addresses.
absl::Status CannotListen(std::string_view flag, std::string_view address, std::string_view why);

}  // namespace alloclab::server::errors

#endif  // ALLOCLAB_SERVER_ERRORS_H_
