#include "server/testing/temporary_directory.h"

#include <stdlib.h>

#include <fstream>
#include <system_error>

#include "allocators/common/check.h"

namespace alloclab {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "alloclab-test-XXXXXX";
  ALLOCLAB_CHECK_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::Write(const std::string& name, const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
  return path_ / name;
}

}  // namespace alloclab
