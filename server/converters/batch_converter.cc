#include "server/converters/batch_converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

absl::Status CheckLengths(const v1::Batch& batch) {
  const std::size_t count = batch.kinds().size();
  if (count > kBatchOperationsMax) {
    return errors::BadField("kinds",
                            fmt::format("{} operations in one batch; at most {} are allowed", count, kBatchOperationsMax));
  }
  const auto check = [count](std::string_view field, int length, bool may_be_empty) {
    if (static_cast<std::size_t>(length) == count || (may_be_empty && length == 0)) return absl::OkStatus();
    return errors::BadField(field, fmt::format("{} elements, but kinds has {}", length, count));
  };
  if (absl::Status status = check("blocks", batch.blocks_size(), false); !status.ok()) return status;
  if (absl::Status status = check("sizes", batch.sizes_size(), false); !status.ok()) return status;
  return check("extras", batch.extras_size(), true);
}

// Whether the operation's handles are in range; if not, says so for operation `index`.
absl::Status CheckHandles(const Operation& op, std::size_t index) {
  const auto bad = [index](std::string_view field, std::uint32_t handle) {
    return errors::BadField(fmt::format("{}[{}]", field, index),
                            handle == kNoBlock ? std::string("a handle is needed, not 0xffffffff")
                                               : fmt::format("handle {} is not below {}", handle, kHandlesPerInstanceMax));
  };
  const bool block_may_be_null = op.kind == OpKind::kFree;
  if (op.block >= kHandlesPerInstanceMax && !(block_may_be_null && op.block == kNoBlock)) return bad("blocks", op.block);
  if (op.kind == OpKind::kRealloc && op.extra >= kHandlesPerInstanceMax && op.extra != kNoBlock) return bad("extras", op.extra);
  return absl::OkStatus();
}

// One more than the handle; 0 for kNoBlock.
std::uint32_t Need(std::uint32_t handle) { return handle + 1; }

}  // namespace

absl::Status FromProto(const v1::Batch& batch, BatchWork& work) {
  if (absl::Status status = CheckLengths(batch); !status.ok()) return status;
  const std::size_t count = batch.kinds().size();
  work.operations.resize(count);
  work.results.resize(count);
  HandleNeed need;
  for (std::size_t i = 0; i < count; ++i) {
    const int at = static_cast<int>(i);
    const auto number = static_cast<std::uint8_t>(batch.kinds()[i]);
    if (number >= kOpKinds) {
      return errors::BadField(fmt::format("kinds[{}]", i), fmt::format("{} is no OpKind; 0 to {} are", number, kOpKinds - 1));
    }
    Operation& op = work.operations[i];
    op = {static_cast<OpKind>(number), batch.blocks(at), batch.sizes(at), batch.extras_size() == 0 ? 0 : batch.extras(at)};
    if (op.block >= kHandlesPerInstanceMax || op.kind == OpKind::kRealloc) {
      if (absl::Status status = CheckHandles(op, i); !status.ok()) return status;
    }
    std::uint32_t& most = OnPages(op.kind) ? need.pages : need.heap;
    most = std::max(most, Need(op.block));
    if (op.kind == OpKind::kRealloc) need.heap = std::max(need.heap, Need(op.extra));
  }
  work.need = need;
  return absl::OkStatus();
}

void ToProto(const BatchWork& work, bool quiet, v1::BatchReply& reply) {
  const std::size_t count = work.results.size();
  std::uint32_t failed = 0;
  bool all_ok = true;
  for (const OpResult& result : work.results) {
    failed += Succeeded(result.outcome) ? 0 : 1;
    all_ok &= result.outcome == Outcome::kOk;
  }
  reply.set_operations(static_cast<std::uint32_t>(count));
  reply.set_failed(failed);
  reply.clear_addresses();
  reply.clear_outcomes();
  if (!quiet || !all_ok) {
    std::string& outcomes = *reply.mutable_outcomes();
    outcomes.resize(count);
    for (std::size_t i = 0; i < count; ++i) outcomes[i] = static_cast<char>(work.results[i].outcome);
  }
  if (!quiet) {
    reply.mutable_addresses()->Resize(static_cast<int>(count), 0);
    std::uint32_t* const addresses = reply.mutable_addresses()->mutable_data();
    for (std::size_t i = 0; i < count; ++i) addresses[i] = work.results[i].address;
  }
}

}  // namespace alloclab::server
