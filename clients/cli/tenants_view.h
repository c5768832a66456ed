// explain RUN --address: who lived at an address.
#ifndef ALLOCLAB_CLIENTS_CLI_TENANTS_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_TENANTS_VIEW_H_

#include <cstdint>

#include "alloclab/v1/time_travel.pb.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

Document TenantsDocument(const v1::TenantList& list);

CommandResult FindTenants(Session& session, std::uint64_t run, std::uint32_t address, bool pages);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TENANTS_VIEW_H_
