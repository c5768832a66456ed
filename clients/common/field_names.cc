#include "clients/common/field_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace alloclab::client {
namespace {

using Name = std::pair<std::string_view, std::string_view>;
constexpr std::array kOptions = std::to_array<Name>({
    {"ram_bytes", "--ram"},
    {"page_allocator", "--page-allocator"},
    {"heap_allocator", "--heap-allocator"},
    {"unguarded", "--unguarded"},
    {"parameters", "--param"},
    {"digest_at", "--digest-at"},
    {"label", "--label"},
    {"workload.builtin.seed", "--seed"},
    {"workload.builtin.operations", "--operations"},
    {"workload.trace_sha256", "sha256:DIGEST"},
    {"name", "NAME"},
    {"address", "ADDRESS"},
    {"id", "RUN"},
});

}  // namespace

std::string WithOptionNames(std::string_view message) {
  const std::size_t colon = message.find(": ");
  if (colon == std::string_view::npos) return std::string(message);
  constexpr std::string_view kConfig = "config.", kParameter = "parameters[";
  std::string_view field = message.substr(0, colon);
  if (field.starts_with(kConfig)) field.remove_prefix(kConfig.size());
  if (field.starts_with(kParameter) && field.ends_with(']')) {
    const std::string_view parameter = field.substr(kParameter.size(), field.size() - kParameter.size() - 1);
    return fmt::format("--param {}{}", parameter, message.substr(colon));
  }
  const auto known = std::find_if(kOptions.begin(), kOptions.end(), [field](const Name& name) { return name.first == field; });
  if (known == kOptions.end()) return std::string(message);
  return fmt::format("{}{}", known->second, message.substr(colon));
}

}  // namespace alloclab::client
