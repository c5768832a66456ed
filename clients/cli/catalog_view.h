// The catalogue for people.
#ifndef ALLOCLAB_CLIENTS_CLI_CATALOG_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_CATALOG_VIEW_H_

#include "alloclab/v1/lab.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// A line or two for each allocator.
Document CatalogDocument(const v1::Catalog& catalog);
// One allocator of them: parameters, counters, figures and block fields, each with what it means and its unit, and an example
// of its blocks.
Document AllocatorDocument(const v1::Catalog& catalog, const v1::AllocatorInfo& allocator);
// One real allocator of the server's host.
Document NativeDocument(const v1::NativeAllocatorInfo& native);
// What the machine itself counts.
Document MachineDocument(const v1::Catalog& catalog);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_CATALOG_VIEW_H_
