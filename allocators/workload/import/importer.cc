#include "allocators/workload/import/importer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

// What a call site is told of.
bool Asks(OpKind kind) { return kind == OpKind::kMalloc || kind == OpKind::kCalloc || kind == OpKind::kRealloc; }

}  // namespace

Importer::Importer(const TraceReading& reading, const LogKind& kind)
    : reading_(reading), options_(reading.options), kind_(kind) {
  for (std::uint64_t i = 0; i < reading.premade && Admit(); ++i) {
    Push({OpKind::kMalloc, tables_.heap.pool().Take(), options_.synthesised_bytes, 0});
  }
}

void Importer::Thread(std::uint64_t id) {
  if (id == thread_id_) return;
  thread_id_ = id;
  const auto found = threads_.try_emplace(id, static_cast<std::uint32_t>(threads_.size())).first;
  thread_ = found->second;
  if (threads_.size() > kThreadsMax) Fail(Error(absl::StrFormat("more than %d threads, the limit", kThreadsMax)));
}

void Importer::Site(std::uint32_t site) {
  if (!with_sites_) meter_.KeepSites();
  with_sites_ = true;
  site_ = site;
}

bool Importer::Admit() {
  if (!status_.ok()) return false;
  if (meter_.count() + counted_ >= reading_.limits.operations_max) {
    status_ = absl::ResourceExhaustedError(
        absl::StrFormat("%s:%d: more than %d operations, the limit", reading_.name, place_, reading_.limits.operations_max));
  } else {
    status_ = meter_.Admit(0);
  }
  return status_.ok();
}

void Importer::Push(const Operation& op) {
  if (reading_.count_unknown != nullptr) {
    ++counted_;
    return;
  }
  trace_.operations.push_back(op);
  if (std::vector<std::uint32_t>* threads = meter_.threads(); threads != nullptr && !threads_.empty()) {
    threads->resize(trace_.operations.size() - 1);  // what came before the first thread was told is of thread 0
    threads->push_back(thread_);
  }
  if (!with_sites_) return;
  trace_.operation_sites.resize(trace_.operations.size() - 1);  // what came before the first site was told has none
  trace_.operation_sites.push_back(Asks(op.kind) ? site_ : 0);
}

std::uint32_t Importer::Size(std::uint64_t bytes) {
  if (bytes > kLargestSize) {
    too_large_.Add(place_);
    if (options_.refuse_large) Fail(Error(absl::StrFormat("a size of %d bytes; expected at most %d", bytes, kLargestSize)));
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kLargestSize));
}

absl::Status Importer::Error(std::string_view what) const {
  const char* const where = kind_.unit == "line" ? ":" : ": byte ";
  return absl::InvalidArgumentError(absl::StrFormat("%s%s%d: %s", reading_.name, where, place_, what));
}

bool Importer::OwesFree(std::uint64_t address) const {
  if (debts_.empty()) return false;
  const auto debt = debts_.find(address);
  return debt != debts_.end() && meter_.count() + counted_ - debt->second.operation <= kInversionWindow;
}

void Importer::AddDebt(std::uint64_t address) {
  const std::uint64_t now = meter_.count() + counted_;
  if (debts_.size() >= kDebtsMax) {
    absl::erase_if(debts_, [now](const auto& debt) { return now - debt.second.operation > kInversionWindow; });
  }
  debts_[address] = {now};
}

void Importer::MakeRoom(AddressTable& table, std::uint64_t address, OpKind free) {
  if (table.Find(address) == nullptr) return;
  const AddressTable::Block old = *table.Take(address);
  if (!options_.repair_inversions) return leaked_.Add(place_);
  Push({free, old.handle, 0, 0});
  table.pool().GiveBack(old.handle);
  if (threads_.size() > 1 && free == OpKind::kFree) {
    inverted_.Add(place_);
    AddDebt(address);
  } else {
    overwritten_.Add(place_);
  }
  Admit();
}

