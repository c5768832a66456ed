// Every bound of the server, with its reason. What an operator may want to change is an option (server/options.h) whose default
// stands here.
#ifndef ALLOCLAB_SERVER_LIMITS_H_
#define ALLOCLAB_SERVER_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/time/time.h"

namespace alloclab::server {

// --- Instances ---

// An untouched instance costs under 100 KiB of host memory whatever its RAM: 10,000 fit in 1 GiB.
inline constexpr std::uint32_t kInstancesMax = 10'000;
// RAM promised to all instances together. A promise costs nothing until it is touched; the default is 10,000 machines of 4 GiB.
inline constexpr std::uint64_t kPromisedRamBytesMax = std::uint64_t{kInstancesMax} << 32;
// Letters of an instance name, as in metric label values.
inline constexpr std::size_t kInstanceNameMax = 32;
// Of heap blocks, and as many of pages. A handle is 8 bytes of server memory: 32 MiB for a kind, 512 MiB for all instances.
inline constexpr std::uint32_t kHandlesPerInstanceMax = 1u << 22;
inline constexpr std::uint64_t kHandlesMax = 1ull << 26;
// Creations remembered for request_id, the oldest forgotten first of the owner with the most.
inline constexpr std::size_t kRememberedCreationsMax = 16'384;
inline constexpr std::size_t kRequestIdMax = 64;
// Instance ids taken from the store at a time: one synchronous write per so many creations.
inline constexpr std::uint64_t kInstanceIdBlock = 1024;

// --- Data plane ---

// A batch holds its instance for its whole length; at 10 million operations per second this is 7 ms.
inline constexpr std::uint32_t kBatchOperationsMax = 65'536;
// Blocks that the searches of one batch may look at: some 8 s of a literal heap's walk. The rest of the batch is not applied.
inline constexpr std::uint64_t kBatchSearchStepsMax = 1u << 30;
// A long batch is applied in pieces of at most so many operations and about 10 ms; looks and other callers come between two of
// them.
inline constexpr std::uint32_t kPieceOperationsMax = 1024;
// gRPC's default. A full batch is 13 bytes an operation, 0.85 MiB.
inline constexpr int kMessageBytesMax = 4 << 20;
// HTTP/2 streams of one connection, which are its calls too; gRPC's clients keep the others back. What one read of a connection
// brings is answered before it is another connection's turn, so this is how much everyone else waits for: with 100 it was twice
// as long (server/robustness/README.md).
inline constexpr int kStreamsPerConnectionMax = 32;
// Open data streams of the whole server: each holds four messages.
inline constexpr std::uint32_t kStreamsMax = 1'000;

// --- Inspection ---

inline constexpr std::uint32_t kWalkPageBlocks = 4096;  // of one message of a walk: about 100 KiB
inline constexpr std::uint32_t kReadMemoryBytesMax = 65'536;
inline constexpr std::uint32_t kWalksMax = 100;  // at a time: each holds a message of its own, and one in gRPC

// --- Opened runs ---

// Each holds a machine, the run's operations, and images of the machine: together at most 2 GiB, which count to what its owner
// may hold; so does what explaining an operation takes meanwhile. Those that are just being opened count, at most half of one
// owner.
inline constexpr std::size_t kOpenedRunsMax = 8;
inline constexpr std::uint64_t kOpenedRunImageBytesMax = 256ull << 20;
// Nor more than this part of what the server may hold.
inline constexpr std::uint64_t kOpenedRunImagePart = 32;
inline constexpr absl::Duration kOpenedRunIdleMax = absl::Minutes(30);
inline constexpr absl::Duration kOpenedRunsLookInterval = absl::Minutes(1);
// How long the page's requests replay: it goes on with another one, and the browser does not give up.
inline constexpr absl::Duration kWebReplayTimeMax = absl::Seconds(1);

// --- Workloads and runs ---

// 16 bytes an operation while it is replayed: 512 MiB.
inline constexpr std::uint64_t kWorkloadOperationsMax = 32u << 20;
inline constexpr std::uint64_t kTraceUploadBytesMax = 256ull << 20;  // of one file as uploaded
inline constexpr std::uint64_t kTraceInflatedBytesMax = 2ull << 30;  // of one file, decompressed
inline constexpr std::uint64_t kTraceStoreBytesMax = 4ull << 30;     // of all files in the store
inline constexpr std::uint32_t kUploadsPerConnectionMax = 2;
// A silent upload, data stream or watcher makes room for another one after this, once there are as many as there may be.
inline constexpr absl::Duration kUploadSilenceMax = absl::Seconds(1), kStreamSilenceMax = absl::Seconds(10);
inline constexpr std::uint32_t kConcurrentUploadsMax = 4;  // each holds its file in memory
// Of operations ready to be replayed; whoever has the most of them loses his own first.
inline constexpr std::uint64_t kTraceCacheBytes = 256ull << 20;
inline constexpr std::uint64_t kTraceCachePart = 4;  // of --memory-max, at most a fourth
inline constexpr std::size_t kFileNameMax = 255;
inline constexpr std::size_t kLabelMax = 128;
inline constexpr std::size_t kDigestAtMax = 1024;  // letters of digest_at
inline constexpr std::uint32_t kQueuedRunsMax = 256;
inline constexpr absl::Duration kRunsAgeInterval =
    absl::Minutes(1);  // between looks for runs that are too old for their owners
inline constexpr absl::Duration kRunsAgeMax = absl::Hours(24 * 3660);  // --runs-age: ten years
inline constexpr std::uint64_t kStoredRunsMax = 100'000;               // about 10 KiB each
inline constexpr std::uint32_t kConcurrentDiffsMax = 2;                // each replays two machines
inline constexpr std::size_t kDifferencesMax = 1'000;                  // named in one reply
// A cancelled run that is still reading its operations is ended after this; it leaves off soon.
inline constexpr absl::Duration kCancelPatience = absl::Milliseconds(50);
// One that replays stops within one slice, and is summed up without a walk; if the host is too busy for that, it has no result.
inline constexpr absl::Duration kSumUpPatience = absl::Seconds(2);
inline constexpr std::uint32_t kWatchersMax = 1'000;
// Between two messages to a watcher.
inline constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

// --- Real allocators ---

// One replay in a process of its own; whatever takes longer hangs. The largest workload takes some seconds.
inline constexpr absl::Duration kNativeTimeMax = absl::Seconds(60);
// Timed replays of a run: three give an interval that says something. Ten of a million operations take about a second.
inline constexpr std::uint32_t kNativeRepeatsMin = 3, kNativeRepeatsDefault = 10, kNativeRepeatsMax = 100;
inline constexpr std::uint32_t kNativeLatencyPasses = 3;  // of each operation the shortest counts: interrupts do not
// Memory that a replay may hold: so many times what is asked for and live at the peak, with so many bytes for each block beside
// its own; and 64 MiB, as arenas and caches take some at once.
inline constexpr std::uint64_t kNativeHeapFactor = 2, kNativeBlockBytes = 32, kNativeSlackBytes = 64ull << 20;
inline constexpr std::size_t kNativeOutputBytes = 4096;  // what a process may print; an error shows it
inline constexpr std::size_t kNativeNamedMax = 32;       // --native-allocators
inline constexpr std::size_t kNativeNameMax = 32, kNativePathMax = 500;

// --- Store ---

// Set aside for a full disk: some hundred ends of runs with their results, or as many deletions.
inline constexpr std::uint64_t kDiskReserveBytes = 4ull << 20;
// Free pages of 4 KiB that a database keeps for later; what is more goes back to the disk, so many at a time.
inline constexpr std::uint64_t kFreePagesKept = 2048, kFreePagesStep = 1024;
inline constexpr std::size_t kDamagedRowsLogged = 1'000;  // each once

// --- A database that servers share ---

// Of one server. Debian's PostgreSQL lets 100 in; a call holds one for some milliseconds.
inline constexpr std::size_t kDatabaseConnectionsMax = 8;
inline constexpr absl::Duration kConnectionPatience = absl::Seconds(5);  // of who waits for one
// Of one statement, the largest of which writes 256 MiB; of a wait for a row that another server changes.
inline constexpr absl::Duration kStatementTimeMax = absl::Seconds(60), kLockTimeMax = absl::Seconds(10);
// Between two attempts to reach a database that does not answer: doubled each time.
inline constexpr absl::Duration kReconnectPauseMin = absl::Milliseconds(100), kReconnectPauseMax = absl::Seconds(5);

// A server that is gone is noticed after so long; leases are renewed ten times as often.
inline constexpr absl::Duration kLeaseTime = absl::Seconds(10);
// Beside --run-threads: for the first run of an owner while runs of others have all of those. A run may take days.
inline constexpr std::uint32_t kSpareRunThreads = 8;
// What a run may bring its server down with, it does each time.
inline constexpr std::uint64_t kAttemptsMax = 3;
// Between two looks of an idle worker for a run that another server took in.
inline constexpr absl::Duration kTakeInterval = absl::Milliseconds(500);

// --- Lists ---

// A page ends before it grows beyond this, as protocol buffer.
inline constexpr std::size_t kListBytesMax = 1 << 20;
inline constexpr std::uint32_t kListTracesDefault = 50, kListTracesMax = 500;
inline constexpr std::size_t kOtherInstancesMax = 1'000;  // of other servers, in a list
inline constexpr std::uint32_t kListInstancesDefault = 100, kListInstancesMax = 1'000;
inline constexpr std::uint32_t kListRunsDefault = 50, kListRunsMax = 500;

// --- Metrics ---

// The lab_instance of all that have no series of their own.
inline constexpr std::string_view kOtherInstances = "other";
// Instances with series of their own; the rest is summed under kOtherInstances. When they are full, one of whoever has the most
// makes room for another owner's.
inline constexpr std::uint32_t kNamedInstancesMax = 32;
inline constexpr std::uint32_t kNamedRunsMax = 16;  // likewise of runs, under lab_instance="run-ID"
// Reading each of 10,000 takes a tenth of a second: beyond so many that are summed, scrapes share a sum of at most this age.
inline constexpr std::size_t kOthersReadMax = 1'000;
inline constexpr absl::Duration kOthersAgeMax = absl::Seconds(5);
// With more than kOthersReadMax instances a scrape costs some milliseconds; within so long all scrapers get the same one.
inline constexpr absl::Duration kScrapeAgeMax = absl::Seconds(1);
// How long an ended run stays in /metrics: two scrapes at the slowest usual interval.
inline constexpr absl::Duration kRunLinger = absl::Seconds(60);
// A busy instance publishes a snapshot this often, and spends at most 1/20 of its time on it.
inline constexpr absl::Duration kSnapshotInterval = absl::Milliseconds(100);

// --- Host ---

// Of promised RAM, host memory and handles one owner of a token has at most half (HostBudget::Of).

inline constexpr std::size_t kTransportBytesMax = 512u << 20;  // gRPC's own buffers
// Memory that the server itself may need beside what instances, runs, traces and uploads hold: buffers of gRPC at their bound,
// and 256 MiB for all else.
inline constexpr std::uint64_t kServerBytesMax = kTransportBytesMax + (256ull << 20);

// How often the server looks whether so much was freed since it last gave memory back to the host, which takes tens of
// milliseconds.
inline constexpr absl::Duration kMemoryReturnInterval = absl::Seconds(1);
inline constexpr std::uint64_t kMemoryReturnBytes = 32ull << 20;
// When the server is quiet, so much more that is free is enough: what streams and clients that are gone leave lies in pieces
// that nothing else can use. Quiet: at most this share of a processor since the last look.
inline constexpr std::uint64_t kQuietReturnBytes = 1ull << 20;
inline constexpr double kQuietProcessorShare = 0.1;
// Arenas of the C library, which takes eight a core of itself: each holds pieces that no other gives away.
inline constexpr unsigned kArenasPerCore = 2;

// --- Connections and life ---

// Each costs about 18 KiB and two descriptors.
inline constexpr std::uint32_t kConnectionsMax = 4'096;
// Of one owner of a token: as many calls as may wait (kCallsWaitingMax), by the streams that a connection may have.
inline constexpr std::uint32_t kOwnerConnectionsMax = 64;
// How long a connection stays that is one too many: its client reads why.
inline constexpr absl::Duration kRefusalTime = absl::Milliseconds(50);
inline constexpr std::size_t kConnectionsMin = 16;  // however few descriptors there are
// Let in beyond the most there may be, so that somebody can ask for the server's health, and how long each may stay.
inline constexpr std::size_t kGuestsMax = 16;
inline constexpr absl::Duration kGuestStay = absl::Seconds(2);
// Whoever has sent nothing for so long may be hung up on, once there are as many as there may be.
inline constexpr absl::Duration kSilenceMax = absl::Seconds(5);
// Descriptors that are not for gRPC's connections: clients of web page and metrics (kHttpClientsMax each), guests, the store,
// and what gRPC and the listeners have for themselves.
inline constexpr std::uint64_t kDescriptorsReserved = 2 * 128 + 2 * kGuestsMax + 64;
// Unary calls that wait for a thread, of two kinds: single operations, and all others; some 10 KiB each. Of whom none is there
// may always bring one.
inline constexpr std::uint32_t kCallsWaitingMax = 2'048;
// Threads for calls that may take long: batches, checks, comparisons, writes to the store. One client has at most half of them;
// of those for the answers of the page and of /metrics (kHttpThreads) one owner, or one address, likewise, and of an owner as
// many wait as make half of all clients, for kTurnWaitMax. Pieces of streams and walks have two threads a processor, of which
// one owner has half: alone he keeps all processors busy, and another need not wait for him.
inline constexpr unsigned kCallThreads = 32;
// Calls that one connection may cancel, at once and in a second: all of its streams each second, and three times all of them
// in a moment. Whoever cancels more is hung up on: to open and reset streams costs a client nothing.
inline constexpr std::uint32_t kCancelsAtOnceMax = 300, kCancelsPerSecondMax = 100;
// Handshakes of TLS with one address in a second, at each port, and at once at that of gRPC.
inline constexpr std::uint32_t kHandshakesMax = 50, kHandshakesAtOnce = 16;
// For a client's first words of HTTP/2; whoever has said them may be without a call for so long.
inline constexpr absl::Duration kHandshakeTime = absl::Seconds(5);
inline constexpr absl::Duration kConnectionIdleMax = absl::Minutes(10);
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(30);  // a dead client is noticed after time + timeout
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// A stream whose client takes no data is ended after this; kilobytes an hour are enough.
inline constexpr absl::Duration kWriteTimeMax = absl::Seconds(30);
inline constexpr absl::Duration kPingIntervalMin = absl::Seconds(10);  // a client that pings faster is sent away
inline constexpr int kTransportThreadsMax = 256;                       // of uploads
inline constexpr absl::Duration kDrainTime = absl::Seconds(10);
inline constexpr absl::Duration kLogFlushTime = absl::Seconds(1);  // for a reader of the log that is slow, at the end
inline constexpr std::size_t kErrorMessageMax = 1024;              // bytes of a status message: it travels in a header

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_LIMITS_H_
