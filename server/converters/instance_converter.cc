#include "server/converters/instance_converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "allocators/catalog/catalog.h"
#include "allocators/catalog/example.h"
#include "allocators/catalog/guests.h"
#include "proto/converters/deterministic.h"
#include "server/converters/inspect_converter.h"
#include "server/converters/time_converter.h"
#include "server/errors.h"
#include "server/limits.h"

namespace alloclab::server {
namespace {

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }
bool IsNameLetter(char letter) { return IsDigit(letter) || (letter >= 'a' && letter <= 'z') || letter == '-'; }
bool AllDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

// Names that the lab gives itself: in the metrics to the sum of all and to runs, to runs that are opened ("run-7-2"), and to
// instances without a name. Whoever took those would have others wait for a free one, or get none.
bool IsReserved(std::string_view name) {
  const auto is_numbered = [name](std::string_view prefix) {
    return name.starts_with(prefix) &&
           std::all_of(name.begin() + prefix.size(), name.end(), [](char letter) { return IsDigit(letter) || letter == '-'; });
  };
  return name == kOtherInstances || is_numbered("run-") || is_numbered("instance-");
}

absl::Status CheckName(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  if (name.size() > kInstanceNameMax || name[0] == '-' || !std::all_of(name.begin(), name.end(), IsNameLetter) ||
      AllDigits(name)) {
    return errors::BadField("name",
                            fmt::format("\"{}\" is not a name; expected [a-z0-9][a-z0-9-]{{0,31}}, not only digits", name));
  }
  if (IsReserved(name))
    return errors::BadField("name", fmt::format("\"{}\" is reserved: the lab gives such names itself; choose another", name));
  return absl::OkStatus();
}

v1::CounterInfo InfoToProto(const CounterInfo& info) {
  v1::CounterInfo proto;
  proto.set_name(std::string(info.name));
  proto.set_help(std::string(info.help));
  proto.set_label(std::string(info.label));
  proto.set_label_value(std::string(info.value));
  return proto;
}

template <class Info>  // FigureInfo or FieldInfo
v1::FigureInfo FigureInfoToProto(const Info& info) {
  v1::FigureInfo proto;
  proto.set_name(std::string(info.name));
  proto.set_help(std::string(info.help));
  proto.set_unit(static_cast<v1::FigureInfo::Unit>(info.unit));
  return proto;
}
static_assert(static_cast<int>(FigureInfo::Unit::kWord) == v1::FigureInfo::WORD);

template <class Info>
v1::AllocatorInfo InfoToProto(const Info& info) {
  v1::AllocatorInfo proto;
  proto.set_name(info.name);
  proto.set_title(info.title);
  proto.set_description(info.description);
  proto.set_source(info.source);
  for (const ParameterInfo& parameter : info.parameters) *proto.add_parameters() = ToProto(parameter);
  for (const CounterInfo* counter : CounterInfosOf(info)) *proto.add_counters() = InfoToProto(*counter);
  for (const FigureInfo& figure : info.declaration->figures) *proto.add_figures() = FigureInfoToProto(figure);
  for (const FieldInfo& field : info.declaration->block_fields) *proto.add_block_fields() = FigureInfoToProto(field);
  proto.set_alignment(info.declaration->alignment);
  proto.set_frees_parts(info.declaration->frees_parts);
  proto.set_shows_blocks(info.declaration->shows_blocks);
  return proto;
}

}  // namespace

InstanceConfig FromProto(const v1::InstanceConfig& proto) {
  InstanceConfig config;
  config.ram_bytes = proto.ram_bytes();
  config.page_allocator = proto.page_allocator();
  config.heap_allocator = proto.heap_allocator();
  config.guarded = !proto.unguarded();
  config.parameters = {proto.parameters().begin(), proto.parameters().end()};
  return config;
}

v1::InstanceConfig ToProto(const InstanceConfig& config) {
  v1::InstanceConfig proto;
  proto.set_ram_bytes(config.ram_bytes);
  proto.set_page_allocator(ShownName(config.page_allocator));
  proto.set_heap_allocator(ShownName(config.heap_allocator));
  proto.set_unguarded(!config.guarded);
  for (const auto& [name, value] : config.parameters) (*proto.mutable_parameters())[name] = value;
  return proto;
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= kRequestIdMax) return absl::OkStatus();
  return errors::BadField("request_id", fmt::format("{} characters; at most {} are allowed", request_id.size(), kRequestIdMax));
}

absl::StatusOr<InstanceRequest> FromProto(const v1::CreateInstanceRequest& proto) {
  if (absl::Status status = CheckName(proto.name()); !status.ok()) return status;
  if (absl::Status status = CheckRequestId(proto.request_id()); !status.ok()) return status;
  return InstanceRequest{proto.name(), FromProto(proto.config()), proto.request_id(), Fingerprint(proto.request_id(), proto)};
}

v1::Instance ToProto(const LiveInstance& instance) {
  v1::Instance proto;
  proto.set_id(instance.id());
  proto.set_name(instance.name());
  *proto.mutable_config() = ToProto(instance.config());
  *proto.mutable_create_time() = ToProto(instance.create_time());
  proto.set_operations(instance.operations());
  proto.set_owner(instance.owner());
  return proto;
}

v1::ParameterInfo ToProto(const ParameterInfo& parameter) {
  v1::ParameterInfo proto;
  proto.set_name(parameter.name);
  proto.set_description(parameter.description);
  proto.set_expects(parameter.expects);
  proto.set_default_value(parameter.default_value);
  for (const std::string& word : parameter.words) proto.add_words(word);
  return proto;
}

v1::Catalog CatalogToProto() {
  v1::Catalog catalog;
  for (const PageAllocatorInfo& info : PageAllocators()) *catalog.add_page_allocators() = InfoToProto(info);
  for (const PageAllocatorInfo& program : ListPageGuests()) *catalog.add_page_allocators() = InfoToProto(program);
  catalog.set_example_operations(kExampleOperations);
  for (const HeapAllocatorInfo& info : HeapAllocators()) {
    v1::AllocatorInfo& proto = *catalog.add_heap_allocators();
    proto = InfoToProto(info);
    const std::vector<Block> example = ExampleBlocks(info);
    if (example.empty()) continue;
    *proto.mutable_example() = EmptyBlockList(*info.declaration);
    for (const Block& block : example) *proto.mutable_example()->add_blocks() = ToProto(block, *info.declaration);
  }
  for (const HeapAllocatorInfo& program : ListGuests()) *catalog.add_heap_allocators() = InfoToProto(program);
  for (const CounterInfo& counter : kVmCostInfos) *catalog.add_machine_counters() = InfoToProto(counter);
  for (const FigureInfo& figure : kVmFigureInfos) *catalog.add_machine_figures() = FigureInfoToProto(figure);
  return catalog;
}

}  // namespace alloclab::server
