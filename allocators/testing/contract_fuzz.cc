// Any bytes as a program on some allocator of the catalogue: the first byte chooses the allocators, the second what the program
// is like, the rest is what it does. The contract holds (world.h).
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "allocators/common/check.h"
#include "allocators/testing/configurations.h"
#include "allocators/testing/instructions.h"
#include "allocators/testing/world.h"

namespace alloclab {
namespace {

constexpr std::size_t kInstructionsMax = 200;

void Run(const Configuration& configuration, const Mix& mix, std::span<const std::uint8_t> bytes) {
  World world(configuration.MakeInstance(mix), configuration.guarded ? World::Expects::kContract : World::Expects::kNoHarm);
  const Instructions instructions = Decode(bytes, mix, kInstructionsMax);
  const std::string wrong = world.ApplyAll(instructions);
  if (!wrong.empty()) std::cerr << configuration.name << ", " << mix.name << ":\n" << Print(instructions) << '\n';
  ALLOCLAB_CHECK_EQ(wrong, "");
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alloclab;
  if (size < 2) return 0;
  const std::vector<Configuration>& configurations = Configurations();
  const std::span<const Mix> mixes = WildMixes();
  Run(configurations[data[0] % configurations.size()], mixes[data[1] % mixes.size()], std::span(data, size).subspan(2));
  return 0;
}
