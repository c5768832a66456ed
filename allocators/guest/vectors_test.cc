// What a real processor left after some hundred sequences of instructions (native_processor.h recorded it): the same
// everywhere.
#include "allocators/guest/vectors.h"

#include <fstream>

#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(Vectors, TheProcessorLeavesWhatARealOneLeft) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/vectors.txt");
  VectorMachine machine;
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const Vector vector = FromLine(line);
    ASSERT_EQ(ToLine(vector), line);
    ASSERT_EQ(Difference(vector.after, machine.Run(vector.before, vector.code), vector.undefined), "")
        << "line " << count + 1 << ": " << Hex(vector.code);
  }
  EXPECT_EQ(count, 900);
}

}  // namespace
}  // namespace alloclab
