#include "clients/cli/trace_file.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "allocators/workload/alloctrace_writer.h"
#include "allocators/workload/builtins.h"
#include "allocators/workload/cmu_rep_writer.h"
#include "allocators/workload/import/format.h"
#include "allocators/workload/malloc_bench_writer.h"
#include "allocators/workload/trace_transform.h"
#include "clients/common/command.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kOperationsMax = 1ull << 28;  // in memory
constexpr std::uint64_t kInflatedBytesMax = 1ull << 40;

// What was wrong with a file is no wrong usage.
absl::Status AsBadFile(const absl::Status& status) {
  if (absl::IsCancelled(status)) return status;
  return absl::DataLossError(std::string(status.message()));
}

bool IsFile(const std::string& path) {
  return path == "-" || path.find_first_of("./") != std::string::npos || access(path.c_str(), F_OK) == 0;
}

absl::StatusOr<Trace> LoadBuiltin(const std::string& name, const TraceDrain& drain) {
  absl::StatusOr<Trace> trace = MakeBuiltin(name, 0, 0);
  if (!trace.ok()) {
    return absl::DataLossError(
        fmt::format("'{}' is neither a file nor a built-in workload; `alloclab workload list` shows these", name));
  }
  if (!drain) return trace;
  absl::Status status = drain(trace->operations, {}, {});
  if (!status.ok()) return status;
  trace->operations.clear();
  return trace;
}

absl::StatusOr<Trace> ReadFrom(const std::string& path, const TraceSourceOptions& options, const TraceDrain& drain) {
  if (!IsFile(path)) return LoadBuiltin(path, drain);
  TraceLimits limits;
  limits.operations_max = drain ? ~0ull : kOperationsMax;
  limits.inflated_bytes_max = kInflatedBytesMax;
  int opened = 0;
  const OpenSource open = [&]() -> absl::StatusOr<std::unique_ptr<ByteSource>> {
    if (path == "-" && opened++ != 0) {
      return absl::DataLossError(
          "<stdin>: --unknown-free synthesise reads a trace twice, which a pipe cannot be; expected a file");
    }
    absl::StatusOr<std::unique_ptr<FileSource>> file = FileSource::Open(path);
    if (!file.ok()) return file.status();
    return std::unique_ptr<ByteSource>(*std::move(file));
  };
  absl::StatusOr<Trace> trace = ImportTrace(open, path == "-" ? "<stdin>" : path, limits, options.import, drain);
  if (!trace.ok()) return AsBadFile(trace.status());
  return trace;
}

constexpr std::array<std::string_view, 7> kTargets = {"alloctrace", "rep", "rep-a", "rep-b", "rep-c", "malloc-bench", "c"};

std::string FormatFor(const TraceTarget& target) {
  if (!target.format.empty()) return target.format;
  std::string_view path = target.path;
  if (path.ends_with(".gz")) path.remove_suffix(3);
  if (path.ends_with(".c")) return "c";
  if (path.ends_with(".alloctrace")) return "alloctrace";
  return path.ends_with(".trace") || path.ends_with(".pb") ? "malloc-bench" : "rep";
}

// What .rep can say: of a calloc only how much it is.
Trace WithoutCallocs(const Trace& trace, std::vector<std::string>& notes) {
  Trace plain = trace;
  std::uint64_t callocs = 0;
  for (Operation& op : plain.operations) {
    if (op.kind != OpKind::kCalloc) continue;
    op = {OpKind::kMalloc, op.block,
          static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{op.size} * op.extra, 0xFFFFFFFF)), 0};
    ++callocs;
  }
  if (callocs != 0) notes.push_back(fmt::format("{} callocs become mallocs: a .rep text has none", callocs));
  return plain;
}

absl::StatusOr<std::string> OwnFormat(const Trace& trace) {
  Trace numbered = trace;
  NumberByFirstUse(numbered);
  return WriteAllocTrace(numbered);
}

absl::StatusOr<std::string> TextOf(const Trace& trace, const std::string& format, std::vector<std::string>& notes) {
  if (format == "alloctrace") return OwnFormat(trace);
  if (!trace.operation_sites.empty()) notes.push_back("call sites are left out: an .alloctrace alone has them");
  if (format == "c") return WriteCTest(trace);
  if (format == "malloc-bench") return WriteMallocBench(trace);
  const RepDialect dialect = format == "rep-a" ? RepDialect::kA : format == "rep-c" ? RepDialect::kC : RepDialect::kB;
  return WriteCmuRep(WithoutCallocs(trace, notes), dialect);
}

absl::Status Write(const std::string& text, const std::string& path) {
  const auto failed = [&path] { return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno))); };
  if (path.ends_with(".gz")) {
    gzFile file = gzopen(path.c_str(), "wb9");
    if (file == nullptr) return failed();
    const std::size_t wrote = gzfwrite(text.data(), 1, text.size(), file);
    if (gzclose(file) != Z_OK || wrote != text.size()) return failed();
    return absl::OkStatus();
  }
  const bool standard_output = path.empty() || path == "-";
  std::FILE* const file = standard_output ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) return failed();
  const bool wrote = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  if (!standard_output && std::fclose(file) != 0) return failed();
  return wrote ? absl::OkStatus() : failed();
}

}  // namespace

