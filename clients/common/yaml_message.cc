#include "clients/common/yaml_message.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/common.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// Reading: a walk over the YAML nodes beside the message's descriptor.

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string_view KindOf(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "a value";
    default:
      return "nothing";
  }
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::vector<std::string> EnumNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(absl::AsciiStrToLower(type.value(i)->name()));
  return names;
}

// "; did you mean 'NAME'?" or, with nothing near, "; expected one of ...".
std::string Hint(std::string_view word, const std::vector<std::string>& names) {
  const std::string_view nearest = NearestName(word, std::vector<std::string_view>(names.begin(), names.end()));
  return nearest.empty() ? fmt::format("; expected one of {}", fmt::join(names, ", "))
                         : fmt::format("; did you mean '{}'?", nearest);
}

class Parser {
 public:
  Parser(std::string_view file, Places& places) : file_(file), places_(places) {}

  absl::Status Fill(const YAML::Node& node, const std::string& path, Message& message) {
    if (!node.IsMap())
      return Error(node, fmt::format("expected a mapping with the keys {}, found {}",
                                     fmt::join(FieldNames(*message.GetDescriptor()), ", "), KindOf(node)));
    for (const auto& entry : node) {
      if (absl::Status status = FillKey(entry.first, entry.second, path, message); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Error(const YAML::Mark& mark, std::string_view what) const {
    return absl::DataLossError(fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, what));
  }

 private:
  absl::Status Error(const YAML::Node& node, std::string_view what) const { return Error(node.Mark(), what); }

  absl::Status FillKey(const YAML::Node& key, const YAML::Node& value, const std::string& path, Message& message) {
    if (!key.IsScalar()) return Error(key, "expected a key");
    const std::string& name = key.Scalar();
    const Descriptor& type = *message.GetDescriptor();
    const FieldDescriptor* field = type.FindFieldByName(name);
    if (field == nullptr) return Error(key, fmt::format("unknown key '{}'{}", name, Hint(name, FieldNames(type))));
    const std::string field_path = path.empty() ? name : path + "." + name;
    if (!places_.emplace(field_path, Place{key.Mark().line + 1, key.Mark().column + 1}).second) {
      return Error(key, fmt::format("key '{}' is here twice", name));
    }
    if (const auto* group = field->real_containing_oneof(); group != nullptr) {
      const FieldDescriptor* other = message.GetReflection()->GetOneofFieldDescriptor(message, group);
      if (other != nullptr) return Error(key, fmt::format("'{}' and '{}' exclude each other", name, other->name()));
    }
    return field->is_repeated() ? FillList(value, field_path, *field, message) : FillValue(value, field_path, *field, message);
  }

  absl::Status FillList(const YAML::Node& node, const std::string& path, const FieldDescriptor& field, Message& message) {
    if (!node.IsSequence()) return Error(node, fmt::format("{}: expected a list, found {}", field.name(), KindOf(node)));
    for (std::size_t i = 0; i < node.size(); ++i) {
      const std::string item_path = fmt::format("{}[{}]", path, i);
      places_.emplace(item_path, Place{node[i].Mark().line + 1, node[i].Mark().column + 1});
      if (absl::Status status = FillValue(node[i], item_path, field, message); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // One value, or one element of a list.
  absl::Status FillValue(const YAML::Node& node, const std::string& path, const FieldDescriptor& field, Message& message) {
    if (++nodes_ > kYamlNodesMax) return Error(node, fmt::format("more than {} values", kYamlNodesMax));
    const auto* reflection = message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Fill(
          node, path,
          field.is_repeated() ? *reflection->AddMessage(&message, &field) : *reflection->MutableMessage(&message, &field));
    }
    if (!node.IsScalar()) return Error(node, fmt::format("{}: expected a value, found {}", field.name(), KindOf(node)));
    return FillScalar(node, field, message);
  }

  absl::Status FillScalar(const YAML::Node& node, const FieldDescriptor& field, Message& message) {
    const auto* reflection = message.GetReflection();
    const bool list = field.is_repeated();
    const std::string& text = node.Scalar();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        // The wire would refuse it, with a message of its own.
        if (!google::protobuf::internal::IsStructurallyValidUTF8(text)) {
          return Error(node, fmt::format("{}: expected text in UTF-8", field.name()));
        }
        list ? reflection->AddString(&message, &field, text) : reflection->SetString(&message, &field, text);
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_BOOL:
        if (text != "true" && text != "false") {
          return Error(node, fmt::format("{}: expected true or false, found '{}'", field.name(), text));
        }
        list ? reflection->AddBool(&message, &field, text == "true") : reflection->SetBool(&message, &field, text == "true");
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_ENUM:
        return FillEnum(node, field, message);
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        return FillNumber(node, field, message);
      default:
        return Error(node, fmt::format("{}: a file cannot hold a {}", field.name(), field.cpp_type_name()));
    }
  }

  absl::Status FillEnum(const YAML::Node& node, const FieldDescriptor& field, Message& message) {
    const auto* value = field.enum_type()->FindValueByName(absl::AsciiStrToUpper(node.Scalar()));
    if (value == nullptr || node.Scalar() != absl::AsciiStrToLower(node.Scalar())) {
      return Error(node, fmt::format("{}: unknown value '{}'{}", field.name(), node.Scalar(),
                                     Hint(absl::AsciiStrToLower(node.Scalar()), EnumNames(*field.enum_type()))));
    }
    const auto* reflection = message.GetReflection();
    field.is_repeated() ? reflection->AddEnum(&message, &field, value) : reflection->SetEnum(&message, &field, value);
    return absl::OkStatus();
  }

  absl::Status FillNumber(const YAML::Node& node, const FieldDescriptor& field, Message& message) {
    const bool wide = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
    const std::uint64_t most = wide ? std::numeric_limits<std::uint64_t>::max() : std::numeric_limits<std::uint32_t>::max();
    absl::StatusOr<std::uint64_t> number = ParseQuantity(node.Scalar());
    if (!number.ok()) number = ParseCount(node.Scalar());
    if (!number.ok() || *number > most) {
      return Error(node,
                   fmt::format("{}: expected a whole number from 0 to {}, found '{}'", field.name(), most, node.Scalar()));
    }
    const auto* reflection = message.GetReflection();
    const bool list = field.is_repeated();
    if (wide) {
      list ? reflection->AddUInt64(&message, &field, *number) : reflection->SetUInt64(&message, &field, *number);
    } else {
      const auto narrow = static_cast<std::uint32_t>(*number);
      list ? reflection->AddUInt32(&message, &field, narrow) : reflection->SetUInt32(&message, &field, narrow);
    }
    return absl::OkStatus();
  }

  const std::string_view file_;
  Places& places_;
  int nodes_ = 0;
};

}  // namespace

absl::Status ParseYaml(std::string_view text, std::string_view file, google::protobuf::Message& message, Places& places) {
  if (text.size() > kYamlBytesMax) {
    return absl::DataLossError(
        fmt::format("{}: larger than {}, the most a specification may have", file, Bytes(kYamlBytesMax)));
  }
  Parser parser(file, places);
  try {
    return parser.Fill(YAML::Load(std::string(text)), "", message);
  } catch (const YAML::Exception& error) {
    return parser.Error(error.mark, fmt::format("not YAML: {}", error.msg));
  }
}

std::vector<std::string> TopLevelKeys(std::string_view text) {
  std::vector<std::string> keys;
  if (text.size() > kYamlBytesMax) return keys;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap()) return keys;
    for (const auto& entry : root) {
      if (entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
    }
  } catch (const YAML::Exception&) {
    keys.clear();  // ParseYaml says what is wrong
  }
  return keys;
}

std::string Locate(std::string_view message, std::string_view file, const Places& places) {
  const std::string_view path = message.substr(0, message.find_first_of(": "));
  for (std::string_view prefix = path; !prefix.empty(); prefix = prefix.substr(0, prefix.find_last_of(".["))) {
    if (const auto place = places.find(std::string(prefix)); place != places.end()) {
      return fmt::format("{}:{}:{}: {}", file, place->second.line, place->second.column, message);
    }
    if (prefix.find_last_of(".[") == std::string_view::npos) break;
  }
  return fmt::format("{}: {}", file, message);
}

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsMessage(const FieldDescriptor* field) { return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

void Write(const Message& message, YAML::Emitter& out);

// `index`: of a list.
void WriteValue(const Message& message, const FieldDescriptor& field, int index, YAML::Emitter& out) {
  const auto* reflection = message.GetReflection();
  const bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Write(field.is_repeated() ? reflection->GetRepeatedMessage(message, &field, index)
                                : reflection->GetMessage(message, &field),
            out);
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      out << absl::AsciiStrToLower(
          (list ? reflection->GetRepeatedEnum(message, &field, index) : reflection->GetEnum(message, &field))->name());
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << (list ? reflection->GetRepeatedBool(message, &field, index) : reflection->GetBool(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out << (list ? reflection->GetRepeatedUInt32(message, &field, index) : reflection->GetUInt32(message, &field));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out << (list ? reflection->GetRepeatedUInt64(message, &field, index) : reflection->GetUInt64(message, &field));
      break;
    default:
      out << (list ? reflection->GetRepeatedString(message, &field, index) : reflection->GetString(message, &field));
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
