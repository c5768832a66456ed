// Users' programs: in the store beside the traces, in the same table and under the same bound, with a format of theirs; in
// memory as long as something is made of one.
//
// What a program takes in memory is taken from the budget before, and given back with it.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_GUEST_LIBRARY_H_
#define ALLOCLAB_SERVER_COLLECTIONS_GUEST_LIBRARY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "allocators/catalog/guests.h"
#include "allocators/common/mutex.h"
#include "server/entities/host_budget.h"
#include "server/store/run_store.h"

namespace alloclab::server {

// Of a row of the store that is a program: a heap, or a page allocator.
inline constexpr std::string_view kGuestFormat = "elf-i386", kPageGuestFormat = "elf-i386-pages";
inline bool IsGuestFormat(std::string_view format) { return format == kGuestFormat || format == kPageGuestFormat; }

class GuestLibrary final : private GuestSource {
 public:
  // `store` outlives this; it takes at most `bytes_max` bytes of traces and programs, of one owner `bytes_of_one_max`. With
  // `retire` a new program makes room by deleting the oldest that are not in use.
  GuestLibrary(RunStore& store, std::shared_ptr<HostBudget> budget, std::uint64_t bytes_max, bool retire,
               std::uint64_t bytes_of_one_max = UINT64_MAX);
  ~GuestLibrary() { Leave(); }

  // Reads a file and keeps it, as `owner`'s; the same file again has the new name from then on, unless it is another's: then it
  // stays as it is. INVALID_ARGUMENT: not a program that can be run; ALREADY_EXISTS: it would have the name of another one;
  // RESOURCE_EXHAUSTED: host memory short, store full, or what one owner may have of it. The bytes themselves are the
  // caller's to take from the budget.
  absl::StatusOr<StoredTrace> Add(std::string bytes, const std::string& file_name, const std::string& owner = "")
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Newest first, without contents.
  absl::StatusOr<std::vector<StoredTrace>> List() const;
  // By a name of guests.h. INVALID_ARGUMENT: it is none, or of several; NOT_FOUND.
  absl::StatusOr<StoredTrace> Find(std::string_view name) const;
  // Likewise. What is made of it goes on, and until the last of that is gone its name says what it said.
  absl::Status Delete(std::string_view name);
  // Makes it that owner's.
  absl::Status Give(const StoredTrace& program, const std::string& owner) { return store_.GiveTrace(program.sha256, owner); }

  static GuestName NameOf(const StoredTrace& stored) {
    return {GuestLabel(stored.name), stored.sha256.substr(0, kGuestDigits)};
  }
  const std::shared_ptr<HostBudget>& budget() const { return budget_; }

 private:
  struct Kept {
    std::string label;
    std::weak_ptr<const ElfProgram> program;
  };

  absl::StatusOr<GuestProgram> FindProgram(const std::string& digits) override ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<GuestListed> ListPrograms() override ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<StoredTrace> FindByDigits(const std::string& digits) const;
  absl::StatusOr<std::shared_ptr<const ElfProgram>> Read(std::string_view file) const;
  bool IsUsed(const std::string& sha256) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Another program that begins with these digits is used, though it may be deleted.
  bool IsAnotherUsed(const std::string& digits, const std::string& sha256) const ABSL_LOCKS_EXCLUDED(mutex_);
  // ALREADY_EXISTS: another program has the digits by which the lab would name it.
  absl::Status CheckNameFree(const std::string& sha256) const;
  // For a program of `owner`, who may have half of kGuestProgramsMax. If the oldest are to go, another's go only while that
  // one has more than `owner` will have of what is short: bytes of programs, or programs.
  absl::Status MakeRoom(std::uint64_t bytes, const std::string& owner);

  RunStore& store_;
  const std::shared_ptr<HostBudget> budget_;
  const std::uint64_t bytes_max_, bytes_of_one_max_;
  const bool retire_;
  mutable Mutex mutex_;
  std::map<std::string, Kept> kept_ ABSL_GUARDED_BY(mutex_);  // by digest; those in use, and some that were
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_GUEST_LIBRARY_H_
