#include "allocators/workload/tenants.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "allocators/common/check.h"
#include "allocators/machine/address.h"

namespace alloclab {
namespace {

bool Holds(std::uint32_t first, std::uint64_t bytes, std::uint32_t address) {
  return address >= first && address - first < bytes;
}

std::uint64_t WholePages(std::uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

std::string Span(const Tenant& tenant) {
  const std::string from = absl::StrCat("operation ", tenant.allocated_by);
  return tenant.ended_by != 0 ? absl::StrCat("from ", from, " to ", tenant.ended_by) : absl::StrCat("from ", from, " on");
}

std::vector<std::string> Sentences(const TenantReport& report, std::uint32_t address) {
  const std::string where = absl::StrFormat("0x%08X", address);
  if (report.count == 0) return {absl::StrFormat("No block held %s in %d operations.", where, report.operations)};
  const Tenant& first = report.tenants.front();
  if (report.count == 1) return {absl::StrFormat("One block held %s: %s, %d bytes.", where, Span(first), first.bytes)};
  const auto lived = [&](const Tenant& tenant) {
    return (tenant.ended_by != 0 ? tenant.ended_by : report.operations) - tenant.allocated_by;
  };
  const Tenant& longest = *std::max_element(report.tenants.begin(), report.tenants.end(),
                                            [&](const Tenant& a, const Tenant& b) { return lived(a) < lived(b); });
  const bool all = report.count == report.tenants.size();
  return {absl::StrFormat("%d blocks held %s, the first %s.", report.count, where, Span(first)),
          absl::StrFormat("The longest%s lived there %s: %d bytes.",
                          all ? "" : absl::StrFormat(" of the first %d, which are listed,", report.tenants.size()),
                          Span(longest), longest.bytes)};
}

}  // namespace

void TenantSearch::Take(std::span<const Operation> operations, std::span<const OpResult> results) {
  ALLOCLAB_CHECK_EQ(operations.size(), results.size());
  for (std::size_t i = 0; i < operations.size(); ++i) {
    ++operations_;
    if (OnPages(operations[i].kind) == pages_) TakeOne(operations[i], results[i]);
  }
}

void TenantSearch::TakeOne(const Operation& op, const OpResult& result) {
  const bool done = result.outcome == Outcome::kOk;
  switch (op.kind) {
    case OpKind::kFree:
    case OpKind::kFreePages:
      if (done) End(op.block);
      return;
    case OpKind::kFreePagesPart:
      if (done) Shorten(op);
      return;
    case OpKind::kRealloc:
      if (done && op.extra != kNoBlock) End(op.extra);
      if (!done && op.block == op.extra) return;  // the block stays as it was
      break;
    default:
      break;
  }
  const std::uint64_t bytes = RequestedBytes(op);
  Assign(op.block, done ? result.address : 0, pages_ ? WholePages(bytes) : bytes);
}

void TenantSearch::Assign(std::uint32_t handle, std::uint32_t address, std::uint64_t bytes) {
  for (Living& living : living_) {
    if (living.handle == handle) living.handle = kNoBlock;
  }
  if (address == 0 || !Holds(address, bytes, address_)) return;
  ++count_;
  living_.push_back({{operations_, 0, address, bytes}, handle, address});
}

void TenantSearch::Shorten(const Operation& op) {
  const auto freed = std::find_if(living_.begin(), living_.end(), [&](const Living& living) {
    return living.handle == op.block && Holds(living.start + op.extra, WholePages(op.size), address_);
  });
  if (freed != living_.end()) return End(op.block);
  for (Living& living : living_) {
    if (living.handle == op.block && op.extra == 0) living.start += op.size;
  }
}

void TenantSearch::End(std::uint32_t handle) {
  if (handle == kNoBlock) return;
  std::erase_if(living_, [&](Living& living) {
    if (living.handle != handle) return false;
    living.tenant.ended_by = operations_;
    if (ended_.size() < kTenantsMax) ended_.push_back(living.tenant);
    return true;
  });
}

TenantReport TenantSearch::Report() const {
  TenantReport report{operations_, count_, ended_, {}};
  for (const Living& living : living_) report.tenants.push_back(living.tenant);
  std::sort(report.tenants.begin(), report.tenants.end(),
            [](const Tenant& a, const Tenant& b) { return a.allocated_by < b.allocated_by; });
  if (report.tenants.size() > kTenantsMax) report.tenants.resize(kTenantsMax);
  report.sentences = Sentences(report, address_);
  return report;
}

}  // namespace alloclab
