#include "allocators/workload/alloctrace_writer.h"

#include <zstd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// A text as an attribute holds it.
TraceAttributes Fit(TraceAttributes attributes) {
  if (attributes.size() > kAttributesMax) attributes.resize(kAttributesMax);
  for (auto& [name, value] : attributes) {
    name = alloctrace::FitText(name, kAttributeNameMax);
    value = alloctrace::FitText(value, kAttributeBytesMax);
  }
  return attributes;
}

}  // namespace

void AllocTraceWriter::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

AllocTraceWriter::AllocTraceWriter(Sink sink, TraceAttributes attributes, int level, bool with_sites)
    : sink_(std::move(sink)),
      attributes_(Fit(std::move(attributes))),
      level_(level),
      with_sites_(with_sites),
      zstd_(ZSTD_createCCtx()) {
  ALLOCLAB_CHECK_NE(zstd_.get(), nullptr);
  compressed_.resize(ZSTD_compressBound(kFrameBytesMax));
}

AllocTraceWriter::~AllocTraceWriter() = default;

absl::Status AllocTraceWriter::Write(std::string_view kind, std::string_view payload) {
  std::string chunk;
  if (bytes_ == 0) {
    chunk = kAllocTraceMagic;
    if (with_sites_) chunk[kAllocTraceVersionAt] = kAllocTraceSitesVersion;
  }
  alloctrace::AppendChunk(kind, payload, chunk);
  bytes_ += chunk.size();
  return sink_(chunk);
}

absl::Status AllocTraceWriter::WriteHead() {
  std::string head;
  alloctrace::AppendAttributes(attributes_, head);
  return Write(alloctrace::kHead, head);
}

absl::Status AllocTraceWriter::Add(const RecordedOperation& recorded) {
  const Operation& op = recorded.operation;
  if (frame_operations_ == 0) StartFrame();
  if (!alloctrace::IsWellFormed(recorded) || (recorded.site != 0 && !with_sites_) || !handles_.Use(recorded)) {
    return absl::InvalidArgumentError(absl::StrFormat("operation %d, a %s of block %d, cannot be written to an .alloctrace",
                                                      end_.operations + 1, OpKindName(op.kind), op.block));
  }
  coder_.Append(recorded, operations_);
  CountLive(op);
  digest_.UpdateU8(static_cast<std::uint8_t>(op.kind));
  digest_.UpdateU32(op.block);
  digest_.UpdateU32(op.size);
  digest_.UpdateU32(op.extra);
  ++end_.operations;
  return ++frame_operations_ < kFrameOperationsMax ? absl::OkStatus() : Flush();
}

void AllocTraceWriter::StartFrame() {
  coder_ = alloctrace::OperationCoder(with_sites_);
  operations_.clear();
  frame_ = {.offset = 0,
            .first_operation = end_.operations,
            .live_blocks = live_blocks_,
            .live_bytes = live_bytes_,
            .heap_handles = handles_.heap,
            .page_handles = handles_.pages};
}

// Of the heap alone: what an index is for is to begin a replay there.
void AllocTraceWriter::CountLive(const Operation& op) {
  if (op.kind > OpKind::kFree || op.block == kNoBlock) return;
  live_.resize(std::max<std::size_t>(live_.size(), handles_.heap));
  const auto set = [this](std::uint32_t handle, std::uint64_t value) {
    std::uint64_t& slot = live_[handle];
    live_blocks_ += std::uint64_t{value != 0} - std::uint64_t{slot != 0};
    live_bytes_ += (value != 0 ? value - 1 : 0) - (slot != 0 ? slot - 1 : 0);
    slot = value;
  };
  if (op.kind == OpKind::kRealloc && op.extra != kNoBlock) set(op.extra, 0);
  const std::uint64_t bytes = std::uint64_t{op.size} * (op.kind == OpKind::kCalloc ? op.extra : 1);
  set(op.block, op.kind == OpKind::kFree ? 0 : std::min<std::uint64_t>(bytes, 0xFFFFFFFF) + 1);
}

