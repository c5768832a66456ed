#include "allocators/workload/alloctrace_codec.h"

#include <zlib.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/workload/handle_table.h"

namespace alloclab::alloctrace {
namespace {

// The first byte of an operation.
constexpr std::uint8_t kKindMask = 7, kThreadFollows = 8, kAlignmentFollows = 16, kNullBlock = 32, kSiteFollows = 64,
                       kReserved = 128;
constexpr std::uint8_t kAlignmentLog2Max = 31;
constexpr std::size_t kOperationBytesMax = 1 + 1 + 5 * 5;  // tag, alignment; thread, site, block, size, extra
constexpr std::size_t kDigestBytes = 32;

void AppendU32(std::uint32_t value, std::string& out) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
}

std::uint32_t ParseU32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- != 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::uint64_t ZigZag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

bool HasSize(OpKind kind) { return kind != OpKind::kFree && kind != OpKind::kFreePages; }
bool HasExtra(OpKind kind) { return kind == OpKind::kCalloc || kind == OpKind::kRealloc || kind == OpKind::kFreePagesPart; }

}  // namespace

bool IsAttributeText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string FitText(std::string_view text, std::size_t bytes_max) {
  std::string fit;
  for (const char& c : text) {
    const std::string_view one(&c, 1);
    fit += IsAttributeText(one) ? std::string(one) : absl::StrFormat("\\x%02x", static_cast<unsigned char>(c));
    if (fit.size() >= bytes_max) break;
  }
  return fit.substr(0, bytes_max);
}

std::uint32_t Crc(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, static_cast<const Bytef*>(static_cast<const void*>(bytes.data())), bytes.size()));
}

void AppendChunk(std::string_view kind, std::string_view payload, std::string& out) {
  ALLOCLAB_CHECK_LE(payload.size(), kChunkBytesMax);
  std::string head(kind);
  AppendU32(static_cast<std::uint32_t>(payload.size()), head);
  AppendU32(Crc(payload), head);
  AppendU32(Crc(head), head);
  out += head;
  out += payload;
}

ChunkHead ParseChunkHead(std::string_view bytes) {
  ALLOCLAB_CHECK_GE(bytes.size(), kChunkHeadBytes);
  ChunkHead head{.kind = {}, .length = ParseU32(bytes.substr(4)), .payload_crc = ParseU32(bytes.substr(8))};
  head.intact = ParseU32(bytes.substr(12)) == Crc(bytes.substr(0, 12));
  for (const std::string_view kind : {kHead, kOperations, kSites, kDone, kTail}) {
    if (bytes.starts_with(kind)) head.kind = kind;
  }
  return head;
}

void AppendU64(std::uint64_t value, std::string& out) {
  AppendU32(static_cast<std::uint32_t>(value), out);
  AppendU32(static_cast<std::uint32_t>(value >> 32), out);
}

std::uint64_t ParseU64(std::string_view bytes) {
  return ParseU32(bytes) | static_cast<std::uint64_t>(ParseU32(bytes.substr(4))) << 32;
}

bool Handles::Use(const RecordedOperation& recorded) {
  if (recorded.site > sites + 1 || recorded.site > kSitesMax) return false;
  sites = std::max(sites, recorded.site);
  const Operation& op = recorded.operation;
  if (op.block == kNoBlock) return true;
  std::uint32_t& handles = OnPages(op.kind) ? pages : heap;
  for (const std::uint32_t handle : {op.kind == OpKind::kRealloc && op.extra != kNoBlock ? op.extra : op.block, op.block}) {
    if (handle > handles || handle >= HandleTable::kHandlesMax) return false;
    if (handle == handles) ++handles;
  }
  return true;
}

bool IsWellFormed(const RecordedOperation& recorded) {
  const Operation& op = recorded.operation;
  if (static_cast<std::uint32_t>(op.kind) >= kOpKinds || recorded.alignment_log2 > kAlignmentLog2Max) return false;
  return (op.block != kNoBlock || op.kind == OpKind::kFree) && (HasSize(op.kind) || op.size == 0) &&
         (HasExtra(op.kind) || op.extra == 0) && (recorded.alignment_log2 == 0 || op.kind == OpKind::kMalloc) &&
         (recorded.site == 0 || (op.kind != OpKind::kFree && !OnPages(op.kind)));
}

