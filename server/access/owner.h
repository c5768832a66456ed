// Owners. What is made by a caller who shows a token is his: everybody who is let in may look at it, he and admins may change
// it. What nobody owns, since it was made without tokens, is for admins to change.
#ifndef ALLOCLAB_SERVER_ACCESS_OWNER_H_
#define ALLOCLAB_SERVER_ACCESS_OWNER_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/access/access_control.h"

namespace alloclab::server {

// Whether `who` may change `what` ("run 7"), which is `owner`'s. PERMISSION_DENIED naming both. Without tokens everybody may.
absl::Status CheckOwner(const Bearer& who, std::string_view owner, std::string_view what);

// The request_id of a caller as it is remembered: nobody repeats, or is in the way of, what another has asked for.
std::string RequestIdOf(std::string_view owner, const std::string& request_id);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ACCESS_OWNER_H_
