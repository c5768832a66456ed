// Tests: a text compared with a file kept beside the sources. To accept what the program prints now, run the test with the
// environment variable ALLOCLAB_UPDATE_GOLDENS=1 and look at the difference before committing it.
#ifndef ALLOCLAB_CLIENTS_COMMON_GOLDEN_H_
#define ALLOCLAB_CLIENTS_COMMON_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace alloclab::client {

// `file` is relative to the project's root.
inline void ExpectGolden(const std::string& text, const std::string& file) {
  const std::string path = std::string(ALLOCLAB_SOURCE_DIR) + "/" + file;
  if (std::getenv("ALLOCLAB_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << text;
  std::ifstream stream(path);
  ASSERT_TRUE(stream.good()) << path << " is missing";
  std::stringstream golden;
  golden << stream.rdbuf();
  EXPECT_EQ(text, golden.str()) << "differs from " << path << "; ALLOCLAB_UPDATE_GOLDENS=1 accepts it";
}

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_GOLDEN_H_
