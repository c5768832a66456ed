// alloclab: the command line of the lab.
#include <grpc/support/log.h>

#include <cstdlib>

#include "clients/cli/application.h"
#include "clients/common/interrupt.h"

int main(int argc, char** argv) {
  alloclab::client::EndContainerOnSignals();
  // What gRPC has to say of a call is in our own messages; who wants its words too sets its own variable.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  return alloclab::client::RunCommandLine({argv + 1, argv + argc});
}
