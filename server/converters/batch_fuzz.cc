// Any bytes as a batch for a live instance: refused, or applied; a guarded machine is whole after it, and both engines answer
// alike. The first byte chooses the machine: bit 0, unguarded.
#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocators/common/check.h"
#include "server/converters/batch_converter.h"
#include "server/entities/machine.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kRamBytes = 4 << 20;
constexpr HostBudgetLimits kBudget = {.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 1 << 20};

std::vector<OpResult> ApplyTo(const std::string& engine, bool guarded, BatchWork& work) {
  auto machine = BuildMachine({kRamBytes, "", "", guarded, {{"heap.engine", engine}, {"pages.engine", engine}}});
  ALLOCLAB_CHECK(machine.ok());
  LiveInstance instance(1, "fuzzed", *std::move(machine), std::make_shared<HostBudget>(kBudget));
  if (!instance.Apply(work.need, work.operations, work.results).ok()) return {};
  const absl::Status looked = instance.LookAt([guarded](const Driver& driver) {
    if (!guarded) return;
    ALLOCLAB_CHECK_EQ(driver.instance().heap()->CheckInvariants().size(), 0u);
    ALLOCLAB_CHECK_EQ(driver.instance().pages().CheckInvariants().size(), 0u);
  });
  ALLOCLAB_CHECK(looked.ok());
  v1::BatchReply reply;
  ToProto(work, false, reply);
  ALLOCLAB_CHECK_EQ(reply.operations(), work.operations.size());
  return work.results;
}

}  // namespace
}  // namespace alloclab::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const google::protobuf::LogSilencer silence;  // of texts that are no UTF-8
  if (size == 0) return 0;
  const bool guarded = (data[0] & 1) == 0;
  alloclab::v1::Batch batch;
  if (!batch.ParseFromArray(data + 1, static_cast<int>(size) - 1)) return 0;
  alloclab::server::BatchWork work;
  if (!alloclab::server::FromProto(batch, work).ok()) return 0;
  const auto literal = alloclab::server::ApplyTo("literal", guarded, work);
  if (guarded) ALLOCLAB_CHECK(alloclab::server::ApplyTo("indexed", guarded, work) == literal);  // unguarded, there is no other
  return 0;
}
