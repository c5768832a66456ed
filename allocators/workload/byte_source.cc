#include "allocators/workload/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace alloclab {

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path) {
  const int file = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::DataLossError(absl::StrCat(path, ": ", std::strerror(errno)));
  struct stat status = {};
  const bool known = fstat(file, &status) == 0;
  if (known && S_ISDIR(status.st_mode)) {
    close(file);
    return absl::DataLossError(absl::StrCat(path, ": is a directory; expected a trace"));
  }
  const bool regular = known && S_ISREG(status.st_mode);
  return absl::WrapUnique(new FileSource(file, path, regular ? static_cast<std::uint64_t>(status.st_size) : 0));
}

FileSource::~FileSource() { close(file_); }

absl::StatusOr<std::string_view> FileSource::Next() {
  std::size_t size = 0;
  while (size < buffer_.size()) {  // a pipe gives little at a time
    const ssize_t got = read(file_, buffer_.data() + size, buffer_.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::DataLossError(absl::StrCat(path_, ": ", std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return std::string_view(buffer_.data(), size);
}

}  // namespace alloclab
