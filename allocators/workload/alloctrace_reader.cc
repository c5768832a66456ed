#include "allocators/workload/alloctrace_reader.h"

#include <zstd.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {

using alloctrace::ChunkHead;
using alloctrace::kChunkHeadBytes;

void AllocTraceReader::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

AllocTraceReader::AllocTraceReader(TraceBytes& bytes, std::string_view name, std::uint64_t inflated_bytes_max)
    : bytes_(bytes), name_(name), inflated_bytes_max_(inflated_bytes_max), zstd_(ZSTD_createDCtx()) {
  ALLOCLAB_CHECK_NE(zstd_.get(), nullptr);
  frame_.resize(kFrameBytesMax);
}

AllocTraceReader::~AllocTraceReader() = default;

absl::Status AllocTraceReader::Start() {
  std::string magic;
  const absl::StatusOr<bool> whole = Gather(kAllocTraceMagic.size(), magic);
  if (!whole.ok()) return whole.status();
  const std::string_view mark = kAllocTraceMagic.substr(0, kAllocTraceVersionAt);
  if (!*whole || !magic.starts_with(mark)) return At(0, "no .alloctrace file; expected its mark, \"\\x89ALT\\r\\n\\x1a\"");
  with_sites_ = magic[kAllocTraceVersionAt] == kAllocTraceSitesVersion;
  if (magic != kAllocTraceMagic && !with_sites_) {
    return At(kAllocTraceVersionAt, absl::StrFormat("version %d of the format; expected version %d or %d",
                                                    static_cast<unsigned char>(magic[kAllocTraceVersionAt]),
                                                    kAllocTraceMagic[kAllocTraceVersionAt], kAllocTraceSitesVersion));
  }
  const absl::StatusOr<std::string_view> kind = ReadChunk();
  if (!kind.ok()) return kind.status();
  if (kind->empty()) return At(chunk_, "the file ends inside its head; nothing of it can be read");
  if (*kind != alloctrace::kHead) return At(chunk_, absl::StrFormat("a chunk \"%s\"; expected \"HEAD\"", *kind));
  alloctrace::Parser parser{payload_};
  attributes_ = alloctrace::ParseAttributes(parser);
  if (!parser.ok || !parser.rest.empty()) return At(chunk_, "the head is no list of attributes");
  return absl::OkStatus();
}

void AllocTraceReader::StartAt(const FrameEntry& frame, char version) {
  base_ = frame.offset;
  operations_ = frame.first_operation;
  handles_ = {.heap = frame.heap_handles, .pages = frame.page_handles, .sites = kSitesMax};
  with_sites_ = version == kAllocTraceSitesVersion;
  whole_ = false;
}

absl::StatusOr<bool> AllocTraceReader::Gather(std::size_t size, std::string& out) {
  out.clear();
  while (out.size() < size) {
    if (absl::Status status = bytes_.Fill(); !status.ok()) return status;
    const std::string_view piece = bytes_.Window().substr(0, size - out.size());
    if (piece.empty()) return false;
    out += piece;
    bytes_.Consume(piece.size());
  }
  return true;
}

absl::StatusOr<std::string_view> AllocTraceReader::ReadChunk() {
  chunk_ = base_ + bytes_.Offset();
  absl::StatusOr<bool> whole = Gather(kChunkHeadBytes, payload_);
  if (!whole.ok()) return whole.status();
  // A file system that loses power may leave zeros where data should have come.
  if (!*whole || payload_.find_first_not_of('\0') == payload_.npos) return std::string_view();
  const ChunkHead head = alloctrace::ParseChunkHead(payload_);
  if (!head.intact) return At(chunk_, absl::StrFormat("the head of chunk %d is damaged: its checksum is wrong", frames_ + 1));
  if (head.kind.empty()) return At(chunk_, "a chunk of unknown kind; expected HEAD, OPER, SITE, DONE or TAIL");
  if (head.length > kChunkBytesMax) {
    return At(chunk_, absl::StrFormat("a chunk of %d bytes; expected at most %d", head.length, kChunkBytesMax));
  }
  whole = Gather(head.length, payload_);
  if (!whole.ok()) return whole.status();
  if (!*whole) return std::string_view();
  if (const std::uint32_t crc = alloctrace::Crc(payload_); crc != head.payload_crc) {
    return At(chunk_,
              absl::StrFormat("chunk %d (%s, %d bytes, after operation %d) is damaged: its checksum is %08x; expected %08x",
                              frames_ + 1, head.kind, head.length, operations_, crc, head.payload_crc));
  }
  return head.kind;
}

