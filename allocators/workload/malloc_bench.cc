#include "allocators/workload/malloc_bench.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/workload/handle_numbering.h"
#include "allocators/workload/oddity.h"
#include "allocators/workload/trace_meter.h"

namespace alloclab {
namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Protocol buffer wire format over bytes that are all there. A failed read leaves `ok` false for good.
struct Wire {
  std::string_view rest;
  bool ok = true;

  std::uint64_t Varint() {
    if (!rest.empty() && static_cast<unsigned char>(rest[0]) < 0x80) {
      const auto value = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      return value;
    }
    return LongVarint();
  }
  std::uint64_t LongVarint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 10 && i < rest.size(); ++i) {
      const auto byte = static_cast<unsigned char>(rest[i]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        rest.remove_prefix(i + 1);
        return value;
      }
    }
    ok = false;
    return 0;
  }
  std::string_view Bytes(std::uint64_t size) {
    if (size > rest.size()) {
      ok = false;
      return {};
    }
    const std::string_view bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    return bytes;
  }
  // Of a field that is not wanted.
  void Skip(std::uint32_t type) {
    if (type == kVarint) {
      Varint();
    } else if (type == kFixed64 || type == kFixed32) {
      Bytes(type == kFixed64 ? 8 : 4);
    } else if (type == kBytes) {
      Bytes(Varint());
    } else {
      ok = false;
    }
  }
};

// One operation message: its first three fields, which are all the formats have.
struct Fields {
  std::array<std::uint64_t, 4> value{};  // by field number
  std::array<bool, 4> has{};
};

constexpr std::uint64_t kLineBytesMax = TraceBytes::kLookahead - 20;  // its tag and length included

enum Op : std::uint32_t { kNone = 0, kMalloc = 1, kFree = 2, kRealloc = 3, kCalloc = 4 };

class MallocBenchReader {
 public:
  explicit MallocBenchReader(const TraceReading& reading)
      : bytes_(reading.bytes), name_(reading.name), limits_(reading.limits), meter_(reading, trace_, blocks_) {}

  absl::StatusOr<Trace> Read() {
    while (true) {
      if (absl::Status status = bytes_.Fill(); !status.ok()) return status;
      if (bytes_.Window().empty()) break;
      if (absl::Status status = ReadField(); !status.ok()) return status;
    }
    trace_.heap_handles = blocks_.pool().handles();
    trace_.format = "malloc-bench";
    AddNotes();
    if (absl::Status status = meter_.Drain(); !status.ok()) return status;
    return std::move(trace_);
  }

 private:
  // One field of the Tracefile.
  absl::Status ReadField() {
    Wire wire{bytes_.Window()};
    const std::uint64_t tag = wire.Varint();
    if (tag == (1 << 3 | kBytes)) {
      const std::uint64_t size = wire.Varint();
      if (wire.ok && size > kLineBytesMax) {
        return At(absl::StrFormat("a trace line of %d bytes; expected at most %d", size, kLineBytesMax));
      }
      const std::string_view line = wire.Bytes(size);
      if (!wire.ok) return At("the file ends inside a trace line");
      if (absl::Status status = ReadLine(line); !status.ok()) return status;
    } else {
      if (tag >> 3 == 0 || tag >> 3 == 1) wire.ok = false;
      wire.Skip(tag & 7);
      if (!wire.ok) return At("expected a trace line (field 1) or another field of a Tracefile message");
    }
    bytes_.Consume(bytes_.Window().size() - wire.rest.size());
    return absl::OkStatus();
  }

  absl::Status ReadLine(std::string_view line) {
    Wire wire{line};
    Op op = kNone;
    Fields fields;
    while (wire.ok && !wire.rest.empty()) {
      const std::uint64_t tag = wire.Varint();
      if ((tag & 7) == kBytes && tag >> 3 >= kMalloc && tag >> 3 <= kCalloc) {
        op = static_cast<Op>(tag >> 3);
        fields = ReadFields(wire);
      } else {
        wire.Skip(tag & 7);
      }
    }
    if (!wire.ok) return At("a damaged trace line; expected one of Malloc, Free, Realloc, Calloc");
    if (op == kNone) return At("an empty trace line; expected one of Malloc, Free, Realloc, Calloc");
    return Add(op, fields);
  }

  static Fields ReadFields(Wire& line) {
    Wire wire{line.Bytes(line.Varint())};
    Fields fields;
    while (wire.ok && !wire.rest.empty()) {
      const std::uint64_t tag = wire.Varint(), number = tag >> 3;
      if ((tag & 7) == kVarint && number >= 1 && number <= 3) {
        fields.value[number] = wire.Varint();
        fields.has[number] = true;
      } else {
        wire.Skip(tag & 7);
      }
    }
    line.ok &= wire.ok;
    return fields;
  }

