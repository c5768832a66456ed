// A directory that goes away with the object.
#ifndef ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_
#define ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_

#include <filesystem>
#include <string>

namespace alloclab {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Makes the file and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_SERVER_TESTING_TEMPORARY_DIRECTORY_H_
