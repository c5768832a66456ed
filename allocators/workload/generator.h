// Makes the operations of a specification.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_GENERATOR_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_GENERATOR_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/live_set.h"
#include "allocators/workload/size_sampler.h"
#include "allocators/workload/workload_spec.h"
#include "allocators/workload/xoshiro256.h"

namespace alloclab {

class Generator {
 public:
  // REQUIRES: ValidateSpec(spec) is OK. Both must outlive the generator.
  Generator(const WorkloadSpec& spec, const Interrupt& interrupt) : spec_(spec), random_(spec.seed), poll_(interrupt) {}

  // CANCELLED when it is interrupted.
  absl::StatusOr<Trace> Run();

 private:
  // Heap blocks and page blocks are two of these: they have handles of their own.
  struct Blocks {
    HandlePool handles;
    LiveSet live;  // those without a lifetime
  };
  // A block with a lifetime; the first to die is in front of the heap that `mortals_` is.
  struct Mortal {
    std::uint64_t due = 0, birth = 0;
    std::uint32_t handle = 0, size = 0;  // as it was asked for
    std::uint16_t group = 0;             // of the phase in which it was born
    bool pages = false;
    // Whether it dies after the other one.
    bool operator<(const Mortal& other) const { return due != other.due ? due > other.due : birth > other.birth; }
  };
  struct GroupSamplers {
    std::uint64_t weights;  // up to this one
    SizeSampler size, lifetime;
  };
  // What a phase draws from.
  struct Samplers {
    explicit Samplers(const Phase& phase);
    std::uint16_t Group(Xoshiro256& random) const;  // draws only if there are several
    std::vector<GroupSamplers> groups;
    SizeSampler page_size, page_lifetime, process_lifetime;
  };

  void RunPhase(const Phase& phase);
  void HoldLiveBlocks(const Phase& phase, const Samplers& samplers);
  void LetLive(const Phase& phase, const Samplers& samplers);
  bool IsDue() const { return !mortals_.empty() && mortals_.front().due <= step_; }
  void FreeDue();
  void Bear(const Phase& phase, const Samplers& samplers);
  // When a process that is chosen ends, which begins anew if it has ended.
  std::uint64_t EndOfProcess(const Phase& phase, const Samplers& samplers);

  std::uint32_t TakeHandle(bool pages, OpKind kind, std::uint32_t size);
  void Allocate(const Phase& phase, const Samplers& samplers, Blocks& blocks);
  void Free(const Phase& phase, Blocks& blocks);
  void PushFree(bool pages, std::uint32_t handle);

  const WorkloadSpec& spec_;
  Xoshiro256 random_;
  InterruptPoll poll_;
  Trace trace_;
  Blocks heap_, pages_;
  std::vector<Mortal> mortals_;
  std::vector<std::uint64_t> process_ends_;   // of the phase under way
  std::uint64_t step_ = 0, phase_begin_ = 0;  // operations of all phases until now, and until the one under way
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_GENERATOR_H_
