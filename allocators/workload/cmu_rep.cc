#include "allocators/workload/cmu_rep.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "allocators/workload/handle_numbering.h"

namespace alloclab {
namespace {

constexpr bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

enum class Dialect { kA, kB, kC };

struct Header {
  Dialect dialect = Dialect::kA;
  std::uint64_t ids = 0, operations = 0;
};

class CmuRepReader {
 public:
  CmuRepReader(TraceBytes& bytes, std::string_view name, const TraceLimits& limits)
      : bytes_(bytes), name_(name), limits_(limits) {}

  absl::StatusOr<Trace> Read() {
    if (absl::Status status = ReadHeader(); !status.ok()) return status;
    trace_.operations.reserve(std::min<std::uint64_t>(header_.operations, 1 << 20));
    for (std::uint64_t i = 0; i < header_.operations; ++i) {
      if (absl::Status status = ReadOperation(i); !status.ok()) return status;
    }
    if (absl::Status status = CheckEnd(); !status.ok()) return status;
    trace_.heap_handles = blocks_.pool().handles();
    trace_.format = header_.dialect == Dialect::kA ? "cmu-rep-a" : header_.dialect == Dialect::kB ? "cmu-rep-b" : "cmu-rep-c";
    AddNotes();
    return std::move(trace_);
  }

 private:
  absl::Status ReadHeader() {
    static constexpr std::array<std::string_view, 4> kNames = {
        "the heap size or weight", "the number of ids", "the number of operations", "the weight, ignore_ranges or peak bytes"};
    std::array<std::uint64_t, 4> values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string_view token = TakeToken();
      const std::optional<std::uint64_t> value = Number(token);
      if (!value) return Error(token, absl::StrFormat("integer %d of the header, %s", i + 1, kNames[i]));
      values[i] = *value;
    }
    header_ = {values[0] > 3 ? Dialect::kA : values[3] <= 1 ? Dialect::kB : Dialect::kC, values[1], values[2]};
    if (header_.operations > limits_.operations_max) {
      return absl::ResourceExhaustedError(absl::StrFormat("%s: %d operations are too many; expected at most %d", name_,
                                                          header_.operations, limits_.operations_max));
    }
    return absl::OkStatus();
  }

  absl::Status ReadOperation(std::uint64_t index) {
    const std::string_view kind_token = TakeToken();
    if (kind_token.empty()) {
      return At(absl::StrFormat("the file ends after %d operations; expected %d", index, header_.operations));
    }
    const char kind = kind_token[0];
    if (kind != 'a' && kind != 'r' && kind != 'f') {
      return Error(kind_token, "an operation: a ID BYTES, r ID BYTES or f ID");
    }
    const std::string_view id_token = TakeToken();
    if (kind == 'f' && id_token == "-1" && header_.dialect == Dialect::kB) {
      ++null_frees_;
      return absl::OkStatus();
    }
    const std::optional<std::uint64_t> id = Number(id_token);
    if (!id || *id >= header_.ids) {
      return Error(id_token, absl::StrFormat("a block id below %d, the header's number of ids", header_.ids));
    }
    ids_used_ = std::max(ids_used_, *id + 1);
    if (kind == 'f') return AddFree(*id);
    const std::string_view size_token = TakeToken();
    const std::optional<std::uint64_t> size = Number(size_token);
    if (!size) return Error(size_token, "a number of bytes");
    if (*size > std::numeric_limits<std::uint32_t>::max()) {
      return Error(size_token, "at most 4294967295 bytes, what a 32-bit machine can address");
    }
    return kind == 'a' ? AddAllocation(*id, static_cast<std::uint32_t>(*size))
                       : AddRealloc(*id, static_cast<std::uint32_t>(*size));
  }

  absl::Status AddAllocation(std::uint64_t id, std::uint32_t size) {
    if (blocks_.Find(id) != kNoBlock) return At(absl::StrFormat("allocates block %d, which is live already", id));
    reused_ids_ += blocks_.Used(id);
    trace_.operations.push_back({OpKind::kMalloc, blocks_.Add(id), size, 0});
    return absl::OkStatus();
  }

