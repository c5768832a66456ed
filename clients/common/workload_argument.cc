#include "clients/common/workload_argument.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/workload/decoder.h"
#include "allocators/workload/file_kind.h"
#include "allocators/workload/import/format.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kStoredPrefix = "sha256:";

struct WholeFile {
  std::string bytes;
  bool once = false;
};

absl::StatusOr<WholeFile> ReadWhole(const std::string& path) {
  const bool standard_input = path == "-";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(standard_input ? stdin : std::fopen(path.c_str(), "rb"),
                                                             [](std::FILE* f) { return f == stdin ? 0 : std::fclose(f); });
  if (!file) return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat status = {};
  if (fstat(fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode)) {
    return absl::DataLossError(fmt::format("{}: is a directory; expected a trace or a specification", path));
  }
  WholeFile whole{.bytes = {}, .once = standard_input || !S_ISREG(status.st_mode)};
  std::string& bytes = whole.bytes;
  bytes.resize(static_cast<std::size_t>(std::clamp<off_t>(status.st_size, 1 << 16, kTraceFileBytesMax)) + 1);
  std::size_t size = 0;
  while (const std::size_t got = std::fread(bytes.data() + size, 1, bytes.size() - size, file.get())) {
    size += got;
    if (size > kTraceFileBytesMax)
      return absl::DataLossError(fmt::format("{}: larger than {}", path, Bytes(kTraceFileBytesMax)));
    if (size == bytes.size()) bytes.resize(2 * size);
  }
  if (std::ferror(file.get()) != 0) return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno)));
  bytes.resize(size);
  return whole;
}

bool EndsWithAny(std::string_view path, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [path](std::string_view ending) { return path.ends_with(ending); });
}

bool IsNamedAsSpecification(std::string_view path) { return EndsWithAny(path, {".yaml", ".yml", ".json"}); }

// A text that is no trace of any kind.
bool IsSpecification(std::string_view path, std::string_view bytes) {
  if (IsNamedAsSpecification(path)) return true;
  if (EndsWithAny(path, {".alloctrace", ".rep", ".trace", ".gz", ".pb"})) return false;
  const std::string_view start = bytes.substr(0, TraceBytes::kLookaheadMax), head = start.substr(0, TraceBytes::kLookahead);
  return !MakeDecoder(start) && ForeignName(start).empty() && RecognizeTrace(start) == nullptr &&
         std::all_of(head.begin(), head.end(), [](char c) { return IsText(c) || static_cast<unsigned char>(c) >= 0x80; });
}

bool IsKeyOfSpecification(const std::string& key) { return v1::WorkloadSpec::descriptor()->FindFieldByName(key) != nullptr; }

// What could not be read as a specification: if it does not look like one either, it may have been meant as a trace.
absl::Status Unreadable(const absl::Status& as_specification, const std::string& path, const std::vector<std::string>& keys) {
  if (IsNamedAsSpecification(path) || std::any_of(keys.begin(), keys.end(), IsKeyOfSpecification)) {
    return as_specification;
  }
  return absl::DataLossError(
      fmt::format("{}: neither a trace of a known format nor a specification; expected {}; or a specification in YAML or JSON\n"
                  "Read as a specification: {}",
                  path, ReadableFormats(), std::string(as_specification.message())));
}

// A text file: a specification, or a message Workload that names a built-in or a stored trace.
absl::StatusOr<WorkloadArgument> ReadText(const std::string& text, const std::string& path, bool once) {
  const std::vector<std::string> keys = TopLevelKeys(text);
  const auto names = [&keys](std::string_view key) { return std::find(keys.begin(), keys.end(), key) != keys.end(); };
  if (!names("builtin") && !names("trace_sha256")) {
    SpecificationFile file{.path = path, .spec = {}, .places = {}, .once = once};
    if (absl::Status status = ParseYaml(text, path, file.spec, file.places); !status.ok())
      return Unreadable(status, path, keys);
    return file;
  }
  v1::Workload workload;
  Places places;
  if (absl::Status status = ParseYaml(text, path, workload, places); !status.ok()) return status;
  if (workload.has_trace_sha256()) return StoredTrace{workload.trace_sha256()};
  const v1::BuiltinChoice& builtin = workload.builtin();
  if (builtin.name().empty()) return absl::DataLossError(Locate("builtin: expected its name", path, places));
  return BuiltinName{.name = builtin.name(), .seed = builtin.seed(), .operations = builtin.operations()};
}

absl::StatusOr<WorkloadArgument> ReadFile(const std::string& argument) {
  absl::StatusOr<WholeFile> whole = ReadWhole(argument);
  if (!whole.ok()) return whole.status();
  const std::string path = argument == "-" ? "<stdin>" : argument;
  std::string& bytes = whole->bytes;
  if (bytes.empty()) return absl::DataLossError(fmt::format("{}: empty; expected a trace or a specification", path));
  if (!IsSpecification(path, bytes)) return TraceFile{.path = path, .bytes = std::move(bytes), .once = whole->once};
  return ReadText(bytes, path, whole->once);
}

}  // namespace

absl::StatusOr<WorkloadArgument> ReadWorkloadArgument(const std::string& argument) {
  if (argument.starts_with(kStoredPrefix)) return StoredTrace{argument.substr(kStoredPrefix.size())};
  const bool looks_like_file = argument == "-" || argument.find_first_of("./") != std::string::npos;
  if (looks_like_file || access(argument.c_str(), F_OK) == 0) return ReadFile(argument);
  return BuiltinName{.name = argument};
}

bool CanBeReadAgain(const WorkloadArgument& workload) {
  const auto* const trace = std::get_if<TraceFile>(&workload);
  const auto* const specification = std::get_if<SpecificationFile>(&workload);
  return !(trace != nullptr && trace->once) && !(specification != nullptr && specification->once);
}

}  // namespace alloclab::client
