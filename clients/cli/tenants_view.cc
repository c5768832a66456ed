#include "clients/cli/tenants_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/cli/run_travel.h"
#include "clients/common/progress.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// Goes on in calls that each take a while.
absl::StatusOr<v1::TenantList> Search(Session& session, const v1::Moment& moment, std::uint32_t address, bool pages) {
  Progress progress(stderr, session.options().quiet);
  v1::FindTenantsRequest request;
  request.set_instance(moment.instance());
  request.set_address(address);
  request.set_pages(pages);
  absl::StatusOr<v1::TenantList> reply;
  do {
    request.set_until(std::min(request.until() + kOperationsOfACall, moment.operations()));
    reply = session.connection().Call(&v1::TimeTravel::Stub::FindTenants, request);
    if (reply.ok()) progress.Update("looking for blocks", reply->looked_at(), moment.operations());
  } while (reply.ok() && request.until() < moment.operations());
  progress.Finish();
  return reply;
}

}  // namespace

Document TenantsDocument(const v1::TenantList& list) {
  Document document;
  document.heading = fmt::format("run {}: {} held 0x{:08X}{}", list.run(), Count(list.count(), "block"), list.address(),
                                 list.pages() ? " of RAM" : "");
  Section table;
  table.title = "who lived there";
  table.columns = {{"allocated by", true}, {"ended by", true}, {"operations", true}, {"address"}, {"bytes", true}};
  for (const auto& tenant : list.tenants()) {
    const std::uint64_t end = tenant.ended_by() != 0 ? tenant.ended_by() : list.operations();
    table.rows.push_back({CountCell(tenant.allocated_by()),
                          tenant.ended_by() == 0 ? TextCell("-") : CountCell(tenant.ended_by()),
                          CountCell(end - tenant.allocated_by()), AddressCell(tenant.address()), BytesCell(tenant.bytes())});
  }
  if (!table.rows.empty()) document.sections.push_back(std::move(table));
  document.footer.assign(list.sentences().begin(), list.sentences().end());
  return document;
}

CommandResult FindTenants(Session& session, std::uint64_t run, std::uint32_t address, bool pages) {
  const absl::StatusOr<v1::TenantList> list = WithOpenedRun<v1::TenantList>(
      session, run, [&](const v1::Moment& moment) { return Search(session, moment, address, pages); });
  if (!list.ok()) return list.status();
  return Done(session.Show(*list, TenantsDocument(*list)));
}

}  // namespace alloclab::client
