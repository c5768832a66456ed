#include "server/converters/run_comparison.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <map>
#include <string>
#include <string_view>

#include "allocators/common/sha256.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using Leaves = std::map<std::string, std::string>;  // path -> value
constexpr std::string_view kDeclaredValue = "].value";

void AddMessage(const Message& message, const std::string& path, Leaves& leaves);

std::string Quoted(const Message& message, const FieldDescriptor& field, int index) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &text);
  return text;
}

// What tells one element of a repeated field from the others: its name and labels, or its operation and outcome, if it has
// them.
std::string ElementName(const Message& element, int index) {
  std::string name;
  if (const auto* counter = google::protobuf::DynamicCastToGenerated<v1::Counter>(&element)) {
    name = counter->name();
    for (const v1::Label& label : counter->labels()) name += fmt::format(" {} {}", label.name(), label.value());
    return name;
  }
  if (const auto* figure = google::protobuf::DynamicCastToGenerated<v1::Figure>(&element)) return figure->name();
  for (const char* part : {"operation", "outcome"}) {
    const FieldDescriptor* field = element.GetDescriptor()->FindFieldByName(part);
    if (field == nullptr || field->type() != FieldDescriptor::TYPE_STRING) continue;
    name += (name.empty() ? "" : " ") + element.GetReflection()->GetString(element, field);
  }
  return name.empty() ? fmt::format("{}", index) : name;
}

void AddMap(const Message& message, const FieldDescriptor& field, const std::string& path, Leaves& leaves) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const std::string key = entry.GetReflection()->GetString(entry, field.message_type()->map_key());
    leaves[fmt::format("{}[{}]", path, key)] = Quoted(entry, *field.message_type()->map_value(), -1);
  }
}

// Of a declared counter or figure its value alone, 0 too: where there is none, it is not declared.
template <class Declared>
bool AddDeclared(const Message& element, const std::string& path, const std::string& name, Leaves& leaves) {
  const auto* declared = google::protobuf::DynamicCastToGenerated<Declared>(&element);
  if (declared != nullptr) leaves[fmt::format("{}[{}{}", path, name, kDeclaredValue)] = fmt::format("{}", declared->value());
  return declared != nullptr;
}

// Of a curve one leaf for each column: thousands of numbers are compared, not shown.
void AddCurve(const v1::Curve& curve, const std::string& path, Leaves& leaves) {
  const google::protobuf::Reflection& reflection = *curve.GetReflection();
  for (int i = 0; i < curve.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& column = *curve.GetDescriptor()->field(i);
    Sha256 digest;
    const int size = reflection.FieldSize(curve, &column);
    for (int k = 0; k < size; ++k) {
      const std::uint64_t value = reflection.GetRepeatedUInt64(curve, &column, k);
      digest.UpdateU32(static_cast<std::uint32_t>(value));
      digest.UpdateU32(static_cast<std::uint32_t>(value >> 32));
    }
    leaves[path + "." + column.name()] = fmt::format("{} points, digest {}", size, digest.HexDigest().substr(0, 12));
  }
}

void AddRepeated(const Message& message, const FieldDescriptor& field, const std::string& path, Leaves& leaves) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Message& element = reflection.GetRepeatedMessage(message, &field, i);
      const std::string name = ElementName(element, i);
      if (!AddDeclared<v1::Counter>(element, path, name, leaves) && !AddDeclared<v1::Figure>(element, path, name, leaves)) {
        AddMessage(element, fmt::format("{}[{}]", path, name), leaves);
      }
    } else {
      leaves[fmt::format("{}[{}]", path, i)] = Quoted(message, field, i);
    }
  }
}

void AddMessage(const Message& message, const std::string& path, Leaves& leaves) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = path.empty() ? field->name() : path + "." + field->name();
    if (field->is_map()) {
      AddMap(message, *field, field_path, leaves);  // the keys of all maps of a result are texts
    } else if (field->is_repeated()) {
      AddRepeated(message, *field, field_path, leaves);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Message& part = message.GetReflection()->GetMessage(message, field);
      const auto* curve = google::protobuf::DynamicCastToGenerated<v1::Curve>(&part);
      curve != nullptr ? AddCurve(*curve, field_path, leaves) : AddMessage(part, field_path, leaves);
    } else {
      leaves[field_path] = Quoted(message, *field, -1);
    }
  }
}

// A field that is not there has its default value, a counter or figure that is not declared none.
std::string Find(const Leaves& leaves, const std::string& path, const std::string& other) {
  const auto found = leaves.find(path);
  if (found != leaves.end()) return found->second;
  if (path.ends_with(kDeclaredValue)) return {};
  return other.starts_with('"') ? "\"\"" : other == "true" || other == "false" ? "false" : "0";
}

}  // namespace

std::vector<v1::FieldDifference> CompareExact(const v1::Exact& a, const v1::Exact& b) {
  Leaves of_a, of_b;
  AddMessage(a, "", of_a);
  AddMessage(b, "", of_b);
  Leaves paths = of_a;
  paths.insert(of_b.begin(), of_b.end());
  std::vector<v1::FieldDifference> differences;
  for (const auto& [path, value] : paths) {
    const std::string in_a = Find(of_a, path, value), in_b = Find(of_b, path, value);
    if (in_a == in_b) continue;
    if (differences.size() == kDifferencesMax) break;
    v1::FieldDifference& difference = differences.emplace_back();
    difference.set_field(path);
    difference.set_a(in_a);
    difference.set_b(in_b);
  }
  return differences;
}

}  // namespace alloclab::server
