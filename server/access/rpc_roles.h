// What each call of the protocol needs: one table.
#ifndef ALLOCLAB_SERVER_ACCESS_RPC_ROLES_H_
#define ALLOCLAB_SERVER_ACCESS_RPC_ROLES_H_

#include <optional>
#include <span>
#include <string_view>

#include "server/access/token.h"

namespace alloclab::server {

struct RpcRole {
  std::string_view method;    // "/alloclab.v1.Lab/GetServer"
  std::optional<Role> least;  // nothing: no token is needed
  bool changes = false;       // something of the lab, or of its store; each call is logged
};

std::span<const RpcRole> RpcRoles();

// Null: not in the table; only an admin may call it.
const RpcRole* FindRpcRole(std::string_view method);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_RPC_ROLES_H_
