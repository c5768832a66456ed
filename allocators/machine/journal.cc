#include "allocators/machine/journal.h"

namespace alloclab {

Journal::Journal(PhysicalMemory& memory, AddressSpace* space) : memory_(memory), space_(space) {
  memory_.BeginUndoable();
  if (space_ != nullptr) space_->BeginUndoable();
}

void Journal::Commit() {
  if (!active_) return;
  active_ = false;
  memory_.EndUndoable(/*undo=*/false);
  if (space_ != nullptr) space_->EndUndoable(/*undo=*/false);
}

void Journal::Rollback() {
  if (!active_) return;
  active_ = false;
  memory_.EndUndoable(/*undo=*/true);
  if (space_ != nullptr) space_->EndUndoable(/*undo=*/true);
}

}  // namespace alloclab
