// What a connection sends: the operations of a workload, and a cursor that packs them into batches.
#ifndef ALLOCLAB_CLIENTS_LOAD_SCRIPT_H_
#define ALLOCLAB_CLIENTS_LOAD_SCRIPT_H_

#include <alloclab/v1/heap.pb.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "allocators/workload/operation.h"
#include "allocators/workload/trace.h"

namespace alloclab::load {

// Immutable and shared by all connections.
struct Script {
  std::string name;  // of the workload or file
  std::string trace_sha256;
  std::vector<Operation> operations;
  // Frees what one pass leaves live, for a further pass on the same instance.
  std::vector<Operation> frees;
  std::uint32_t heap_handles = 0, page_handles = 0;
};
Script MakeScript(std::string name, Trace trace);

// A free for every handle that is live after `trace` if every operation succeeds, by handle. Blocks whose last handle the trace
// overwrote, and page blocks of which it freed a part elsewhere than at the start, cannot be named any more and stay.
std::vector<Operation> FreesOfWhatIsLeft(const Trace& trace);

// Packs operations into batches. With offsets, several cursors share an instance without sharing a handle.
// Thread safety: none.
class Cursor {
 public:
  struct Offsets {
    std::uint32_t heap = 0, pages = 0;
  };
  // `operations` outlives the cursor.
  Cursor(std::span<const Operation> operations, Offsets offsets) : operations_(operations), offsets_(offsets) {}

  // Fills the arrays of `batch`, whose memory is reused, with up to `count` operations and returns those.
  std::span<const Operation> Next(std::size_t count, v1::Batch& batch);

  bool at_end() const { return position_ == operations_.size(); }
  double position_ratio() const {
    return operations_.empty() ? 1 : static_cast<double>(position_) / static_cast<double>(operations_.size());
  }

 private:
  std::span<const Operation> operations_;
  Offsets offsets_;
  std::size_t position_ = 0;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_SCRIPT_H_