void OperationCoder::Append(const RecordedOperation& recorded, std::string& out) {
  const Operation& op = recorded.operation;
  auto tag = static_cast<std::uint8_t>(op.kind);
  if (recorded.thread != thread_) tag |= kThreadFollows;
  if (recorded.alignment_log2 != 0) tag |= kAlignmentFollows;
  if (op.block == kNoBlock) tag |= kNullBlock;
  if (recorded.site != 0) tag |= kSiteFollows;
  ALLOCLAB_CHECK(with_sites_ || recorded.site == 0);
  std::array<char, kOperationBytesMax> bytes;
  char* end = bytes.data();
  const auto varint = [&end](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *end++ = static_cast<char>(value | 0x80);
    *end++ = static_cast<char>(value);
  };
  *end++ = static_cast<char>(tag);
  if (recorded.thread != thread_) varint(thread_ = recorded.thread);
  if (recorded.alignment_log2 != 0) *end++ = static_cast<char>(recorded.alignment_log2);
  if (recorded.site != 0) varint(recorded.site);
  if (op.block != kNoBlock) {
    varint(ZigZag(static_cast<std::int64_t>(op.block) - block_));
    block_ = op.block;
  }
  if (HasSize(op.kind)) varint(op.size);
  if (op.kind == OpKind::kRealloc) {
    varint(op.extra == kNoBlock ? 0 : op.extra == op.block ? 1 : std::uint64_t{op.extra} + 2);
  } else if (HasExtra(op.kind)) {
    varint(op.extra);
  }
  out.append(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
}

bool OperationCoder::Parse(Parser& parser, RecordedOperation& recorded) {
  const std::string_view first = parser.Bytes(1);
  const auto tag = first.empty() ? kReserved : static_cast<std::uint8_t>(first[0]);
  if ((tag & kReserved) != 0 || (tag & kKindMask) >= kOpKinds) return false;
  if ((tag & kSiteFollows) != 0 && !with_sites_) return false;
  recorded = {};
  Operation& op = recorded.operation;
  op.kind = static_cast<OpKind>(tag & kKindMask);
  if ((tag & kThreadFollows) != 0) thread_ = parser.Varint32();
  recorded.thread = thread_;
  if ((tag & kAlignmentFollows) != 0) {
    const std::string_view byte = parser.Bytes(1);
    recorded.alignment_log2 = byte.empty() ? 0xFF : static_cast<std::uint8_t>(byte[0]);
  }
  if ((tag & kSiteFollows) != 0) {
    recorded.site = parser.Varint32();
    if (recorded.site == 0) return false;
  }
  op.block = kNoBlock;
  if ((tag & kNullBlock) == 0) {
    const std::int64_t step = UnZigZag(parser.Varint());
    const std::int64_t last = 0xFFFFFFFE;
    if (step < -last || step > last || block_ + step < 0 || block_ + step > last) return false;
    block_ = op.block = static_cast<std::uint32_t>(block_ + step);
  }
  if (HasSize(op.kind)) op.size = parser.Varint32();
  if (op.kind == OpKind::kRealloc) {
    const std::uint64_t old = parser.Varint();
    if (old > std::uint64_t{0xFFFFFFFE} + 2) return false;
    op.extra = old == 0 ? kNoBlock : old == 1 ? op.block : static_cast<std::uint32_t>(old - 2);
  } else if (HasExtra(op.kind)) {
    op.extra = parser.Varint32();
  }
  return parser.ok && IsWellFormed(recorded);
}

void AppendText(std::string_view text, std::string& out) {
  AppendVarint(text.size(), out);
  out += text;
}

std::string ParseText(Parser& parser, std::size_t bytes_max) {
  const std::string_view text = parser.Bytes(parser.Varint());
  if (text.size() > bytes_max || !IsAttributeText(text)) parser.ok = false;
  return std::string(text);
}

void AppendAttributes(const TraceAttributes& attributes, std::string& out) {
  AppendVarint(attributes.size(), out);
  for (const auto& [name, value] : attributes) {
    AppendText(name, out);
    AppendText(value, out);
  }
}

TraceAttributes ParseAttributes(Parser& parser) {
  const std::uint64_t count = parser.Varint();
  if (count > kAttributesMax) parser.ok = false;
  TraceAttributes attributes;
  for (std::uint64_t i = 0; i < count && parser.ok; ++i) {
    std::string name = ParseText(parser, kAttributeNameMax);
    attributes.emplace_back(std::move(name), ParseText(parser, kAttributeBytesMax));
  }
  return attributes;
}

std::string EncodeEnd(const AllocTraceEnd& end) {
  std::string out;
  for (const std::uint64_t total : {end.operations, std::uint64_t{end.heap_handles}, std::uint64_t{end.page_handles}}) {
    AppendVarint(total, out);
  }
  out += absl::HexStringToBytes(end.sha256);
  AppendVarint(end.frames.size(), out);
  FrameEntry last;
  for (const FrameEntry& frame : end.frames) {
    AppendVarint(frame.offset - last.offset, out);
    AppendVarint(frame.first_operation - last.first_operation, out);
    for (const std::uint64_t value :
         {frame.live_blocks, frame.live_bytes, std::uint64_t{frame.heap_handles}, std::uint64_t{frame.page_handles}}) {
      AppendVarint(value, out);
    }
    last = frame;
  }
  AppendAttributes(end.attributes, out);
  return out;
}

bool ParseEnd(std::string_view payload, AllocTraceEnd& end) {
  Parser parser{payload};
  end = {};
  end.operations = parser.Varint();
  end.heap_handles = parser.Varint32();
  end.page_handles = parser.Varint32();
  end.sha256 = absl::BytesToHexString(std::string(parser.Bytes(kDigestBytes)));
  const std::uint64_t frames = parser.Varint();
  if (frames > kIndexedFramesMax) parser.ok = false;
  FrameEntry frame;
  for (std::uint64_t i = 0; i < frames && parser.ok; ++i) {
    frame.offset += parser.Varint();
    frame.first_operation += parser.Varint();
    frame.live_blocks = parser.Varint();
    frame.live_bytes = parser.Varint();
    frame.heap_handles = parser.Varint32();
    frame.page_handles = parser.Varint32();
    end.frames.push_back(frame);
  }
  end.attributes = ParseAttributes(parser);
  return parser.ok && parser.rest.empty();
}

}  // namespace alloclab::alloctrace
