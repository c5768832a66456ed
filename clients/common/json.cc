#include "clients/common/json.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

namespace alloclab::client {
namespace {

std::string Quoted(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(value, &json).ok()) return "\"\"";
  return json;
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message,
                   const std::vector<std::pair<std::string_view, std::string>>& extras) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string body;
  if (!google::protobuf::util::MessageToJsonString(message, &body, options).ok()) body = "{}";
  std::string head = fmt::format("{{\n \"schema_version\": {}", kJsonSchemaVersion);
  for (const auto& [key, value] : extras) head += fmt::format(",\n \"{}\": {}", key, Quoted(value));
  const std::size_t first_member = body.find('"');
  if (first_member == std::string::npos) return head + "\n}\n";
  return fmt::format("{},\n {}{}", head, body.substr(first_member), body.ends_with('\n') ? "" : "\n");
}

}  // namespace alloclab::client
