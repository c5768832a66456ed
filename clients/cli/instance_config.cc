#include "clients/cli/instance_config.h"

#include <fmt/format.h>

#include <map>

#include "allocators/common/quantity.h"
#include "allocators/common/suggestion.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

void AddDefaults(const google::protobuf::RepeatedPtrField<v1::AllocatorInfo>& allocators, const std::string& name,
                 std::map<std::string, std::string>& defaults) {
  for (const v1::AllocatorInfo& allocator : allocators) {
    if (allocator.name() != name) continue;
    for (const v1::ParameterInfo& parameter : allocator.parameters()) defaults[parameter.name()] = parameter.default_value();
  }
}

// By name, so that every listing is the same.
std::map<std::string, std::string> Parameters(const v1::InstanceConfig& config) {
  return {config.parameters().begin(), config.parameters().end()};
}

}  // namespace

void AddInstanceConfig(CLI::App& app, v1::InstanceConfig& config) {
  const auto ram = [&config](const std::string& text) {
    const auto bytes = ParseQuantity(text);
    if (!bytes.ok()) throw CLI::ValidationError("--ram", std::string(bytes.status().message()));
    if (*bytes == 0) throw CLI::ValidationError("--ram", "0: expected 16Ki to 4Gi; without the option it is 512Mi");
    config.set_ram_bytes(*bytes);
  };
  app.add_option_function<std::string>("--ram", ram, "Memory of the machine: 16Ki to 4Gi (default 512Mi)")->type_name("BYTES");
  app.add_option("--page-allocator", *config.mutable_page_allocator(), "Name from `alloclab catalog`; of yours guest:FILE.elf")
      ->type_name("PAGE_ALLOCATOR");
  app.add_option("--heap-allocator", *config.mutable_heap_allocator(),
                 "Name from `alloclab catalog`; none: pages only; of yours guest:FILE.elf")
      ->type_name("HEAP_ALLOCATOR");
  const auto unguarded = [&config](std::int64_t times) { config.set_unguarded(times > 0); };
  app.add_flag_function("--unguarded", unguarded, "Let invalid use change simulated RAM as the original would");
  const auto parameter = [&config](const std::vector<std::string>& items) {
    for (const std::string& item : items) {
      const std::size_t equals = item.find('=');
      if (equals == 0 || equals == std::string::npos) {
        throw CLI::ValidationError("--param", fmt::format("'{}' is not NAME=VALUE, e.g. heap.engine=literal", item));
      }
      const std::string name = item.substr(0, equals);
      if (config.parameters().contains(name)) throw CLI::ValidationError("--param", fmt::format("{} is there twice", name));
      (*config.mutable_parameters())[name] = item.substr(equals + 1);
    }
  };
  app.add_option_function<std::vector<std::string>>("--param", parameter, "Parameter of an allocator; may be given again")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

std::vector<std::string> InstanceConfigArguments(const v1::InstanceConfig& config, const v1::Catalog& catalog) {
  std::map<std::string, std::string> defaults;
  AddDefaults(catalog.page_allocators(), config.page_allocator(), defaults);
  AddDefaults(catalog.heap_allocators(), config.heap_allocator(), defaults);
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
    if (native.name() != config.heap_allocator()) continue;
    for (const v1::ParameterInfo& parameter : native.parameters()) defaults[parameter.name()] = parameter.default_value();
  }
  std::vector<std::string> arguments;
  if (config.ram_bytes() != 0) arguments = {"--ram", FormatQuantity(config.ram_bytes())};
  if (!config.page_allocator().empty()) arguments.insert(arguments.end(), {"--page-allocator", config.page_allocator()});
  arguments.insert(arguments.end(), {"--heap-allocator", config.heap_allocator()});
  if (config.unguarded()) arguments.push_back("--unguarded");
  for (const auto& [name, value] : Parameters(config)) {
    const auto known = defaults.find(name);
    if (known != defaults.end() && known->second == value) continue;
    arguments.push_back("--param");
    arguments.push_back(name + "=" + value);
  }
  return arguments;
}

void AddConfigFacts(Section& section, const v1::InstanceConfig& config) {
  const bool machine = config.ram_bytes() != 0;  // a run on a real allocator has none
  if (machine) AddFact(section, "RAM", BytesCell(config.ram_bytes()));
  if (machine) AddFact(section, "page allocator", TextCell(config.page_allocator()));
  AddFact(section, "heap allocator", TextCell(config.heap_allocator()));
  if (machine) AddFact(section, "guarded", TextCell(config.unguarded() ? "no" : "yes"));
  for (const auto& [name, value] : Parameters(config)) AddFact(section, name, TextCell(value));
}

absl::Status WithInstanceNames(absl::Status status, const std::string& name, const Connection& connection) {
  if (status.code() != absl::StatusCode::kNotFound) return status;
  const absl::StatusOr<v1::ListInstancesResponse> list =
      connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
  if (!list.ok()) return status;
  std::vector<std::string_view> names;
  for (const v1::Instance& instance : list->instances()) names.push_back(instance.name());
  for (const v1::OtherInstance& other : list->others()) names.push_back(other.name());
  const std::string_view nearest = NearestName(name, names);
  if (!nearest.empty()) return absl::NotFoundError(fmt::format("no instance '{}'; did you mean '{}'?", name, nearest));
  if (names.empty()) {
    return absl::NotFoundError(
        fmt::format("no instance '{}': this server has none; make one with `alloclab instance create {}`", name, name));
  }
  constexpr std::size_t kShown = 8;
  const std::string more = names.size() > kShown ? ", ..." : "";
  if (names.size() > kShown) names.resize(kShown);
  return absl::NotFoundError(fmt::format("no instance '{}'; there are {}{}", name, fmt::join(names, ", "), more));
}

}  // namespace alloclab::client
