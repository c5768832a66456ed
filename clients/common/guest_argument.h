// "guest:..." where a heap or page allocator is named: a program of the user's, as a file or as the server knows it.
#ifndef ALLOCLAB_CLIENTS_COMMON_GUEST_ARGUMENT_H_
#define ALLOCLAB_CLIENTS_COMMON_GUEST_ARGUMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alloclab/v1/guest.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "clients/common/connection.h"

namespace alloclab::client {

// Replaces "guest:FILE", "guest:LABEL" (the newest with that label) and "guest:DIGITS" by the name that the server has for it,
// whole; leaves any other name as it is. A file that the server has not is uploaded. DATA_LOSS: the file cannot be read, or the
// server says that it is no program, and why; INVALID_ARGUMENT: neither a file nor a program of the server; else the errors of
// calls.
absl::Status ResolveGuest(const Connection& connection, std::string& allocator);
// Of both of a machine.
absl::Status ResolveGuests(const Connection& connection, v1::InstanceConfig& config);

absl::StatusOr<v1::ListGuestsResponse> ListGuests(const Connection& connection);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_GUEST_ARGUMENT_H_
