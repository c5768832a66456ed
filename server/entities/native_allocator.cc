#include "server/entities/native_allocator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_split.h"
#include "allocators/common/check.h"
#include "allocators/common/printable.h"
#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "server/errors.h"

namespace alloclab::server {
namespace {

constexpr std::string_view kRepeats = "native.repeats";

struct Known {
  std::string_view name, description;
  std::string_view file;     // by its soname; empty: the C library's own
  std::string_view package;  // of Debian
};
constexpr Known kKnown[] = {
    {"glibc", "the C library's malloc, ptmalloc2: dlmalloc with arenas and a cache for each thread", "", ""},
    {"jemalloc", "jemalloc: size classes in slabs, arenas, decay of what is free (FreeBSD, Meta)", "libjemalloc.so.2",
     "libjemalloc2"},
    {"mimalloc", "mimalloc: free lists sharded over pages of one size class (Microsoft)", "libmimalloc.so.2", "libmimalloc2.0"},
    {"tcmalloc", "tcmalloc of gperftools: a cache for each thread before central lists (Google)", "libtcmalloc_minimal.so.4",
     "libtcmalloc-minimal4"},
};

bool IsFile(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

// Where the loader looks, without asking it: /usr/local goes first, as there.
std::string FindLibrary(std::string_view file) {
  for (const char* folder : {"/usr/local/lib", "/usr/lib/" ALLOCLAB_MULTIARCH, "/usr/lib64", "/usr/lib"}) {
    const std::filesystem::path path = std::filesystem::path(folder) / file;
    if (IsFile(path)) return path;
  }
  return "";
}

std::string BesideThisProgram() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path() / "alloclab-native";
}

bool IsNameLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
         letter == '.';
}

absl::Status CheckNamed(std::string_view name, std::string_view path) {
  if (name.empty() || name.size() > kNativeNameMax || !std::all_of(name.begin(), name.end(), IsNameLetter)) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not a name; expected up to {} letters of [a-z0-9-_.]", Printable(name), kNativeNameMax));
  }
  // LD_PRELOAD would take a space or a colon for the end of the path.
  if (path.starts_with('/') && path.size() <= kNativePathMax && path.find_first_of(" :\t\n") == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: \"{}\" is not an absolute path of at most {} letters, without space and colon", name, Printable(path),
                  kNativePathMax));
}

absl::StatusOr<std::string> CanonicalRepeats(std::string_view text) {
  const absl::StatusOr<std::uint64_t> value = ParseQuantity(text);
  if (value.ok() && *value >= kNativeRepeatsMin && *value <= kNativeRepeatsMax) return std::to_string(*value);
  return absl::InvalidArgumentError(
      fmt::format("\"{}\"; expected a whole number, {} to {}", Printable(text), kNativeRepeatsMin, kNativeRepeatsMax));
}

}  // namespace

NativeAllocators::NativeAllocators(Settings settings) : settings_(std::move(settings)) {
  if (settings_.program.empty()) settings_.program = BesideThisProgram();
}

absl::StatusOr<std::map<std::string, std::string>> NativeAllocators::ParseNamed(std::string_view text) {
  std::map<std::string, std::string> named;
  for (const std::string& entry : std::vector<std::string>(absl::StrSplit(std::string(text), ',', absl::SkipEmpty()))) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("\"{}\" is not NAME=PATH", Printable(entry)));
    }
    const std::string name = entry.substr(0, equals), path = entry.substr(equals + 1);
    if (absl::Status status = CheckNamed(name, path); !status.ok()) return status;
    if (!named.emplace(name, path).second) return absl::InvalidArgumentError(fmt::format("{} is there twice", name));
  }
  if (named.size() <= kNativeNamedMax) return named;
  return absl::InvalidArgumentError(fmt::format("{} allocators; at most {} are allowed", named.size(), kNativeNamedMax));
}

std::vector<NativeAllocator> NativeAllocators::List() const {
  std::vector<NativeAllocator> list;
  for (const Known& known : kKnown) {
    NativeAllocator& to = list.emplace_back();
    to.name = fmt::format("{}{}", kNativePrefix, known.name);
    to.description = known.description;
    if (known.file.empty() || settings_.named.contains(std::string(known.name))) continue;
    to.library = FindLibrary(known.file);
    if (to.library.empty()) to.absent = fmt::format("{} is not installed (Debian: {})", known.file, known.package);
  }
  for (const auto& [name, path] : settings_.named) {
    const std::string full = fmt::format("{}{}", kNativePrefix, name);
    auto to = std::find_if(list.begin(), list.end(), [&](const NativeAllocator& other) { return other.name == full; });
    if (to == list.end()) to = list.insert(to, {full, "named by --native-allocators", "", ""});
    to->library = path;
    if (!IsFile(path)) to->absent = fmt::format("{} is not there (--native-allocators)", path);
  }
  if (access(settings_.program.c_str(), X_OK) != 0) {
    for (NativeAllocator& allocator : list)
      allocator.absent = fmt::format("the program {} is not there (--native-program)", settings_.program);
  }
  return list;
}

absl::StatusOr<NativeAllocator> NativeAllocators::Find(std::string_view name) const {
  const std::vector<NativeAllocator> list = List();
  std::vector<std::string_view> names;
  for (const NativeAllocator& allocator : list) {
    names.push_back(allocator.name);
    if (allocator.name != name) continue;
    if (allocator.absent.empty()) return allocator;
    return errors::NativeAbsent(name, allocator.absent);
  }
  return errors::BadField("config.heap_allocator", UnknownName("native allocator", name, names));
}

absl::Status NativeAllocators::Complete(InstanceConfig& config) const {
  if (absl::Status status = Find(config.heap_allocator).status(); !status.ok()) return status;
  constexpr const char* kWhy = "a real allocator has the memory of the host, not of a machine; leave it out";
  if (config.ram_bytes != 0) return errors::BadField("config.ram_bytes", kWhy);
  if (!config.page_allocator.empty()) return errors::BadField("config.page_allocator", kWhy);
  if (!config.guarded) return errors::BadField("config.unguarded", "misuse is not replayed on a real allocator; leave it out");
  for (auto& [name, value] : config.parameters) {
    const std::vector<std::string_view> names = {kRepeats};
    if (name != kRepeats) return errors::BadField("config.parameters", UnknownName("parameter", name, names));
    absl::StatusOr<std::string> canonical = CanonicalRepeats(value);
    if (!canonical.ok())
      return errors::BadField("config.parameters", fmt::format("{}: {}", name, std::string(canonical.status().message())));
    value = *std::move(canonical);
  }
  config.parameters.try_emplace(std::string(kRepeats), std::to_string(kNativeRepeatsDefault));
  return absl::OkStatus();
}

const std::vector<ParameterInfo>& NativeAllocators::Parameters() {
  static const auto& parameters =
      *new std::vector<ParameterInfo>{{.name = std::string(kRepeats),
                                       .description = "replays that are timed, each in a fresh process",
                                       .expects = fmt::format("a whole number, {} to {}", kNativeRepeatsMin, kNativeRepeatsMax),
                                       .default_value = std::to_string(kNativeRepeatsDefault),
                                       .canonical = CanonicalRepeats}};
  return parameters;
}

std::uint32_t NativeAllocators::RepeatsOf(const InstanceConfig& config) {
  const auto found = config.parameters.find(std::string(kRepeats));
  ALLOCLAB_CHECK(found != config.parameters.end());
  return static_cast<std::uint32_t>(*ParseQuantity(found->second));
}

}  // namespace alloclab::server