  absl::Status AddRealloc(std::uint64_t id, std::uint32_t size) {
    const std::uint32_t old = blocks_.Find(id);
    if (old == kNoBlock) reused_ids_ += blocks_.Used(id);
    trace_.operations.push_back({OpKind::kRealloc, old != kNoBlock ? old : blocks_.Add(id), size, old});
    return absl::OkStatus();
  }

  absl::Status AddFree(std::uint64_t id) {
    const std::uint32_t handle = blocks_.Find(id);
    if (handle == kNoBlock) {
      return At(absl::StrFormat("frees block %d, which is not live; expected an allocation of it before", id));
    }
    trace_.operations.push_back({OpKind::kFree, handle, 0, 0});
    blocks_.Remove(id);
    return absl::OkStatus();
  }

  absl::Status CheckEnd() {
    if (const std::string_view token = TakeToken(); !token.empty()) {
      if (header_.dialect != Dialect::kB) {
        return Error(token, absl::StrFormat("the end, after the header's %d operations", header_.operations));
      }
      trace_.notes.push_back(absl::StrFormat("What follows the header's %d operations is not read.", header_.operations));
    }
    if (!input_.ok() || ids_used_ == header_.ids) return input_;
    return absl::InvalidArgumentError(absl::StrFormat("%s: the largest id is %s; expected %d, as the header says %d ids", name_,
                                                      ids_used_ != 0 ? absl::StrFormat("%d", ids_used_ - 1) : "missing",
                                                      static_cast<std::int64_t>(header_.ids) - 1, header_.ids));
  }

  void AddNotes() {
    if (null_frees_ != 0) trace_.notes.push_back(absl::StrFormat("%d frees of null were dropped.", null_frees_));
    if (reused_ids_ != 0) trace_.notes.push_back(absl::StrFormat("Ids were used again after a free, %d times.", reused_ids_));
  }

  // The next token, after any white space, as old readers use fscanf; empty at the end. Good until the next one is taken.
  std::string_view TakeToken() {
    SkipSpace();
    const std::string_view window = bytes_.Window();
    std::size_t size = 0;
    while (size < window.size() && !IsSpace(window[size])) ++size;
    bytes_.Consume(size);
    return window.substr(0, size);
  }

  void SkipSpace() {
    while (input_.ok()) {
      input_ = bytes_.Fill();
      const std::string_view window = bytes_.Window();
      std::size_t size = 0;
      for (; size < window.size() && IsSpace(window[size]); ++size) line_ += window[size] == '\n';
      bytes_.Consume(size);
      if (size == 0) return;
    }
  }

  static std::optional<std::uint64_t> Number(std::string_view token) {
    std::uint64_t value = 0;
    const char* const end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, value);
    return stop == end && error == std::errc{} ? std::optional(value) : std::nullopt;
  }

  // Damaged input is the reason for whatever is wrong with what was read of it.
  absl::Status At(std::string_view what) const {
    return input_.ok() ? absl::InvalidArgumentError(absl::StrFormat("%s:%d: %s", name_, line_, what)) : input_;
  }
  absl::Status Error(std::string_view found, std::string_view expected) const {
    if (found.empty()) return At(absl::StrFormat("the file ends here; expected %s", expected));
    const std::string shown = absl::CHexEscape(std::string(found.substr(0, 40)));
    return At(absl::StrFormat("\"%s\"; expected %s", shown, expected));
  }

  TraceBytes& bytes_;
  absl::Status input_;  // of bytes_
  const std::string_view name_;
  const TraceLimits& limits_;
  Header header_;
  Trace trace_;
  HandleNumbering blocks_;
  std::uint64_t line_ = 1;
  std::uint64_t ids_used_ = 0;  // one more than the largest id seen
  std::uint64_t null_frees_ = 0, reused_ids_ = 0;
};

}  // namespace

absl::StatusOr<Trace> ReadCmuRep(TraceBytes& bytes, std::string_view name, const TraceLimits& limits) {
  return CmuRepReader(bytes, name, limits).Read();
}

}  // namespace alloclab
