// inspect heap|pages: the blocks of the heap and of the page allocator, as a picture or as a list.
#ifndef ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_
#define ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "alloclab/v1/inspect.pb.h"
#include "clients/cli/declarations.h"
#include "clients/common/command.h"
#include "clients/common/document.h"

namespace alloclab::client {

// A row for each block, with its fields as its allocator declares them.
Document BlockListDocument(const v1::BlockList& list, const FigureUnits& units);

// The heap of an instance, or its pages where it has no heap, drawn in at most so many lines as `inspect heap` draws it: a
// heading and a picture, and what is broken in the footer. `statistics` are the instance's.
absl::StatusOr<Document> MapDocument(Session& session, const std::string& instance, const v1::Statistics& statistics,
                                     std::uint64_t lines);

void RegisterInspectBlocks(CLI::App& group, Command& chosen);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_INSPECT_BLOCKS_H_