void AddTraceSource(CLI::App& app, TraceSourceOptions& options, bool slice) {
  ImportOptions& import = options.import;
  std::vector<std::string> names;
  for (const TraceFormat& format : TraceFormats()) names.push_back(std::string(format.name));
  const auto add = [&options](CLI::Option* option) { options.options.push_back(option); };
  add(AddWord(
      app, slice ? "--from-format" : "--from-format,--from", names, [&import, names](std::size_t i) { import.from = names[i]; },
      "Format of the file (default by its content)"));
  using UnknownFree = ImportOptions::UnknownFree;
  add(AddChoice<UnknownFree>(
      app, "--unknown-free", import.unknown_free,
      {{"drop", UnknownFree::kDrop}, {"error", UnknownFree::kError}, {"synthesise", UnknownFree::kSynthesise}},
      "Frees of blocks that a log does not allocate: leave out, refuse, or allocate such blocks at the start"));
  add(AddBytes32(app, "--synthesise-size", import.synthesised_bytes, "Size of such blocks (default 64)"));
  add(AddChoice<bool>(app, "--leaks", import.balance, {{"keep", false}, {"balance", true}},
                      "What a log leaves live at its end: stays, or is freed there"));
  add(AddChoice<bool>(app, "--inversions", import.repair_inversions, {{"repair", true}, {"keep", false}},
                      "An allocation where another block is live: put its free before it, or let it leak"));
  add(AddChoice<bool>(app, "--failed", import.keep_failed, {{"drop", false}, {"keep", true}},
                      "Allocations that failed when a log was made: leave out, or ask for and free at once"));
  add(AddChoice<bool>(app, "--large", import.refuse_large, {{"clamp", false}, {"error", true}},
                      "Sizes of a log that 32 bits cannot hold: become 4294967295, or are an error"));
  add(AddChoice<bool>(app, "--identity", import.newest_first, {{"fifo", false}, {"lifo", true}},
                      "Which of several equal blocks an interpreted heaptrack file frees: the oldest or the newest"));
  add(app.add_flag("--fuse-realloc", import.fuse_reallocs,
                   "A free and an allocation behind it in a heaptrack file are a realloc"));
  add(AddWord(
      app, "--kernel", {"both", "heap", "pages"},
      [&import](std::size_t i) {
        import.kernel_heap = i != 2;
        import.kernel_pages = i != 1;
      },
      "Of a kernel's log: kmalloc and caches as heap operations, mm_page_* as page operations, or both"));
}

void AddLogOptions(CLI::App& app, TraceSourceOptions& options) {
  AddTraceSource(app, options);
  for (CLI::Option* option : options.options) option->group("Reading a file of another tool (docs/traces.md)");
}

std::string GivenPolicies(const TraceSourceOptions& options) {
  std::string given;
  for (const CLI::Option* option : options.options) {
    if (option->count() == 0) continue;
    if (!given.empty()) given += ' ';
    given += option->get_name();
    if (option->get_expected_min() != 0) given += ' ' + option->as<std::string>();
  }
  return given;
}

absl::StatusOr<std::string> ImportAsAllocTrace(const std::string& bytes, const std::string& path,
                                               const TraceSourceOptions& options) {
  const OpenSource open = [&bytes]() -> absl::StatusOr<std::unique_ptr<ByteSource>> {
    return std::make_unique<MemorySource>(bytes);
  };
  const TraceLimits limits{.operations_max = kOperationsMax, .inflated_bytes_max = kInflatedBytesMax};
  absl::StatusOr<Trace> trace = ImportTrace(open, path, limits, options.import);
  if (!trace.ok()) return AsBadFile(trace.status());
  const auto behind_report = trace->notes.begin() + (trace->notes.empty() ? 0 : 1);
  trace->notes.insert(behind_report, "read by " + GivenPolicies(options));
  return OwnFormat(*trace);
}

absl::StatusOr<Trace> StreamTrace(const std::string& path, const TraceSourceOptions& options, const TraceDrain& drain) {
  return ReadFrom(path, options, drain);
}

absl::StatusOr<Trace> LoadTrace(const std::string& path, const TraceSourceOptions& options) {
  return ReadFrom(path, options, nullptr);
}

absl::StatusOr<Trace> LoadWholeTrace(const std::string& path, const TraceSourceOptions& options,
                                     std::vector<std::uint32_t>& threads) {
  std::vector<Operation> operations;
  std::vector<std::uint32_t> sites;
  bool too_many = false;
  absl::StatusOr<Trace> trace = ReadFrom(
      path, options,
      [&](std::span<const Operation> some, std::span<const std::uint32_t> of,
          std::span<const std::uint32_t> called_by) -> absl::Status {
        too_many = operations.size() + some.size() > kOperationsMax;
        if (too_many)
          return absl::ResourceExhaustedError(fmt::format("{}: more than {} operations, the limit", path, kOperationsMax));
        for (const auto& [more, all] : {std::pair{of, &threads}, {called_by, &sites}}) {
          if (more.empty()) continue;
          all->resize(operations.size());  // of what came before the file told any
          all->insert(all->end(), more.begin(), more.end());
        }
        operations.insert(operations.end(), some.begin(), some.end());
        return absl::OkStatus();
      });
  if (!trace.ok()) return trace;
  trace->operations = std::move(operations);
  trace->operation_sites = std::move(sites);
  return trace;
}

void AddTraceTarget(CLI::App& app, TraceTarget& target) {
  app.add_option("--into", target.path, "File to write, compressed if it ends in .gz (default standard output)")
      ->type_name("FILE");
  std::vector<std::string> names(kTargets.begin(), kTargets.end());
  AddWord(
      app, "--as", names, [&target, names](std::size_t i) { target.format = names[i]; },
      "Format to write (default by the ending: .alloctrace; .trace or .pb malloc-bench; .c a C program; or else .rep)");
}

absl::StatusOr<std::vector<std::string>> SaveTrace(const Trace& trace, const TraceTarget& target) {
  std::vector<std::string> notes;
  const absl::StatusOr<std::string> text = TextOf(trace, FormatFor(target), notes);
  if (!text.ok()) return AsBadFile(text.status());
  if (absl::Status status = Write(*text, target.path); !status.ok()) return status;
  return notes;
}

}  // namespace alloclab::client
