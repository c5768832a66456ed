// Certificates for a lab that others share.
#ifndef ALLOCLAB_CLIENTS_CLI_TLS_COMMAND_H_
#define ALLOCLAB_CLIENTS_CLI_TLS_COMMAND_H_

#include "clients/common/command.h"

namespace alloclab::client {

void RegisterTls(CLI::App& app, Command& chosen);  // tls init

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TLS_COMMAND_H_
