// From the events of a log, where blocks are called by their addresses, to the operations of a trace: what every reader of a
// log does alike, and the policies of ImportOptions.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_IMPORTER_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_IMPORTER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "allocators/workload/import/address_table.h"
#include "allocators/workload/import/lines.h"
#include "allocators/workload/oddity.h"
#include "allocators/workload/trace_meter.h"
#include "allocators/workload/trace_reading.h"

namespace alloclab {

// What a format is, for the report and for errors.
struct LogKind {
  std::string_view name;     // "mtrace"
  std::string_view title;    // "an mtrace log of glibc"
  std::string_view lacks;    // what it cannot tell: "threads, times, alignments"
  std::string_view example;  // of a line that is an operation
  std::string_view unit = "line";
};

class Importer {
 public:
  Importer(const TraceReading& reading, const LogKind& kind);

  // False: leave off reading; Finish() says why.
  bool ok() const { return status_.ok(); }
  // The line or byte of what comes next.
  void At(std::uint64_t place) { place_ = place; }
  // The thread of what comes next, by whatever number the log has for it.
  void Thread(std::uint64_t id);

  // The call site of what comes next, for a log that tells them: numbered from 1 on in the order of their first operations;
  // 0: not known. Of one that never says so the trace has none.
  void Site(std::uint32_t site);

  // Address 0 is null: an allocation that failed, or one of nothing.
  void Malloc(std::uint64_t address, std::uint64_t size);
  void Calloc(std::uint64_t address, std::uint64_t count, std::uint64_t size);
  void Realloc(std::uint64_t old, std::uint64_t address, std::uint64_t size);
  void Free(std::uint64_t address);
  // A block of pages, by the number of its first frame.
  void AllocatePages(std::uint64_t frame, std::uint64_t bytes);
  void FreePages(std::uint64_t frame);
  // The allocation that comes next asks for an alignment, which a trace does not have.
  void Aligned() { aligned_.Add(place_); }

  // What stands there is no operation: the output of the program itself, a stack, a comment.
  void Skip() { skipped_.Add(place_); }
  // An event of the kernel or a call that no operation stands for.
  void Ignore() { ignored_.Add(place_); }
  // A call of which only one half is there, or whose result the log does not tell.
  void Incomplete() { incomplete_.Add(place_); }
  // Begins like an operation and is none. The last line of a log may be cut off, which is noted; any other ends the reading.
  void Wrong(const Lines& lines, std::string_view expected);
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  // Host memory that the reader is about to hold for tables of its own, in all.
  void Hold(std::uint64_t bytes);
  // What the sites are.
  void Sites(SiteTable sites) { trace_.sites = std::move(sites); }
  // One more sentence of the report.
  void Note(std::string note) { trace_.notes.push_back(std::move(note)); }

  // The trace, with its report. `input` is how the reading of the file itself ended.
  absl::StatusOr<Trace> Finish(const absl::Status& input);

 private:
  // An allocation was seen where a block lived, at that operation: the free of that block is still to come.
  struct Debt {
    std::uint64_t operation = 0;
  };
  struct Tables {
    AddressTable heap, pages;
    std::uint64_t reader_bytes = 0;
    std::uint64_t host_bytes() const { return heap.host_bytes() + pages.host_bytes() + reader_bytes; }
    std::uint64_t GrowthBytes(std::uint64_t id) const { return heap.GrowthBytes(id) + pages.GrowthBytes(id); }
  };
  static constexpr std::uint64_t kThreadsMax = 65'536;
  static constexpr std::uint64_t kInversionWindow = 4096;  // operations that a free may be late
  static constexpr std::size_t kDebtsMax = 8192;

  bool Admit();
  void Push(const Operation& op);
  std::uint32_t Size(std::uint64_t bytes);
  absl::Status Error(std::string_view what) const;
  // Nothing lives at that address any more.
  void MakeRoom(AddressTable& table, std::uint64_t address, OpKind free);
  bool OwesFree(std::uint64_t address) const;
  void AddDebt(std::uint64_t address);
  // The handle of a block that the log never allocated, or nothing.
  std::uint32_t UnknownBlock(Oddity& dropped);
  void Allocate(OpKind kind, std::uint64_t address, std::uint32_t size, std::uint32_t extra, bool nothing);
  void Failed(OpKind kind, std::uint32_t size, std::uint32_t extra);
  void Balance();
  void AddNotes();

  const TraceReading& reading_;
  const ImportOptions& options_;
  const LogKind kind_;
  absl::Status status_;
  Trace trace_;
  Tables tables_;
  TraceMeter<Tables> meter_{reading_, trace_, tables_};
  std::uint64_t place_ = 1;
  std::uint64_t counted_ = 0;  // operations of a reading that only counts
  std::uint64_t premade_used_ = 0;
  std::uint64_t synthesised_ = 0, balanced_ = 0;
  std::uint32_t thread_ = 0;
  std::uint64_t thread_id_ = ~0ull;
  bool with_sites_ = false;
  std::uint32_t site_ = 0;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> threads_;
  absl::flat_hash_map<std::uint64_t, Debt> debts_;
  // Dropped
  Oddity null_frees_{"a free of null is dropped"};
  Oddity failed_{"an allocation that failed when it was recorded is dropped"};
  Oddity unknown_frees_{"a free of a block that the log does not allocate is dropped"};
  Oddity cut_{"the last line is cut off and dropped"};
  Oddity incomplete_{"a call without its other half or its result is dropped"};
  Oddity ignored_{"an event or a call that is no operation of a heap is dropped"};
  // Repaired
  Oddity kept_failed_{"an allocation that failed when it was recorded is asked for, and freed at once"};
  Oddity unknown_reallocs_{"a realloc of a block that the log does not allocate becomes an allocation"};
  Oddity inverted_{"a block is allocated where another is live; the free that comes late is put before it"};
  Oddity overwritten_{"a block is allocated where another is live; a free, which the log does not have, is put before it"};
  Oddity leaked_{"a block is allocated where another is live, which leaks"};
  Oddity realloc_frees_{"a realloc to 0 bytes becomes a free"};
  Oddity too_large_{kTooLargeNote};
  // Neither
  Oddity aligned_{"an alignment is ignored"};
  Oddity skipped_{"what is no operation is skipped"};
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_IMPORTER_H_
