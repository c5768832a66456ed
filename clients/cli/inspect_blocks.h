// inspect heap|pages: the blocks of the heap and of the page allocator, as a picture or as a list.
#ifndef ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_
#define ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_

#include <CLI/CLI.hpp>

#include "alloclab/v1/inspect.pb.h"
#include "clients/cli/declarations.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// A row for each block, with its fields as its allocator declares them.
Document BlockListDocument(const v1::BlockList& list, const FigureUnits& units);

void RegisterInspectBlocks(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_
