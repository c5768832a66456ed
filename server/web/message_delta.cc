#include "server/web/message_delta.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>

#include "allocators/common/check.h"
#include "allocators/common/printable.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/http/json.h"

namespace alloclab::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Changed elements of a list that are so close to each other are sent as one piece.
constexpr int kGapMax = 2;

std::string DoubleJson(double value) { return std::isfinite(value) ? fmt::format("{}", value) : fmt::format("\"{}\"", value); }

// The value of a field, or of the element of a list, as that JSON has it.
std::string ValueJson(const Message& message, const FieldDescriptor* field, int index) {
  const auto& reflection = *message.GetReflection();
  const bool list = field->is_repeated();
  const auto get = [&](auto one, auto of_list) {
    return list ? (reflection.*of_list)(message, field, index) : (reflection.*one)(message, field);
  };
  using R = google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return fmt::to_string(get(&R::GetInt32, &R::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_UINT32:
      return fmt::to_string(get(&R::GetUInt32, &R::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return fmt::format("\"{}\"", get(&R::GetInt64, &R::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT64:
      return fmt::format("\"{}\"", get(&R::GetUInt64, &R::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return DoubleJson(get(&R::GetFloat, &R::GetRepeatedFloat));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return DoubleJson(get(&R::GetDouble, &R::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_BOOL:
      return get(&R::GetBool, &R::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return fmt::format("\"{}\"", get(&R::GetEnum, &R::GetRepeatedEnum)->name());
    case FieldDescriptor::CPPTYPE_STRING:
      return fmt::format("\"{}\"", JsonEscaped(get(&R::GetString, &R::GetRepeatedString)));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  const Message& part = list ? reflection.GetRepeatedMessage(message, field, index) : reflection.GetMessage(message, field);
  return ToJson(part).value_or("null");
}

void AddPair(std::string& out, const std::string& key, const std::string& value) {
  if (!out.empty()) out += ',';
  out += fmt::format("\"{}\":{}", key, value);
}

// Lists of numbers are long: they are compared as such.
bool IsSame(const Message& before, const Message& after, const FieldDescriptor* field, int index) {
  const auto& reflection = *after.GetReflection();
  if (index >= reflection.FieldSize(before, field)) return false;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    return reflection.GetRepeatedUInt32(before, field, index) == reflection.GetRepeatedUInt32(after, field, index);
  }
  return ValueJson(before, field, index) == ValueJson(after, field, index);
}

// The elements [first, end).
std::string ListJson(const Message& message, const FieldDescriptor* field, int first, int end) {
  std::string out = "[";
  for (int i = first; i < end; ++i) {
    if (i > first) out += ',';
    out += ValueJson(message, field, i);
  }
  return out + "]";
}

std::string ListDelta(const Message& before, const Message& after, const FieldDescriptor* field) {
  const int size = after.GetReflection()->FieldSize(after, field);
  if (size < before.GetReflection()->FieldSize(before, field)) return ListJson(after, field, 0, size);
  std::string out;
  for (int i = 0; i < size; ++i) {
    if (IsSame(before, after, field, i)) continue;
    int end = i + 1;
    for (int next = end; next < size && next - end <= kGapMax; ++next) {
      if (!IsSame(before, after, field, next)) end = next + 1;
    }
    AddPair(out, fmt::to_string(i), ListJson(after, field, i, end));
    i = end;
  }
  return fmt::format("{{{}}}", out);
}

std::map<std::string, std::string> MapOf(const Message& message, const FieldDescriptor* field) {
  std::map<std::string, std::string> entries;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
    std::string key = ValueJson(entry, field->message_type()->map_key(), 0);
    if (key.front() == '"') key = key.substr(1, key.size() - 2);
    entries[key] = ValueJson(entry, field->message_type()->map_value(), 0);
  }
  return entries;
}

std::string MapDelta(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after) {
  std::string out;
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) AddPair(out, key, "null");
  }
  for (const auto& [key, value] : after) {
    const auto found = before.find(key);
    if (found == before.end() || found->second != value) AddPair(out, key, value);
  }
  return fmt::format("{{{}}}", out);
}

// Of one field that is no list; empty: it has not changed.
std::string FieldDelta(const Message& before, const Message& after, const FieldDescriptor* field) {
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (field->has_presence()) {
    const bool had = before.GetReflection()->HasField(before, field), has = after.GetReflection()->HasField(after, field);
    if (!has) return had ? "null" : "";
    if (!had) return ValueJson(after, field, 0);
  }
  if (is_message && field->message_type() != google::protobuf::Timestamp::descriptor()) {
    std::string delta =
        Delta(before.GetReflection()->GetMessage(before, field), after.GetReflection()->GetMessage(after, field));
    return delta == "{}" ? "" : delta;
  }
  std::string value = ValueJson(after, field, 0);
  return value == ValueJson(before, field, 0) ? "" : value;
}

}  // namespace

std::string Delta(const Message& before, const Message& after) {
  const google::protobuf::Descriptor& type = *after.GetDescriptor();
  ALLOCLAB_CHECK(before.GetDescriptor() == &type);
  std::string out;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* const field = type.field(i);
    std::string delta = field->is_map()        ? MapDelta(MapOf(before, field), MapOf(after, field))
                        : field->is_repeated() ? ListDelta(before, after, field)
                                               : FieldDelta(before, after, field);
    if (!delta.empty() && delta != "{}") AddPair(out, std::string(field->name()), delta);
  }
  return fmt::format("{{{}}}", out);
}

}  // namespace alloclab::server
