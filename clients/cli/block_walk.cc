#include "clients/cli/block_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "clients/cli/instance_config.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::chrono::milliseconds kWalkTimeout{60'000};

v1::WalkBlocksRequest RequestOf(const BlockRange& range) {
  v1::WalkBlocksRequest request;
  request.set_instance(range.instance);
  request.set_allocator(range.allocator);
  request.set_from(range.from);
  request.set_limit(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(range.limit, std::numeric_limits<std::uint32_t>::max())));
  return request;
}

// The server writes hexadecimal digits in lower case.
std::string WithUpperCaseAddresses(std::string text) {
  for (std::size_t at = text.find("0x"); at != text.npos; at = text.find("0x", at)) {
    for (at += 2; at < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[at])); ++at) {
      text[at] = absl::ascii_toupper(static_cast<unsigned char>(text[at]));
    }
  }
  return text;
}

// What the server says besides blocks is added to `said`.
grpc::Status WalkOn(const Connection& connection, const BlockRange& range, const std::function<void(const v1::Block&)>& take,
                    v1::BlockList& said) {
  v1::Inspect::Stub stub(connection.channel());
  const auto context = connection.MakeContext(std::max(kWalkTimeout, connection.options().timeout));
  const auto reader = stub.WalkBlocks(context.get(), RequestOf(range));
  v1::BlockList message;
  bool more = true;
  while (more && reader->Read(&message)) {
    for (const v1::Block& block : message.blocks()) {
      if (block.address() < range.to) take(block);
    }
    // A heap's blocks come by address; the order of free pages is their allocator's own.
    more = range.allocator != v1::HEAP || message.blocks().empty() || message.blocks().rbegin()->address() < range.to;
    message.clear_blocks();
    said = message;
  }
  if (!more) context->TryCancel();
  grpc::Status status = reader->Finish();
  return more ? status : grpc::Status::OK;
}

}  // namespace

absl::StatusOr<v1::BlockList> WalkBlocks(const Connection& connection, const BlockRange& range,
                                         const std::function<void(const v1::Block&)>& take) {
  v1::BlockList said;
  const Connection* asked = &connection;
  grpc::Status status = WalkOn(connection, range, take, said);
  if (const Connection* const other = connection.Follow(status)) {
    asked = other;
    status = WalkOn(*other, range, take, said);
  }
  if (!status.ok()) return WithInstanceNames(asked->Explain(status), range.instance, connection);
  return said;
}

std::string BrokenSentence(const v1::BrokenWalk& broken) {
  return fmt::format("The chain of blocks is broken at {}: {}.", Address(broken.address()),
                     WithUpperCaseAddresses(Printable(broken.what())));
}

}  // namespace alloclab::client
