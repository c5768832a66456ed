// Undoing one operation of simulated code. From its construction to Commit() or Rollback(), a journal keeps what every change
// of RAM, of page tables, of pins and of the address space's costs replaces; Rollback() puts all of it back, so that the
// operation has never been. Made on the stack around an operation that may fault; without one the machine runs at full speed,
// under one the translation cache is set aside.
//
//   Journal journal(memory, &space);
//   try {
//     ...                           // the operation, literally
//     journal.Commit();
//   } catch (const MachineStop&) {  // its destructor rolls back
//   }
//
// Not in it: what lies outside the machine. Frames that the operation took from the frame source are given back by whoever owns
// the source (a page allocator is saved before and restored after); the allocator's own variables likewise.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_JOURNAL_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_JOURNAL_H_

#include "allocators/machine/address_space.h"
#include "allocators/machine/physical_memory.h"

namespace alloclab {

class Journal {
 public:
  // `space` is the address space over that memory, null if there is none. REQUIRES: no other journal is on the memory; both
  // outlive this one.
  Journal(PhysicalMemory& memory, AddressSpace* space);
  ~Journal() { Rollback(); }  // nothing after a Commit
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Keeps the changes and ends the journal.
  void Commit();
  // Takes the changes back and ends the journal.
  void Rollback();

 private:
  PhysicalMemory& memory_;
  AddressSpace* const space_;
  bool active_ = true;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_JOURNAL_H_
