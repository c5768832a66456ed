// Messages of the protocol as YAML files. The descriptor is the only truth about what a file may hold: keys are field names,
// enum values are written in lower case, whole numbers may carry k, M, G or Ki, Mi, Gi. JSON is YAML, so it is read as well.
#ifndef ALLOCLAB_CLIENTS_COMMON_YAML_MESSAGE_H_
#define ALLOCLAB_CLIENTS_COMMON_YAML_MESSAGE_H_

#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace alloclab::client {

// Line and column in a file, from 1.
struct Place {
  int line = 0;
  int column = 0;
};
// Where each field stands, by path: "phases[1].size.uniform.min".
using Places = std::map<std::string, Place>;

inline constexpr std::size_t kYamlBytesMax = 1 << 20;
inline constexpr int kYamlNodesMax = 100'000;  // aliases may unfold to more than the file holds

// Reads `text` into `message`. DATA_LOSS: "FILE:LINE:COLUMN: what is wrong and what is expected".
absl::Status ParseYaml(std::string_view text, std::string_view file, google::protobuf::Message& message, Places& places);

// The keys of the mapping that `text` is; none if it is anything else.
std::vector<std::string> TopLevelKeys(std::string_view text);

// What ParseYaml reads back; fields that are not set are left out.
std::string ToYaml(const google::protobuf::Message& message);

// "FILE:LINE:COLUMN: message" if `message` begins with the path of a field, with the place of the longest path known.
std::string Locate(std::string_view message, std::string_view file, const Places& places);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_YAML_MESSAGE_H_
