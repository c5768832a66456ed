#include "server/server/host.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

// The number in `file`; the largest there is when it is missing or says "max".
std::uint64_t ReadLimit(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::uint64_t bytes = 0;
  return stream >> bytes ? bytes : UINT64_MAX;
}

// The least limit of a group and those it lies in. `group` is "/a/b" below `mount`; within a container it may name what cannot
// be seen from there, and the group at `mount` itself is the container's.
std::uint64_t LeastLimit(const std::filesystem::path& mount, std::filesystem::path group, std::string_view file) {
  std::uint64_t least = UINT64_MAX;
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    least = std::min(least, ReadLimit(mount / group / file));
  }
  return std::min(least, ReadLimit(mount / file));
}

}  // namespace

std::uint64_t MemoryBytes(const std::filesystem::path& root) {
  std::uint64_t least = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::filesystem::path mount = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/a/b", and of version 2 "0::/a/b"
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    if (fields[0] == "0" && fields[1].empty()) {
      least = std::min(least, LeastLimit(mount, fields[2], "memory.max"));
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      least = std::min(least, LeastLimit(mount / "memory", fields[2], "memory.limit_in_bytes"));
    }
  }
  return least;
}

std::uint64_t HeldBytesDefault(std::uint64_t memory_bytes) {
  const std::uint64_t quarter = memory_bytes / 4;
  return std::clamp(memory_bytes - std::min(memory_bytes, kServerBytesMax), quarter, 3 * quarter);
}

std::uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::uint64_t DescriptorLimit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace alloclab::server
