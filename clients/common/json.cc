#include "clients/common/json.h"

#include <fmt/format.h>

#include <utility>

#include "proto/converters/json.h"

namespace alloclab::client {
google::protobuf::Value JsonText(std::string text) {
  google::protobuf::Value value;
  value.set_string_value(std::move(text));
  return value;
}

std::string ToJson(const google::protobuf::Message& message, const JsonExtras& extras) {
  const std::string body = MessageToJson(message, JsonLayout::kIndented).value_or("{}");
  std::string head = fmt::format("{{\n \"schema_version\": {}", kJsonSchemaVersion);
  for (const auto& [key, value] : extras)
    head += fmt::format(",\n \"{}\": {}", key, MessageToJson(value, JsonLayout::kCompact).value_or("null"));
  const std::size_t first_member = body.find('"');
  if (first_member == std::string::npos) return head + "\n}\n";
  return fmt::format("{},\n {}{}", head, body.substr(first_member), body.ends_with('\n') ? "" : "\n");
}

}  // namespace alloclab::client
