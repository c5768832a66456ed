// Under which names an HTTP server may be reached. A site that renames itself to this server's address (DNS rebinding) makes
// browsers send its own name; so an address is always good, and a name only if it is known.
#ifndef ALLOCLAB_SERVER_HTTP_HOST_NAMES_H_
#define ALLOCLAB_SERVER_HTTP_HOST_NAMES_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace alloclab::server {

class HostNames {
 public:
  // localhost and addresses alone.
  HostNames() = default;
  // Those of a list with commas too, such as "lab.example,server". INVALID_ARGUMENT quoting what is not a name.
  static absl::StatusOr<HostNames> Parse(absl::string_view list);

  // Takes a Host header: a name or an address, with or without a port. PERMISSION_DENIED naming --allowed-hosts.
  absl::Status Check(absl::string_view host_header) const;

 private:
  std::set<std::string, std::less<>> names_;  // in lower case
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HTTP_HOST_NAMES_H_
