// The simulated processor against the host's: random sequences, each run one instruction at a time, as a whole, and natively.
//
//   ALLOCLAB_NATIVE_SEQUENCES  how many (default 30,000, about 90,000 instructions)
//   ALLOCLAB_NATIVE_SEED       the first seed (default: by the clock, printed)
//   ALLOCLAB_NATIVE_RECORD     a file for the sequences and what the host's processor left, as testdata/vectors.txt is
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "allocators/guest/guest_testing.h"
#include "allocators/guest/native_processor.h"
#include "allocators/guest/vectors.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

std::uint64_t Environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::stoull(text) : otherwise;
}

TEST(NativeProcessor, AgreesOnRandomSequences) {
  std::string why_not;
  const std::unique_ptr<NativeProcessor> native = NativeProcessor::Create(why_not);
  if (native == nullptr) GTEST_SKIP() << "SKIPPED: the host's processor cannot be asked: " << why_not;
  const std::uint64_t count = Environment("ALLOCLAB_NATIVE_SEQUENCES", 30'000);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::uint64_t seed =
      Environment("ALLOCLAB_NATIVE_SEED", std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  std::ofstream record;
  if (const char* file = std::getenv("ALLOCLAB_NATIVE_RECORD"); file != nullptr) record.open(file);
  std::cout << "seed " << seed << std::endl;
  Sequences sequences(seed);
  VectorMachine whole;
  std::uint64_t instructions = 0, divide_errors = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Sequence sequence = sequences.Next();
    ASSERT_TRUE(sequence.stop.kind == Stop::Kind::kBudget || sequence.stop.kind == Stop::Kind::kDivideError)
        << "sequence " << i << ": " << Hex(sequence.i386) << ": " << StopName(sequence.stop.kind);
    const Scene want = native->Run(sequence.before, sequence.native);
    ASSERT_EQ(Difference(want, sequence.after, sequence.undefined), "")
        << "sequence " << i << " one by one: " << Hex(sequence.i386);
    ASSERT_EQ(Difference(want, whole.Run(sequence.before, sequence.i386), sequence.undefined), "")
        << "sequence " << i << " as a whole: " << Hex(sequence.i386);
    if (record.is_open()) record << ToLine({sequence.before, sequence.i386, sequence.undefined, want}) << '\n';
    instructions += sequence.instructions;
    divide_errors += want.divide_error ? 1 : 0;
  }
  std::cout << count << " sequences, " << instructions << " steps, " << divide_errors << " divide errors" << std::endl;
  EXPECT_GE(instructions, count);
}

}  // namespace
}  // namespace alloclab