absl::StatusOr<bool> AllocTraceReader::Next(std::vector<RecordedOperation>& operations) {
  operations.clear();
  if (ended_) return false;
  absl::StatusOr<std::string_view> kind = ReadChunk();
  if (!kind.ok()) return kind.status();
  bool sites = false;
  while (with_sites_ && *kind == alloctrace::kSites) {
    sites = true;
    if (absl::Status status = ReadSites(); !status.ok()) return status;
    kind = ReadChunk();
    if (!kind.ok()) return kind.status();
  }
  if (sites && *kind == alloctrace::kOperations) return At(chunk_, "a chunk \"OPER\" behind \"SITE\"; expected \"DONE\"");
  if (*kind == alloctrace::kOperations) {
    if (absl::Status status = ReadFrame(operations); !status.ok()) return status;
    ++frames_;
    return true;
  }
  ended_ = true;
  if (kind->empty()) {
    Cut();
  } else if (*kind == alloctrace::kDone) {
    if (absl::Status status = ReadEnd(); !status.ok()) return status;
  } else {
    return At(chunk_, absl::StrFormat("a chunk \"%s\"; expected \"OPER\" or \"DONE\"", *kind));
  }
  return false;
}

void AllocTraceReader::Cut() {
  cut_ = absl::StrFormat("byte %d: the file was cut off here; the %d operations of the whole frames before are read", chunk_,
                         operations_);
}

absl::StatusOr<std::string_view> AllocTraceReader::Inflate() {
  const std::size_t size = ZSTD_decompressDCtx(zstd_.get(), frame_.data(), frame_.size(), payload_.data(), payload_.size());
  if (ZSTD_isError(size) != 0) return At(chunk_, absl::StrFormat("no frame of zstd: %s", ZSTD_getErrorName(size)));
  inflated_ += size;
  if (inflated_ > inflated_bytes_max_) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: inflates to more than %d bytes, the limit", name_, inflated_bytes_max_));
  }
  return std::string_view(frame_).substr(0, size);
}

absl::Status AllocTraceReader::ReadSites() {
  const absl::StatusOr<std::string_view> inflated = Inflate();
  if (!inflated.ok()) return inflated.status();
  sites_inflated_ += inflated->size();
  if (sites_inflated_ > kSiteTableBytesMax) {
    return At(chunk_, absl::StrFormat("call sites that inflate to more than %d bytes, the limit", kSiteTableBytesMax));
  }
  if (!alloctrace::ParseSites(*inflated, sites_) || sites_.sites.size() > handles_.sites) {
    return At(chunk_, "the table of call sites has another form than expected, or more sites than the operations name");
  }
  return absl::OkStatus();
}

absl::Status AllocTraceReader::ReadFrame(std::vector<RecordedOperation>& operations) {
  const absl::StatusOr<std::string_view> inflated = Inflate();
  if (!inflated.ok()) return inflated.status();
  alloctrace::Parser parser{*inflated};
  const std::uint64_t first = parser.Varint(), count = parser.Varint();
  if (!parser.ok || count == 0 || count > kFrameOperationsMax || first != operations_) {
    return At(chunk_, absl::StrFormat("a frame of %d operations from %d on; expected 1 to %d from %d on", count, first,
                                      kFrameOperationsMax, operations_));
  }
  operations.resize(count);
  alloctrace::OperationCoder coder(with_sites_);
  for (RecordedOperation& recorded : operations) {
    if (!coder.Parse(parser, recorded) || !handles_.Use(recorded)) {
      return At(chunk_, absl::StrFormat("operation %d of the file is none, or names a block that cannot be yet",
                                        operations_ + static_cast<std::uint64_t>(&recorded - operations.data()) + 1));
    }
    const Operation& op = recorded.operation;
    digest_.UpdateU8(static_cast<std::uint8_t>(op.kind));
    digest_.UpdateU32(op.block);
    digest_.UpdateU32(op.size);
    digest_.UpdateU32(op.extra);
  }
  if (!parser.rest.empty()) return At(chunk_, absl::StrFormat("%d bytes follow the frame's operations", parser.rest.size()));
  operations_ += count;
  return absl::OkStatus();
}

absl::Status AllocTraceReader::ReadEnd() {
  AllocTraceEnd end;
  if (!alloctrace::ParseEnd(payload_, end)) return At(chunk_, "the end of the file has another form than expected");
  if (end.operations != operations_ || end.heap_handles != handles_.heap || end.page_handles != handles_.pages) {
    return At(chunk_, absl::StrFormat("the end says %d operations; the frames have %d", end.operations, operations_));
  }
  if (const std::string sha256 = whole_ ? digest_.HexDigest() : end.sha256; sha256 != end.sha256) {
    return At(chunk_, absl::StrFormat("the SHA-256 of the operations is %s; the end says %s", sha256, end.sha256));
  }
  const std::uint64_t done = chunk_;
  const absl::StatusOr<std::string_view> kind = ReadChunk();
  if (!kind.ok()) return kind.status();
  if (kind->empty()) {
    Cut();
    return absl::OkStatus();
  }
  if (*kind != alloctrace::kTail || payload_.size() != alloctrace::kTailBytes || alloctrace::ParseU64(payload_) != done) {
    return At(chunk_, absl::StrFormat("expected the tail, which points to byte %d", done));
  }
  if (absl::Status status = bytes_.Fill(); !status.ok()) return status;
  if (!bytes_.Window().empty()) return At(base_ + bytes_.Offset(), "something follows the tail; expected the end of the file");
  end_ = std::move(end);
  return absl::OkStatus();
}

absl::Status AllocTraceReader::At(std::uint64_t offset, std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrFormat("%s: byte %d: %s", name_, offset, what));
}

}  // namespace alloclab