std::uint32_t Importer::UnknownBlock(Oddity& dropped) {
  switch (options_.unknown_free) {
    case ImportOptions::UnknownFree::kError:
      Fail(Error("frees or reallocates a block that is not live; expected an allocation of it before"));
      return kNoBlock;
    case ImportOptions::UnknownFree::kSynthesise:
      if (reading_.count_unknown != nullptr) {
        ++*reading_.count_unknown;
      } else if (premade_used_ < reading_.premade) {
        ++synthesised_;
        return static_cast<std::uint32_t>(premade_used_++);
      }
      return kNoBlock;
    case ImportOptions::UnknownFree::kDrop:
      break;
  }
  dropped.Add(place_);
  return kNoBlock;
}

void Importer::Failed(OpKind kind, std::uint32_t size, std::uint32_t extra) {
  if (!options_.keep_failed) return failed_.Add(place_);
  kept_failed_.Add(place_);
  const std::uint32_t handle = tables_.heap.pool().Take();
  Push({kind, handle, size, extra});
  tables_.heap.pool().GiveBack(handle);
  if (Admit()) Push({OpKind::kFree, handle, 0, 0});
}

void Importer::Allocate(OpKind kind, std::uint64_t address, std::uint32_t size, std::uint32_t extra, bool nothing) {
  if (!Admit()) return;
  if (address == 0 && !nothing) return Failed(kind, size, extra);
  if (address != 0) MakeRoom(tables_.heap, address, OpKind::kFree);
  if (!status_.ok()) return;
  const std::uint32_t handle = tables_.heap.pool().Take();
  Push({kind, handle, size, extra});
  if (address != 0) {
    tables_.heap.Put(address, {handle, thread_});
  } else {  // null is what an allocation of nothing gives
    tables_.heap.pool().GiveBack(handle);
  }
}

void Importer::Malloc(std::uint64_t address, std::uint64_t size) {
  Allocate(OpKind::kMalloc, address, Size(size), 0, size == 0);
}

void Importer::Calloc(std::uint64_t address, std::uint64_t count, std::uint64_t size) {
  Allocate(OpKind::kCalloc, address, Size(size), Size(count), size == 0 || count == 0);
}

void Importer::Realloc(std::uint64_t old, std::uint64_t address, std::uint64_t size) {
  if (old == 0) return Allocate(OpKind::kRealloc, address, Size(size), kNoBlock, size == 0);
  if (address == 0) {
    if (size != 0) return failed_.Add(place_);
    realloc_frees_.Add(place_);
    return Free(old);
  }
  if (!Admit()) return;
  const std::optional<AddressTable::Block> block = tables_.heap.Take(old);
  const std::uint32_t handle = block ? block->handle : UnknownBlock(unknown_reallocs_);
  if (!status_.ok()) return;
  if (handle == kNoBlock) return Allocate(OpKind::kMalloc, address, Size(size), 0, size == 0);
  MakeRoom(tables_.heap, address, OpKind::kFree);
  if (!status_.ok()) return;
  tables_.heap.Put(address, {handle, thread_});
  Push({OpKind::kRealloc, handle, Size(size), handle});
}

void Importer::Free(std::uint64_t address) {
  if (address == 0) return null_frees_.Add(place_);
  if (!Admit()) return;
  const AddressTable::Block* const block = tables_.heap.Find(address);
  // The late free is that of another thread than the one that has the block now.
  if (OwesFree(address) && (block == nullptr || block->thread != thread_)) {
    debts_.erase(address);
    return;
  }
  const std::uint32_t handle = block != nullptr ? block->handle : UnknownBlock(unknown_frees_);
  if (handle == kNoBlock) return;
  if (block != nullptr) tables_.heap.Take(address);
  Push({OpKind::kFree, handle, 0, 0});
  tables_.heap.pool().GiveBack(handle);
}

