// A machine and a program on it that does what instructions say, with everything that must be true after each of them:
//
//   the outcome is the one that the program's own knowledge of its blocks foretells;
//   addresses are aligned as declared, inside the heap (the arena), and overlap no live block;
//   live blocks keep what was written, realloc the first min(old, new) bytes of it, and calloc gives zeroes;
//   what was refused changed nothing: RAM, page tables, metadata, the break, shapes, counters but those of a search;
//   invariants hold, the blocks that are shown tile the heap and are what the shapes say, and a walk that goes on goes on
//   rightly;
//   no counter decreases; pages give back what they took.
//
// Of unguarded allocators under a wild program all that is expected is that each call returns and everything can be looked at.
//
// Thread safety: none.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_WORLD_H_
#define ALLOCLAB_ALLOCATORS_TESTING_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "allocators/catalog/instance.h"
#include "allocators/common/block.h"
#include "allocators/common/outcome.h"
#include "allocators/testing/instructions.h"
#include "allocators/testing/look.h"
#include "allocators/testing/shadow.h"

namespace alloclab {

class World {
 public:
  enum class Expects : std::uint8_t {
    kContract,
    kNoHarm,  // to the host
  };

  World(std::unique_ptr<Instance> instance, Expects expects);

  // Does it and checks. What is wrong, as "Malloc{.bytes = 24}: ..."; empty when all is well.
  std::string Apply(const Instruction& instruction);
  // In turn, up to the first with which something is wrong.
  std::string ApplyAll(std::span<const Instruction> instructions);

  // What the last instruction came to. Without an allocator for it: kUnsupported.
  struct Step {
    Outcome outcome = Outcome::kOk;
    std::uint32_t address = 0;
    std::int64_t frames = 0;  // that it took, of a heap also those that it gave others back for; of pages negative: gave back
    friend bool operator==(const Step&, const Step&) = default;
  };
  const Step& step() const { return step_; }
  const Look& look() const { return mind_.look; }
  Instance& instance() { return *instance_; }

  // Machine and program as they are, and back.
  struct Saved;
  std::shared_ptr<const Saved> Save();
  void Restore(const Saved& saved);
  // The same program on a copy of the machine. REQUIRES: its allocators are of the catalogue.
  std::unique_ptr<World> Copy();

 private:
  // What the program and the checks remember from one instruction to the next.
  struct Mind {
    HeapShadow blocks;
    PageShadow pages;
    std::map<std::uint32_t, std::uint64_t> taken;  // by a block of pages' first byte: how many bytes it took from the free ones
    std::vector<VirtAddr> freed;                   // lately
    std::vector<PhysAddr> hoard;                   // frames of TakeFramesUntil
    std::vector<Block> heap_walk, page_walk;
    Look look;
    std::uint32_t instructions = 0;
  };

  World(std::unique_ptr<Instance> instance, const World& like)
      : instance_(std::move(instance)), expects_(like.expects_), mind_(like.mind_), step_(like.step_) {}

  void Do(const Malloc& malloc);
  void Do(const Calloc& calloc);
  void Do(const Realloc& realloc);
  void Do(const Free& free);
  void Do(const FreeAgain& free);
  void Do(const FreeNear& free);
  void Do(const FreeInside& free);
  void Do(const FreeAddress& free);
  void Do(const ReallocInside& realloc);
  void Do(const AllocatePages& allocate);
  void Do(const AllocateLength& allocate);
  void Do(const FreePages& free);
  void Do(const FreePagesPart& free);
  void Do(const FreeRange& free);
  void Do(const TakeFramesUntil& take);
  void Do(const GiveFrames& give);

  bool HasHeap();
  bool guarded() const { return instance_->config().guarded; }
  bool checks() const { return expects_ == Expects::kContract; }
  const HeapAllocator& heap() const { return *instance_->heap(); }
  VirtAddr BlockOrNull(std::uint32_t number) const;
  VirtAddr InsideHeap(std::uint32_t offset) const;

  template <class Call>
  HeapResult CallHeap(Call call);
  void ReallocAt(VirtAddr block, std::uint32_t bytes);
  void FreeAt(VirtAddr block);
  // An allocation of that many bytes ended so.
  void Allocated(const HeapResult& result, std::uint64_t bytes);
  void Forget(VirtAddr block);
  // The outcome of a free or realloc of this address, if there is only one that is right.
  std::optional<Outcome> ForetellFree(VirtAddr block) const;
  void ExpectMisuse(Outcome actual, std::optional<Outcome> expected);

  void AllocateBytes(std::uint32_t bytes);
  void FreeBytes(PhysAddr first, std::uint32_t bytes);
  void ForgetPages(PhysAddr first, std::uint32_t bytes);
  Outcome ForetellFree(PhysAddr first, std::uint32_t bytes) const;

  void Complain(std::string what);
  void ComplainOf(Outcome actual, std::string_view expected);
  void CheckEverything();
  void LookAtWreck();

  const std::unique_ptr<Instance> instance_;
  const Expects expects_;
  Mind mind_;
  Step step_;
  std::string wrong_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_WORLD_H_
