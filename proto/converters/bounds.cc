#include "proto/converters/bounds.h"

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "alloclab/v1/bounds.pb.h"

namespace alloclab {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::uint32_t BytesMax(const FieldDescriptor& field) { return field.options().GetExtension(v1::max_bytes); }
std::uint32_t ItemsMax(const FieldDescriptor& field) { return field.options().GetExtension(v1::max_items); }

bool IsText(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING; }
bool IsMessage(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

// One check of one request; `max` of 0 is no bound.
class Checker {
 public:
  absl::Status Check(const Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      absl::Status status = field.is_repeated() ? CheckList(message, field) : CheckOne(message, field);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckOne(const Message& message, const FieldDescriptor& field) {
    if (!IsText(field) && !IsMessage(field)) return absl::OkStatus();
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    std::string scratch;
    if (IsText(field)) {
      return CheckSize(reflection.GetStringReference(message, &field, &scratch).size(), BytesMax(field), "bytes", field.name());
    }
    if (!reflection.HasField(message, &field)) return absl::OkStatus();
    return Descend(reflection.GetMessage(message, &field), BytesMax(field), field.name());
  }

  absl::Status CheckList(const Message& message, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    absl::Status status = CheckSize(static_cast<std::size_t>(size), ItemsMax(field), "items", field.name());
    const bool plain = !IsText(field) && !IsMessage(field);
    for (int i = 0; status.ok() && !plain && i < size; ++i) {
      std::string scratch;
      if (IsText(field)) {
        status = CheckSize(reflection.GetRepeatedStringReference(message, &field, i, &scratch).size(), BytesMax(field), "bytes",
                           absl::StrCat(field.name(), "[", i, "]"));
      } else if (field.is_map()) {
        status = CheckEntry(reflection.GetRepeatedMessage(message, &field, i), field);
      } else {
        status = Descend(reflection.GetRepeatedMessage(message, &field, i), BytesMax(field),
                         absl::StrCat(field.name(), "[", i, "]"));
      }
    }
    return status;
  }

  // Texts of a map: its keys and its values.
  absl::Status CheckEntry(const Message& entry, const FieldDescriptor& map) {
    for (int i = 0; i < entry.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& part = *entry.GetDescriptor()->field(i);
      std::string scratch;
      if (!IsText(part)) continue;
      absl::Status status = CheckSize(entry.GetReflection()->GetStringReference(entry, &part, &scratch).size(), BytesMax(map),
                                      "bytes", absl::StrCat(map.name(), " (a ", part.name(), ")"));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Descend(const Message& message, std::uint32_t bytes_max, const std::string& name) {
    if (bytes_max != 0) {
      if (absl::Status status = CheckSize(message.ByteSizeLong(), bytes_max, "bytes", name); !status.ok()) return status;
    }
    const std::size_t before = path_.size();
    absl::StrAppend(&path_, name, ".");
    absl::Status status = Check(message);
    path_.resize(before);
    return status;
  }

  absl::Status CheckSize(std::size_t size, std::uint32_t max, const char* unit, const std::string& name) const {
    if (max == 0 || size <= max) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, name, ": ", size, " ", unit, "; at most ", max, " are allowed"));
  }

  std::string path_;  // of the message that is checked, with a dot behind it
};

void FindUnbounded(const Descriptor& message, const std::string& path, std::set<const Descriptor*>& seen,
                   std::vector<std::string>& found) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string name = absl::StrCat(path, field.name());
    if (field.is_repeated() && ItemsMax(field) == 0) found.push_back(name);
    if ((IsText(field) || field.is_map()) && BytesMax(field) == 0) found.push_back(name);
    if (IsMessage(field) && !field.is_map()) FindUnbounded(*field.message_type(), name + ".", seen, found);
  }
}

}  // namespace

absl::Status CheckBounds(const Message& message) { return Checker().Check(message); }

std::vector<std::string> UnboundedFields(const Descriptor& message) {
  std::set<const Descriptor*> seen;
  std::vector<std::string> found;
  FindUnbounded(message, std::string(message.name()) + ".", seen, found);
  return found;
}

}  // namespace alloclab
