// How long something is kept or holds, as people write it: "30d", "12h", "90s".
#ifndef ALLOCLAB_SERVER_SERVER_AGES_H_
#define ALLOCLAB_SERVER_SERVER_AGES_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alloclab::server {

// Days, or a duration of abseil's; INVALID_ARGUMENT: none of 0 to `max`.
absl::StatusOr<absl::Duration> ParseAge(const std::string& text, absl::Duration max);

// Of owners of tokens, by name.
using OwnerAges = std::map<std::string, absl::Duration, std::less<>>;
// "ada=365d,bob=0". INVALID_ARGUMENT naming what is none, is there twice, is longer than `max`, or that there are too many.
absl::StatusOr<OwnerAges> ParseOwnerAges(const std::string& text, absl::Duration max);
std::string FormatOwnerAges(const OwnerAges& ages);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_AGES_H_
