// Writing: the fields that are set, in the order of the .proto file; messages of plain values on one line.
#include <google/protobuf/descriptor.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "clients/common/yaml_message.h"

namespace alloclab::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsMessage(const FieldDescriptor* field) { return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

void Write(const Message& message, YAML::Emitter& out);

void WriteValue(const Message& message, const FieldDescriptor& field, int index, YAML::Emitter& out) {
  const auto* reflection = message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Write(field.is_repeated() ? reflection->GetRepeatedMessage(message, &field, index)
                                : reflection->GetMessage(message, &field),
            out);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      out << absl::AsciiStrToLower(reflection->GetEnum(message, &field)->name());
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << reflection->GetBool(message, &field);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out << reflection->GetUInt32(message, &field);
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out << reflection->GetUInt64(message, &field);
      break;
    default:
      out << reflection->GetString(message, &field);
      break;
  }
}

void Write(const Message& message, YAML::Emitter& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  if (std::none_of(fields.begin(), fields.end(), IsMessage)) out << YAML::Flow;
  out << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) {
    out << YAML::Key << field->name() << YAML::Value;
    if (!field->is_repeated()) {
      WriteValue(message, *field, 0, out);
      continue;
    }
    out << YAML::BeginSeq;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) WriteValue(message, *field, i, out);
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
}

}  // namespace

std::string ToYaml(const google::protobuf::Message& message) {
  YAML::Emitter out;
  Write(message, out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace alloclab::client