absl::Status AllocTraceWriter::Flush() {
  if (bytes_ == 0) {
    if (absl::Status status = WriteHead(); !status.ok()) return status;
  }
  if (frame_operations_ == 0) return absl::OkStatus();
  std::string payload;
  alloctrace::AppendVarint(frame_.first_operation, payload);
  alloctrace::AppendVarint(frame_operations_, payload);
  payload += operations_;
  frame_.offset = bytes_;
  if (indexed_++ % step_ == 0) end_.frames.push_back(frame_);
  if (end_.frames.size() == kIndexedFramesMax) {
    for (std::size_t i = 1; 2 * i < end_.frames.size(); ++i) end_.frames[i] = end_.frames[2 * i];
    end_.frames.resize(end_.frames.size() / 2);
    step_ *= 2;
  }
  frame_operations_ = 0;
  return WriteCompressed(alloctrace::kOperations, payload);
}

absl::Status AllocTraceWriter::WriteCompressed(std::string_view kind, std::string_view payload) {
  const std::size_t size =
      ZSTD_compressCCtx(zstd_.get(), compressed_.data(), compressed_.size(), payload.data(), payload.size(), level_);
  ALLOCLAB_CHECK(!ZSTD_isError(size));
  return Write(kind, std::string_view(compressed_).substr(0, size));
}

absl::Status AllocTraceWriter::AddSites(SiteTable table) {
  ALLOCLAB_CHECK(with_sites_);
  if (absl::Status status = Flush(); !status.ok()) return status;
  for (CallFrame& frame : table.frames) {
    for (std::string* const text : {&frame.module, &frame.function, &frame.source})
      *text = alloctrace::FitText(*text, kFrameTextMax);
  }
  table.sites.resize(std::min<std::size_t>(table.sites.size(), handles_.sites));
  for (const std::string& piece : alloctrace::EncodeSites(table)) {
    if (absl::Status status = WriteCompressed(alloctrace::kSites, piece); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AllocTraceWriter::Finish(const std::vector<std::string>& notes) {
  if (absl::Status status = Flush(); !status.ok()) return status;
  end_.heap_handles = handles_.heap;
  end_.page_handles = handles_.pages;
  end_.sha256 = digest_.HexDigest();
  for (const std::string& note : notes) {
    if (end_.attributes.size() < kAllocTraceNotesMax) end_.attributes.emplace_back("note", note);
  }
  end_.attributes = Fit(std::move(end_.attributes));
  const std::uint64_t offset = bytes_;
  if (absl::Status status = Write(alloctrace::kDone, alloctrace::EncodeEnd(end_)); !status.ok()) return status;
  std::string tail;
  alloctrace::AppendU64(offset, tail);
  return Write(alloctrace::kTail, tail);
}

absl::StatusOr<std::string> WriteAllocTrace(const Trace& trace, TraceAttributes attributes, int level) {
  ALLOCLAB_CHECK(trace.operation_sites.empty() || trace.operation_sites.size() == trace.operations.size());
  std::string file;
  if (!trace.format.empty()) attributes.emplace_back("from", trace.format);
  AllocTraceWriter writer(
      [&file](std::string_view bytes) {
        file += bytes;
        return absl::OkStatus();
      },
      std::move(attributes), level, !trace.operation_sites.empty());
  for (std::size_t i = 0; i < trace.operations.size(); ++i) {
    RecordedOperation recorded{.operation = trace.operations[i]};
    if (!trace.operation_sites.empty()) recorded.site = trace.operation_sites[i];
    if (absl::Status status = writer.Add(recorded); !status.ok()) return status;
  }
  if (!trace.operation_sites.empty()) {
    if (absl::Status status = writer.AddSites(trace.sites); !status.ok()) return status;
  }
  if (absl::Status status = writer.Finish(trace.notes); !status.ok()) return status;
  return file;
}

}  // namespace alloclab
