// How an operation of simulated code ends before its last line: the code touched what is not there, would loop for ever, or
// gave up by itself (panic, failed assertion). It is thrown by the views of memory (word_view.h), by the loop watches
// (loop_watch.h) and by literal allocators, and caught at the allocator's border: it never crosses an allocator's interface,
// which gives an outcome.
#ifndef ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_STOP_H_
#define ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_STOP_H_

#include <cstdint>

#include "allocators/common/outcome.h"

namespace alloclab {

struct MachineStop {
  Outcome outcome = Outcome::kMachineFault;
  std::uint32_t address = 0;  // kMachineFault: the address touched; kMachineHang: where the walk went round
  bool no_frame = false;  // kMachineFault: of a page on demand for which no frame was left; else it was not mapped or read-only
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_MACHINE_MACHINE_STOP_H_
