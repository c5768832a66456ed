#include "proto/converters/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/converters/deterministic.h"

namespace alloclab {
namespace {

constexpr char kTypes[] = "type.googleapis.com";

google::protobuf::util::TypeResolver* Resolver() {
  static const std::unique_ptr<google::protobuf::util::TypeResolver> resolver(
      google::protobuf::util::NewTypeResolverForDescriptorPool(kTypes, google::protobuf::DescriptorPool::generated_pool()));
  return resolver.get();
}

}  // namespace

// MessageToJsonString would write the entries of a map in whatever order its hash table has them.
absl::StatusOr<std::string> MessageToJson(const google::protobuf::Message& message, JsonLayout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = layout == JsonLayout::kIndented;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::BinaryToJsonString(Resolver(), absl::StrCat(kTypes, "/", message.GetDescriptor()->full_name()),
                                                 SerializeDeterministic(message), &json, options);
  if (!status.ok()) return absl::InternalError(absl::StrCat("cannot write JSON: ", std::string(status.message())));
  return json;
}

}  // namespace alloclab
