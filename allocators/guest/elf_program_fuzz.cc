// Any bytes as a program: what is read holds what the header promises, and can be loaded, or not for want of frames.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/common/check.h"
#include "allocators/guest/elf_program.h"
#include "allocators/machine/frame_source.h"

namespace alloclab {
namespace {

class Frames : public FrameSource {
 public:
  std::optional<PageFrame> TakeFrame() override { return CanTakeFrames(1) ? std::optional(PageFrame{next_++}) : std::nullopt; }
  bool CanTakeFrames(std::uint32_t count) const override { return next_ + count <= 64; }
  std::unique_ptr<const AllocatorState> Save() const override { return SaveState(next_); }
  void Restore(const AllocatorState& saved) override { RestoreState(saved, next_); }

 private:
  std::uint32_t next_ = 1;
};

void Check(const std::string& file) {
  const absl::StatusOr<ElfProgram> program = ElfProgram::Parse(file);
  if (!program.ok()) return;
  std::uint32_t behind = ElfProgram::kLowest;
  std::uint64_t bytes = 0;
  for (const ElfProgram::Segment& segment : program->segments()) {
    ALLOCLAB_CHECK(segment.address >= behind && segment.memory_bytes > 0 && segment.end() > segment.address);
    ALLOCLAB_CHECK_LE(segment.bytes.size(), segment.memory_bytes);
    behind = segment.end();
    bytes += segment.memory_bytes;
  }
  ALLOCLAB_CHECK_LE(behind, ElfProgram::kEnd);
  ALLOCLAB_CHECK_LE(bytes, ElfProgram::kMemoryBytesMax);
  ALLOCLAB_CHECK_LE(program->symbol_count(), ElfProgram::kSymbolsMax);
  (void)program->Locate(program->entry());
  PhysicalMemory memory(64 * kPageBytes);
  Frames frames;
  const std::unique_ptr<AddressSpace> space = *AddressSpace::Create(memory, frames);
  if (behind - program->start() > 16 << 20 || !program->LoadInto(*space).ok()) return;
  for (const ElfProgram::Segment& segment : program->segments()) {
    std::string loaded(segment.bytes.size(), '\0');
    for (std::uint32_t i = 0; i < loaded.size(); ++i) {
      loaded[i] = static_cast<char>(space->Peek(VirtAddr(segment.address + i)).value_or(0));
    }
    if ((segment.end() + 3) % kPageBytes > 3) ALLOCLAB_CHECK(loaded == segment.bytes);  // else a Peek may reach behind it
  }
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alloclab::Check(std::string(data, data + size));
  return 0;
}
