// Why one operation of a run ended as it did.
#ifndef ALLOCLAB_CLIENTS_CLI_EXPLANATION_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_EXPLANATION_VIEW_H_

#include "alloclab/v1/time_travel.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// The sentences, and the figures behind them.
Document ExplanationDocument(const v1::Explanation& explanation);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_EXPLANATION_VIEW_H_
