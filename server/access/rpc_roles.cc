#include "server/access/rpc_roles.h"

#include <algorithm>
#include <array>

namespace alloclab::server {
namespace {

constexpr RpcRole Open(std::string_view method) { return {.method = method, .least = std::nullopt}; }
constexpr RpcRole Looks(std::string_view method) { return {.method = method, .least = Role::kViewer}; }
// Operations by the thousand, or a look back that only its own machine knows of: not worth a line of the log each.
constexpr RpcRole Works(std::string_view method) { return {.method = method, .least = Role::kUser}; }
constexpr RpcRole Changes(std::string_view method) { return {.method = method, .least = Role::kUser, .changes = true}; }

constexpr std::array kTable = {
    Open("/grpc.health.v1.Health/Check"),  // supervisors have no token
    Open("/grpc.health.v1.Health/Watch"),
    Looks("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),

    Looks("/alloclab.v1.Lab/GetServer"),
    Looks("/alloclab.v1.Lab/GetCatalog"),
    Looks("/alloclab.v1.Lab/GetInstance"),
    Looks("/alloclab.v1.Lab/ListInstances"),
    Changes("/alloclab.v1.Lab/CreateInstance"),
    Changes("/alloclab.v1.Lab/DeleteInstance"),

    Works("/alloclab.v1.Heap/Malloc"),
    Works("/alloclab.v1.Heap/Calloc"),
    Works("/alloclab.v1.Heap/Realloc"),
    Works("/alloclab.v1.Heap/Free"),
    Works("/alloclab.v1.Heap/AllocatePages"),
    Works("/alloclab.v1.Heap/FreePages"),
    Works("/alloclab.v1.Heap/Apply"),
    Works("/alloclab.v1.Heap/Stream"),

    Looks("/alloclab.v1.Inspect/GetStatistics"),
    Looks("/alloclab.v1.Inspect/WalkBlocks"),
    Looks("/alloclab.v1.Inspect/ReadMemory"),
    Looks("/alloclab.v1.Inspect/Translate"),
    Looks("/alloclab.v1.Inspect/CheckInvariants"),

    Works("/alloclab.v1.TimeTravel/Open"),
    Works("/alloclab.v1.TimeTravel/Seek"),
    Works("/alloclab.v1.TimeTravel/Explain"),
    Works("/alloclab.v1.TimeTravel/ExplainRun"),
    Works("/alloclab.v1.TimeTravel/FindTenants"),
    Looks("/alloclab.v1.TimeTravel/Describe"),
    Works("/alloclab.v1.TimeTravel/Close"),

    Looks("/alloclab.v1.Workloads/ListBuiltins"),
    Looks("/alloclab.v1.Workloads/ListTraces"),
    Changes("/alloclab.v1.Workloads/UploadTrace"),
    Changes("/alloclab.v1.Workloads/DeleteTrace"),

    Looks("/alloclab.v1.Guests/ListGuests"),
    Looks("/alloclab.v1.Guests/GetGuest"),
    Changes("/alloclab.v1.Guests/UploadGuest"),
    Changes("/alloclab.v1.Guests/DeleteGuest"),

    Looks("/alloclab.v1.Runs/GetRun"),
    Looks("/alloclab.v1.Runs/ListRuns"),
    Looks("/alloclab.v1.Runs/WatchRun"),
    Looks("/alloclab.v1.Runs/DiffRuns"),
    Changes("/alloclab.v1.Runs/SubmitRun"),
    Changes("/alloclab.v1.Runs/CancelRun"),
    Changes("/alloclab.v1.Runs/DeleteRun"),
    Changes("/alloclab.v1.Runs/UpdateRun"),
};

}  // namespace

std::span<const RpcRole> RpcRoles() { return kTable; }

const RpcRole* FindRpcRole(std::string_view method) {
  const auto found = std::find_if(kTable.begin(), kTable.end(), [method](const RpcRole& row) { return row.method == method; });
  return found == kTable.end() ? nullptr : &*found;
}

}  // namespace alloclab::server
