#include "clients/cli/compared_machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "allocators/common/suggestion.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kAll = "all", kNativePrefix = "native:", kGuestPrefix = "guest:";

using Parameters = google::protobuf::RepeatedPtrField<v1::ParameterInfo>;

bool Declares(const Parameters& parameters, const std::string& name) {
  return std::any_of(parameters.begin(), parameters.end(), [&](const v1::ParameterInfo& p) { return p.name() == name; });
}

template <class Info>
void AddOnce(const Info& info, std::vector<const Info*>& chosen) {
  if (std::find(chosen.begin(), chosen.end(), &info) == chosen.end()) chosen.push_back(&info);
}

std::vector<v1::InstanceConfig> Combine(v1::InstanceConfig first, const ParameterValues& parameters,
                                        const std::function<bool(const std::string&)>& has) {
  std::vector<v1::InstanceConfig> configs = {std::move(first)};
  for (const auto& [name, values] : parameters) {
    if (!has(name)) continue;
    std::vector<v1::InstanceConfig> more;
    for (const v1::InstanceConfig& config : configs) {
      for (const std::string& value : values) {
        more.push_back(config);
        (*more.back().mutable_parameters())[name] = value;
      }
    }
    configs = std::move(more);
  }
  return configs;
}

}  // namespace

absl::StatusOr<Heaps> ChosenHeaps(const std::vector<std::string>& names, const v1::Catalog& catalog) {
  Heaps chosen;
  std::vector<std::string_view> known;
  for (const v1::AllocatorInfo& heap : catalog.heap_allocators()) known.push_back(heap.name());
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (name == kAll) {
      for (const v1::AllocatorInfo& heap : catalog.heap_allocators()) {
        if (heap.name() != "none" && !heap.name().starts_with(kGuestPrefix)) AddOnce(heap, chosen);
      }
    } else if (found != known.end()) {
      AddOnce(catalog.heap_allocators(static_cast<int>(found - known.begin())), chosen);
    } else {
      return absl::InvalidArgumentError("--heap: " + UnknownName("allocator", name, known));
    }
  }
  return chosen;
}

absl::StatusOr<PageAllocators> ChosenPages(const std::vector<std::string>& names, const v1::Catalog& catalog) {
  if (names.empty()) return PageAllocators{""};
  PageAllocators chosen;
  std::vector<std::string_view> known;
  for (const v1::AllocatorInfo& pages : catalog.page_allocators()) known.push_back(pages.name());
  for (const std::string& name : names) {
    if (name != kAll && std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError("--pages: " + UnknownName("allocator", name, known));
    }
    for (const std::string_view pages : known) {
      const bool meant = name == pages || (name == kAll && !pages.starts_with(kGuestPrefix));
      if (meant && std::find(chosen.begin(), chosen.end(), pages) == chosen.end()) chosen.emplace_back(pages);
    }
  }
  return chosen;
}

absl::StatusOr<Natives> ChosenNatives(const std::vector<std::string>& names, const v1::Catalog& catalog) {
  Natives chosen;
  std::vector<std::string_view> known;
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
    known.push_back(std::string_view(native.name()).substr(kNativePrefix.size()));
  }
  for (const std::string& given : names) {
    const std::string name = given.starts_with(kNativePrefix) ? given.substr(kNativePrefix.size()) : given;
    const auto found = std::find(known.begin(), known.end(), name);
    if (name == kAll) {
      for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
        if (native.absent().empty()) AddOnce(native, chosen);
      }
    } else if (found != known.end()) {
      AddOnce(catalog.native_allocators(static_cast<int>(found - known.begin())), chosen);
    } else {
      return absl::InvalidArgumentError("--native: " + UnknownName("real allocator", name, known));
    }
  }
  return chosen;
}

std::vector<std::string> AbsentNatives(const std::vector<std::string>& names, const v1::Catalog& catalog) {
  std::vector<std::string> lines;
  if (std::find(names.begin(), names.end(), kAll) == names.end()) return lines;
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
    if (!native.absent().empty()) lines.push_back(fmt::format("Without {}: {}", native.name(), native.absent()));
  }
  return lines;
}

absl::Status CheckParameters(const ParameterValues& parameters, const v1::Catalog& catalog, const Heaps& heaps,
                             const Natives& natives) {
  std::vector<std::string_view> known;
  const auto add = [&known](const Parameters& more) {
    for (const v1::ParameterInfo& parameter : more) {
      if (std::find(known.begin(), known.end(), parameter.name()) == known.end()) known.push_back(parameter.name());
    }
  };
  for (const v1::AllocatorInfo& pages : catalog.page_allocators()) add(pages.parameters());
  for (const v1::AllocatorInfo* heap : heaps) add(heap->parameters());
  for (const v1::NativeAllocatorInfo* native : natives) add(native->parameters());
  for (const auto& [name, values] : parameters) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError("--param: " + UnknownName("parameter", name, known));
    }
  }
  return absl::OkStatus();
}

std::vector<v1::InstanceConfig> ConfigsOf(const v1::AllocatorInfo& heap, v1::InstanceConfig first,
                                          const ParameterValues& parameters, const v1::Catalog& catalog) {
  first.set_heap_allocator(heap.name());
  const std::string page_allocator = first.page_allocator();
  return Combine(std::move(first), parameters, [&](const std::string& name) {
    return Declares(heap.parameters(), name) ||
           std::any_of(catalog.page_allocators().begin(), catalog.page_allocators().end(), [&](const v1::AllocatorInfo& pages) {
             return (page_allocator.empty() || page_allocator == pages.name()) && Declares(pages.parameters(), name);
           });
  });
}

std::vector<v1::InstanceConfig> ConfigsOf(const v1::NativeAllocatorInfo& native, const ParameterValues& parameters) {
  v1::InstanceConfig first;
  first.set_heap_allocator(native.name());
  return Combine(std::move(first), parameters, [&](const std::string& name) { return Declares(native.parameters(), name); });
}

absl::Status AddNativeRuns(const Natives& natives, const ParameterValues& parameters,
                           const std::vector<ComparedWorkload>& workloads, ComparedRuns& runs) {
  for (const ComparedWorkload& workload : workloads) {
    for (const v1::NativeAllocatorInfo* native : natives) {
      for (const v1::InstanceConfig& config : ConfigsOf(*native, parameters)) {
        v1::SubmitRunRequest request = workload.request;
        *request.mutable_config() = config;
        ComparedRun run{workload.shown, config, native->absent(), {}};
        if (!run.not_run.empty()) {
          runs.AddAbsent(std::move(run));
        } else if (absl::Status status = runs.Add(request, std::move(run), workload.argument); !status.ok()) {
          return status;
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace alloclab::client