void Importer::AllocatePages(std::uint64_t frame, std::uint64_t bytes) {
  if (!Admit()) return;
  MakeRoom(tables_.pages, frame, OpKind::kFreePages);
  if (!status_.ok()) return;
  const std::uint32_t handle = tables_.pages.pool().Take();
  Push({OpKind::kAllocatePages, handle, Size(bytes), 0});
  tables_.pages.Put(frame, {handle, thread_});
}

void Importer::FreePages(std::uint64_t frame) {
  if (!Admit()) return;
  const std::optional<AddressTable::Block> block = tables_.pages.Take(frame);
  if (!block) {
    if (options_.unknown_free == ImportOptions::UnknownFree::kError) UnknownBlock(unknown_frees_);
    return unknown_frees_.Add(place_);  // of pages none is made up: nothing says how many they were
  }
  Push({OpKind::kFreePages, block->handle, 0, 0});
  tables_.pages.pool().GiveBack(block->handle);
}

void Importer::Hold(std::uint64_t bytes) {
  tables_.reader_bytes = bytes;
  if (reading_.limits.admit) {
    Fail(reading_.limits.admit(tables_.host_bytes() + trace_.host_bytes()));
  }
}

void Importer::Wrong(const Lines& lines, std::string_view expected) {
  if (lines.cut()) return cut_.Add(place_);
  Fail(Error(absl::StrFormat("\"%s\"; expected %s", absl::CHexEscape(std::string(lines.line().substr(0, 80))), expected)));
}

void Importer::Balance() {
  for (AddressTable* table : {&tables_.heap, &tables_.pages}) {
    const OpKind kind = table == &tables_.heap ? OpKind::kFree : OpKind::kFreePages;
    for (const std::uint32_t handle : table->Handles()) {
      if (!Admit()) return;
      Push({kind, handle, 0, 0});
      ++balanced_;
    }
  }
}

void Importer::AddNotes() {
  std::uint64_t dropped = 0, repaired = synthesised_ + balanced_;
  for (const Oddity* oddity : {&null_frees_, &failed_, &unknown_frees_, &cut_, &incomplete_, &ignored_})
    dropped += oddity->count();
  for (const Oddity* oddity :
       {&kept_failed_, &unknown_reallocs_, &inverted_, &overwritten_, &leaked_, &realloc_frees_, &too_large_}) {
    repaired += oddity->count();
  }
  trace_.notes.insert(trace_.notes.begin(),
                      absl::StrFormat("kept %d operations of %s, repaired %d, dropped %d; it does not tell %s", meter_.count(),
                                      kind_.title, repaired, dropped, kind_.lacks));
  for (const Oddity* oddity :
       {&null_frees_, &failed_, &unknown_frees_, &cut_, &incomplete_, &ignored_, &kept_failed_, &unknown_reallocs_, &inverted_,
        &overwritten_, &leaked_, &realloc_frees_, &too_large_, &aligned_, &skipped_}) {
    oddity->Tell(kind_.unit, trace_.notes);
  }
  if (synthesised_ != 0) {
    trace_.notes.push_back(
        absl::StrFormat("%d blocks of %d bytes that the log frees and does not allocate are allocated at the start",
                        synthesised_, options_.synthesised_bytes));
  }
  if (balanced_ != 0) trace_.notes.push_back(absl::StrFormat("%d blocks that are live at the end are freed there", balanced_));
}

absl::StatusOr<Trace> Importer::Finish(const absl::Status& input) {
  if (!input.ok()) return input;
  if (!status_.ok()) return status_;
  if (meter_.count() + counted_ == 0) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: no allocation found; expected lines of %s, such as \"%s\"",
                                                      reading_.name, kind_.title, kind_.example));
  }
  if (options_.balance) Balance();
  if (!status_.ok()) return status_;
  trace_.heap_handles = tables_.heap.pool().handles();
  trace_.page_handles = tables_.pages.pool().handles();
  trace_.format = std::string(kind_.name);
  AddNotes();
  if (absl::Status status = meter_.Drain(); !status.ok()) return status;
  return std::move(trace_);
}

}  // namespace alloclab
