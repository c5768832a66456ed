// The bytes of .alloctrace files: chunks, operations, attributes. For their writer and reader (alloctrace_writer.h,
// alloctrace_reader.h).
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_CODEC_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocators/workload/alloctrace.h"

namespace alloclab::alloctrace {

inline constexpr std::size_t kChunkHeadBytes = 16, kTailBytes = 8;
inline constexpr std::string_view kHead = "HEAD", kOperations = "OPER", kSites = "SITE", kDone = "DONE", kTail = "TAIL";

struct ChunkHead {
  std::string_view kind;  // one of the five; empty: something else
  std::uint32_t length = 0, payload_crc = 0;
  bool intact = false;  // its own CRC is right
};

std::uint32_t Crc(std::string_view bytes);
void AppendChunk(std::string_view kind, std::string_view payload, std::string& out);
// REQUIRES: kChunkHeadBytes.
ChunkHead ParseChunkHead(std::string_view bytes);

void AppendU64(std::uint64_t value, std::string& out);
std::uint64_t ParseU64(std::string_view bytes);  // REQUIRES: 8 bytes

inline void AppendVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Reads varints and strings. What is not there, or no such thing, makes `ok` false for good.
struct Parser {
  std::string_view rest;
  bool ok = true;

  std::uint64_t Varint() {
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
  std::uint32_t Varint32() {
    const std::uint64_t value = Varint();
    if (value > 0xFFFFFFFF) ok = false;
    return static_cast<std::uint32_t>(value);
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
};

// How many handles and call sites there are, which a valid next operation uses or raises by one.
struct Handles {
  std::uint32_t heap = 0, pages = 0, sites = 0;

  // False: the operation names a handle or a site beyond the next new one.
  bool Use(const RecordedOperation& recorded);
};

// Operations of one frame, each relative to the one before.
class OperationCoder {
 public:
  // `with_sites`: of a file of the version that has them.
  explicit OperationCoder(bool with_sites) : with_sites_(with_sites) {}

  // REQUIRES: without sites, an operation that has none.
  void Append(const RecordedOperation& recorded, std::string& out);
  // False: no operation; `parser` may be used no more.
  bool Parse(Parser& parser, RecordedOperation& recorded);

 private:
  bool with_sites_;
  std::uint32_t thread_ = 0, block_ = 0;
};

// Whether the fields that the operation's kind does not use are zero, and those it uses are possible.
bool IsWellFormed(const RecordedOperation& recorded);

// Printable ASCII.
bool IsAttributeText(std::string_view text);
// Made so, other bytes as "\xc3", and cut at so many bytes.
std::string FitText(std::string_view text, std::size_t bytes_max);
void AppendText(std::string_view text, std::string& out);
std::string ParseText(Parser& parser, std::size_t bytes_max);
void AppendAttributes(const TraceAttributes& attributes, std::string& out);
TraceAttributes ParseAttributes(Parser& parser);

// A table in pieces of at most kFrameBytesMax, kSiteTableBytesMax together: a site ends before the first of its frames for
// which there is no room. REQUIRES: IsAttributeText of all its texts, and its limits.
std::vector<std::string> EncodeSites(const SiteTable& table);
// Adds a piece to the table. False: it is none, or too much.
bool ParseSites(std::string_view bytes, SiteTable& table);

std::string EncodeEnd(const AllocTraceEnd& end);
// False: it is none.
bool ParseEnd(std::string_view payload, AllocTraceEnd& end);

}  // namespace alloclab::alloctrace

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_ALLOCTRACE_CODEC_H_
