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
#include "allocators/workload/file_kind.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/oddity.h"
#include "allocators/workload/trace_meter.h"
#include "allocators/workload/words.h"

namespace alloclab {
namespace {

enum class Dialect { kA, kB, kC, kTwoLines, kNoHeader };

// What is not known has no limit.
struct Header {
  Dialect dialect = Dialect::kNoHeader;
  std::uint64_t ids = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t operations = std::numeric_limits<std::uint64_t>::max();
};

constexpr std::array<std::string_view, 4> kHeaderNames = {
    "the heap size or weight", "the number of ids", "the number of operations", "the weight, ignore_ranges or peak bytes"};

std::string_view FormatName(Dialect dialect) {
  switch (dialect) {
    case Dialect::kA:
      return "cmu-rep-a";
    case Dialect::kB:
      return "cmu-rep-b";
    case Dialect::kC:
      return "cmu-rep-c";
    default:
      return "cmu-rep";
  }
}

bool IsOperation(std::string_view word) { return word.size() == 1 && (word[0] == 'a' || word[0] == 'r' || word[0] == 'f'); }

// A number too large for 64 bits is the largest one.
std::optional<std::uint64_t> Number(std::string_view word) {
  std::uint64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

class CmuRepReader {
 public:
  explicit CmuRepReader(const TraceReading& reading)
      : bytes_(reading.bytes),
        words_(reading.bytes),
        name_(reading.name),
        limits_(reading.limits),
        meter_(reading, trace_, blocks_) {}

  absl::StatusOr<Trace> Read() {
    SkipByteOrderMark();
    if (absl::Status status = ReadHeader(); !status.ok()) return status;
    if (absl::Status status = ReadOperations(); !status.ok()) return status;
    if (absl::Status status = CheckEnd(); !status.ok()) return status;
    trace_.heap_handles = blocks_.pool().handles();
    trace_.format = FormatName(header_.dialect);
    AddNotes();
    if (absl::Status status = meter_.Drain(); !status.ok()) return status;
    return std::move(trace_);
  }

 private:
  void SkipByteOrderMark() {
    if (!bytes_.Window().starts_with(kByteOrderMark)) return;
    bytes_.Consume(kByteOrderMark.size());
    byte_order_mark_.Add(1);
  }

  absl::Status ReadHeader() {
    std::array<std::uint64_t, 4> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string_view word = words_.Peek();
      line_ = words_.line();
      if (i % 2 == 0 && IsOperation(word)) return ShortHeader(i, values);
      const std::optional<std::uint64_t> value = Number(word);
      if (!value) return Wrong(word, absl::StrFormat("integer %d of the header, %s", i + 1, kHeaderNames[i]));
      values[i] = *value;
      words_.Take();
    }
    header_ = {values[0] > 3 ? Dialect::kA : values[3] <= 1 ? Dialect::kB : Dialect::kC, values[1], values[2]};
    return absl::OkStatus();
  }

  absl::Status ShortHeader(std::size_t lines, const std::array<std::uint64_t, 4>& values) {
    if (lines == 0) {
      no_header_.Add(line_);
    } else {
      header_ = {Dialect::kTwoLines, values[0], values[1]};
      two_lines_.Add(line_);
    }
    return absl::OkStatus();
  }

  absl::Status ReadOperations() {
    const bool counted = header_.dialect != Dialect::kNoHeader;
    for (std::uint64_t i = 0; i < header_.operations; ++i) {
      if (words_.Peek().empty()) {
        if (!counted) return words_.status();
        line_ = words_.line();
        return At(absl::StrFormat("the file ends after %d operations; expected %d", i, header_.operations));
      }
      if (absl::Status status = ReadOperation(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status ReadOperation() {
    const std::string_view word = words_.Peek();
    line_ = words_.line();
    if (!IsOperation(word)) return Wrong(word, "an operation: a ID BYTES, r ID BYTES or f ID");
    if (meter_.count() == limits_.operations_max) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s:%d: more than %d operations, the limit", name_, line_, limits_.operations_max));
    }
    const char kind = word[0];
    words_.Take();
    const std::string_view id_word = words_.Peek();
    if (kind == 'f' && id_word == "-1" && header_.dialect != Dialect::kA && header_.dialect != Dialect::kC) {
      words_.Take();
      null_frees_.Add(line_);
      return absl::OkStatus();
    }
    const std::optional<std::uint64_t> id = Number(id_word);
    if (!id || *id >= header_.ids) return Wrong(id_word, ExpectedId());
    if (absl::Status status = meter_.Admit(*id); !status.ok()) return status;
    words_.Take();
    ids_used_ = std::max(ids_used_, *id + 1);
    if (kind == 'f') return AddFree(*id);
    if (absl::Status status = ReadSize(kind); !status.ok()) return status;
    kind == 'a' ? AddAllocation(*id) : AddRealloc(*id);
    return absl::OkStatus();
  }

  std::string ExpectedId() const {
    if (header_.dialect == Dialect::kNoHeader) return "a block id";
    return absl::StrFormat("a block id below %d, the header's number of ids", header_.ids);
  }

  absl::Status ReadSize(char kind) {
    const std::string_view word = words_.Peek();
    const std::optional<std::uint64_t> size = Number(word);
    if (!size) {
      const bool line_ended = word.empty() || words_.line() != line_;
      if (kind != 'a' || !size_ || !line_ended) return Wrong(word, "a number of bytes");
      no_size_.Add(line_);
      return words_.status();
    }
    words_.Take();
    if (*size > kLargestSize) too_large_.Add(line_);
    size_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(*size, kLargestSize));
    return absl::OkStatus();
  }

  void AddAllocation(std::uint64_t id) {
    if (blocks_.Find(id) != kNoBlock) {
      live_ids_.Add(line_);
      blocks_.Unname(id);
    } else if (blocks_.Used(id)) {
      reused_ids_.Add(line_);
    }
    trace_.operations.push_back({OpKind::kMalloc, blocks_.Add(id), *size_, 0});
  }

  void AddRealloc(std::uint64_t id) {
    const std::uint32_t old = blocks_.Find(id);
    if (old == kNoBlock && blocks_.Used(id)) reused_ids_.Add(line_);
    trace_.operations.push_back({OpKind::kRealloc, old != kNoBlock ? old : blocks_.Add(id), *size_, old});
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
    if (const std::string_view word = words_.Peek(); !word.empty()) {
      line_ = words_.line();
      if (header_.dialect != Dialect::kB) {
        return Wrong(word, absl::StrFormat("the end, after the header's %d operations", header_.operations));
      }
      rest_.Add(line_);
    }
    if (!words_.status().ok() || header_.dialect == Dialect::kNoHeader || ids_used_ == header_.ids) return words_.status();
    return absl::InvalidArgumentError(absl::StrFormat("%s: the largest id is %s; expected %d, as the header says %d ids", name_,
                                                      ids_used_ != 0 ? absl::StrFormat("%d", ids_used_ - 1) : "missing",
                                                      static_cast<std::int64_t>(header_.ids) - 1, header_.ids));
  }

  void AddNotes() {
    for (const Oddity* oddity : {&byte_order_mark_, &no_header_, &two_lines_, &no_size_, &too_large_, &null_frees_,
                                 &reused_ids_, &live_ids_, &rest_}) {
      oddity->Tell("line", trace_.notes);
    }
  }

  // Damaged input is the reason for whatever is wrong with what was read of it.
  absl::Status At(std::string_view what) const {
    return words_.status().ok() ? absl::InvalidArgumentError(absl::StrFormat("%s:%d: %s", name_, line_, what))
                                : words_.status();
  }
  // The word that was looked at last is wrong. One that is missing is missed on the line where it should stand.
  absl::Status Wrong(std::string_view found, std::string_view expected) const {
    if (found.empty()) return At(absl::StrFormat("the file ends here; expected %s", expected));
    if (words_.line() != line_) return At(absl::StrFormat("the line ends here; expected %s", expected));
    const std::string shown = absl::CHexEscape(std::string(found.substr(0, 40)));
    const auto odd = std::find_if(found.begin(), found.end(), [](char c) { return !IsText(c); });
    if (odd == found.end()) return At(absl::StrFormat("\"%s\"; expected %s", shown, expected));
    return At(absl::StrFormat("\"%s\" with 0x%02X, which is no text, at byte %d; expected %s", shown,
                              static_cast<unsigned char>(*odd),
                              words_.offset() + static_cast<std::uint64_t>(odd - found.begin()), expected));
  }

  TraceBytes& bytes_;
  Words words_;
  const std::string_view name_;
  const TraceLimits& limits_;
  Header header_;
  Trace trace_;
  HandleNumbering blocks_;
  TraceMeter<HandleNumbering> meter_;
  std::uint64_t line_ = 1;             // of the operation or header integer that is read
  std::optional<std::uint32_t> size_;  // of the last allocation or realloc
  std::uint64_t ids_used_ = 0;         // one more than the largest id seen
  Oddity byte_order_mark_{"a byte-order mark is skipped"};
  Oddity no_header_{"no header; ids and operations are as many as the file has"};
  Oddity two_lines_{"the header before it is of two lines, ids and operations"};
  Oddity no_size_{"an allocation without a size gets the size before it"};
  Oddity too_large_{kTooLargeNote};
  Oddity null_frees_{"a free of null is dropped"};
  Oddity reused_ids_{"an id is used again after a free"};
  Oddity live_ids_{"an id is allocated again while it is live; the old block leaks"};
  Oddity rest_{"what follows the header's number of operations is not read"};
};

}  // namespace

absl::StatusOr<Trace> ReadCmuRep(const TraceReading& reading) { return CmuRepReader(reading).Read(); }

}  // namespace alloclab
