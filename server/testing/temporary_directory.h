// A directory that goes away with the object.
#ifndef ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_
#define ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "allocators/common/check.h"

namespace alloclab::server {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "alloclab-test-XXXXXX").string();
    ALLOCLAB_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_
