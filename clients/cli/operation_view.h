// One operation done by hand: its outcome, what it cost and by whose work, and of a refusal the numbers behind it.
#ifndef ALLOCLAB_CLIENTS_CLI_OPERATION_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_OPERATION_VIEW_H_

#include "alloclab/v1/heap.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

Document OperationDocument(const v1::OperationReply& reply);
// The numbers behind a refusal.
Section RefusalSection(const v1::Refusal& refusal);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_OPERATION_VIEW_H_
