// The real allocators of this host that runs may be measured on: "native:NAME". Which there are is the operator's to say, never
// a client's: a name stands for a file that is looked for in the folders of the system's libraries, or for one of the
// configuration.
//
// Thread safety: all methods may be called from any thread.
#ifndef ALLOCLAB_SERVER_ENTITIES_NATIVE_ALLOCATOR_H_
#define ALLOCLAB_SERVER_ENTITIES_NATIVE_ALLOCATOR_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/parameter.h"
#include "server/limits.h"

namespace alloclab::server {

inline constexpr std::string_view kNativePrefix = "native:";
inline bool IsNative(const InstanceConfig& config) { return config.heap_allocator.starts_with(kNativePrefix); }

struct NativeAllocator {
  std::string name;  // "native:jemalloc"
  std::string description;
  std::string library;  // absolute path; empty for the C library's own
  std::string absent;   // why it cannot be measured here, and what helps; empty: it can
};

class NativeAllocators {
 public:
  struct Settings {
    std::string program;                       // alloclab-native; empty: beside this program
    std::map<std::string, std::string> named;  // the operator's: NAME -> absolute path
    absl::Duration time_max = kNativeTimeMax;  // of one replay
  };
  NativeAllocators() : NativeAllocators(Settings{}) {}
  explicit NativeAllocators(Settings settings);

  // "NAME=PATH,NAME=PATH". INVALID_ARGUMENT quoting the entry.
  static absl::StatusOr<std::map<std::string, std::string>> ParseNamed(std::string_view text);

  // Those that everybody knows, present or not, then the operator's. Looked for at each call: what is installed meanwhile is
  // there.
  std::vector<NativeAllocator> List() const;
  // INVALID_ARGUMENT naming the near one; FAILED_PRECONDITION: it is not installed.
  absl::StatusOr<NativeAllocator> Find(std::string_view name) const;

  // Of a run on one of them: complete. INVALID_ARGUMENT naming the field.
  absl::Status Complete(InstanceConfig& config) const;
  static const std::vector<ParameterInfo>& Parameters();
  // REQUIRES: a complete configuration.
  static std::uint32_t RepeatsOf(const InstanceConfig& config);

  const std::string& program() const { return settings_.program; }
  absl::Duration time_max() const { return settings_.time_max; }

 private:
  Settings settings_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_NATIVE_ALLOCATOR_H_
