#include "clients/common/json.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include "proto/converters/json.h"

namespace alloclab::client {
namespace {

std::string Quoted(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  return MessageToJson(value, JsonLayout::kCompact).value_or("\"\"");
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message,
                   const std::vector<std::pair<std::string_view, std::string>>& extras) {
  const std::string body = MessageToJson(message, JsonLayout::kIndented).value_or("{}");
  std::string head = fmt::format("{{\n \"schema_version\": {}", kJsonSchemaVersion);
  for (const auto& [key, value] : extras) head += fmt::format(",\n \"{}\": {}", key, Quoted(value));
  const std::size_t first_member = body.find('"');
  if (first_member == std::string::npos) return head + "\n}\n";
  return fmt::format("{},\n {}{}", head, body.substr(first_member), body.ends_with('\n') ? "" : "\n");
}

}  // namespace alloclab::client
