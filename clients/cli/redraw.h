// Something that is shown again and again.
#ifndef ALLOCLAB_CLIENTS_CLI_REDRAW_H_
#define ALLOCLAB_CLIENTS_CLI_REDRAW_H_

#include <chrono>
#include <functional>

#include "clients/common/command.h"

namespace alloclab::client {

// Calls `draw`, which prints, every `interval` until Ctrl-C or an error: on a terminal one picture over the other, else below
// each other. What the last one said.
CommandResult DrawUntilInterrupted(const Session& session, std::chrono::milliseconds interval,
                                   const std::function<CommandResult()>& draw);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_REDRAW_H_