  absl::Status Add(Op op, const Fields& fields) {
    if (meter_.count() == limits_.operations_max) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: too many operations; expected at most %d", name_, limits_.operations_max));
    }
    for (const std::uint64_t id : {fields.value[1], op == kRealloc ? fields.value[2] : fields.value[1]}) {
      if (absl::Status status = meter_.Admit(id); !status.ok()) return status;
    }
    if (op == kFree) return AddFree(fields);
    const std::uint32_t second = op == kRealloc ? 0 : Size(fields.value[2]), third = op == kMalloc ? 0 : Size(fields.value[3]);
    if (op == kRealloc) return AddRealloc(fields, third);
    if (op == kMalloc && fields.value[3] != 0) Note(aligned_);
    return op == kMalloc ? AddAllocation(OpKind::kMalloc, fields, second, 0, second == 0)
                         : AddAllocation(OpKind::kCalloc, fields, third, second, second == 0 || third == 0);
  }

  absl::Status AddAllocation(OpKind kind, const Fields& fields, std::uint32_t size, std::uint32_t extra, bool zero) {
    if (fields.has[1]) {
      if (absl::Status status = CheckNew(fields.value[1]); !status.ok()) return status;
      trace_.operations.push_back({kind, blocks_.Add(fields.value[1]), size, extra});
    } else if (zero) {  // null is what an allocation of nothing gives
      const std::uint32_t handle = blocks_.pool().Take();
      trace_.operations.push_back({kind, handle, size, extra});
      blocks_.pool().GiveBack(handle);
    } else {
      Note(failed_);
    }
    return absl::OkStatus();
  }

  absl::Status AddRealloc(const Fields& fields, std::uint32_t size) {
    if (!fields.has[2]) {  // of null: an allocation
      if (!fields.has[1] && size != 0) return Drop(failed_);
      if (absl::Status status = fields.has[1] ? CheckNew(fields.value[1]) : absl::OkStatus(); !status.ok()) return status;
      const std::uint32_t handle = blocks_.pool().Take();
      trace_.operations.push_back({OpKind::kRealloc, handle, size, kNoBlock});
      fields.has[1] ? blocks_.Name(fields.value[1], handle) : blocks_.pool().GiveBack(handle);
      return absl::OkStatus();
    }
    const std::uint64_t old_id = fields.value[2];
    const std::uint32_t handle = blocks_.Find(old_id);
    if (handle == kNoBlock) return NotLive("reallocates", old_id);
    if (!fields.has[1]) {
      if (size != 0) return Drop(failed_);
      Note(realloc_frees_);
      trace_.operations.push_back({OpKind::kFree, handle, 0, 0});
      blocks_.Remove(old_id);
      return absl::OkStatus();
    }
    blocks_.Unname(old_id);
    if (absl::Status status = CheckNew(fields.value[1]); !status.ok()) return status;
    blocks_.Name(fields.value[1], handle);
    trace_.operations.push_back({OpKind::kRealloc, handle, size, handle});
    return absl::OkStatus();
  }

  absl::Status AddFree(const Fields& fields) {
    if (!fields.has[1]) return Drop(null_frees_);
    const std::uint32_t handle = blocks_.Find(fields.value[1]);
    if (handle == kNoBlock) return NotLive("frees", fields.value[1]);
    trace_.operations.push_back({OpKind::kFree, handle, 0, 0});
    blocks_.Remove(fields.value[1]);
    return absl::OkStatus();
  }

  std::uint32_t Size(std::uint64_t value) {
    if (value > kLargestSize) Note(too_large_);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, kLargestSize));
  }

  void Note(Oddity& oddity) { oddity.Add(bytes_.Offset()); }

  // An operation that is only counted.
  absl::Status Drop(Oddity& oddity) {
    Note(oddity);
    return absl::OkStatus();
  }

  absl::Status CheckNew(std::uint64_t id) {
    if (blocks_.Find(id) == kNoBlock) return absl::OkStatus();
    return At(absl::StrFormat("allocates block %d, which is live already", id));
  }
  absl::Status NotLive(std::string_view verb, std::uint64_t id) const {
    return At(absl::StrFormat("%s block %d, which is not live; expected an allocation of it before", verb, id));
  }
  absl::Status At(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrFormat("%s: byte %d: %s", name_, bytes_.Offset(), what));
  }

  void AddNotes() {
    for (const Oddity* oddity : {&null_frees_, &failed_, &realloc_frees_, &aligned_, &too_large_}) {
      oddity->Tell("byte", trace_.notes);
    }
  }

  TraceBytes& bytes_;
  const std::string_view name_;
  const TraceLimits& limits_;
  Trace trace_;
  HandleNumbering blocks_;
  TraceMeter<HandleNumbering> meter_;
  Oddity null_frees_{"a free of null is dropped"};
  Oddity failed_{"an allocation that failed when it was recorded is dropped"};
  Oddity realloc_frees_{"a realloc to 0 bytes becomes a free"};
  Oddity aligned_{"an alignment is ignored"};
  Oddity too_large_{kTooLargeNote};
};

}  // namespace

absl::StatusOr<Trace> ReadMallocBench(const TraceReading& reading) { return MallocBenchReader(reading).Read(); }

}  // namespace alloclab
