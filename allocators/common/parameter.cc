#include "allocators/common/parameter.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "allocators/common/check.h"
#include "allocators/common/quantity.h"

namespace alloclab {

ParameterInfo WordParameter(std::string name, std::string description, std::vector<std::string> words) {
  std::string expects = absl::StrJoin(words, ", ");
  if (const std::size_t last = expects.rfind(", "); last != expects.npos) expects.replace(last, 2, " or ");
  Canonical canonical = [words, expects](std::string_view value) -> absl::StatusOr<std::string> {
    if (std::find(words.begin(), words.end(), value) != words.end()) return std::string(value);
    return absl::InvalidArgumentError(absl::StrFormat("\"%s\"; expected %s", value, expects));
  };
  std::string first = words.front();
  return {.name = std::move(name),
          .description = std::move(description),
          .expects = std::move(expects),
          .default_value = std::move(first),
          .canonical = std::move(canonical),
          .words = std::move(words)};
}

ParameterInfo QuantityParameter(std::string name, std::string description, std::string expects, std::uint64_t default_value,
                                std::uint64_t max) {
  return {.name = std::move(name),
          .description = std::move(description),
          .expects = std::move(expects),
          .default_value = absl::StrFormat("%d", default_value),
          .canonical = [max](std::string_view value) -> absl::StatusOr<std::string> {
            const absl::StatusOr<std::uint64_t> number = ParseQuantity(value, max);
            if (!number.ok()) return number.status();
            return absl::StrFormat("%d", *number);
          }};
}

ParameterInfo EngineParameter(std::string name) {
  ParameterInfo info =
      WordParameter(std::move(name),
                    "how the answer is found: through an index, or by the original's walk; the same addresses, RAM and costs",
                    {"indexed", "literal"});
  info.expects += "; an unguarded instance needs literal";
  info.unguarded_default = "literal";
  return info;
}

const std::string& WordValue(const ParameterValues& values, const std::string& name) {
  const auto found = values.find(name);
  ALLOCLAB_CHECK(found != values.end());
  return found->second;
}

std::uint32_t NumberValue(const ParameterValues& values, const std::string& name) {
  return static_cast<std::uint32_t>(ParseQuantity(WordValue(values, name), UINT32_MAX).value_or(0));
}

Engine EngineValue(const ParameterValues& values, const std::string& name) {
  return WordValue(values, name) == "literal" ? Engine::kLiteral : Engine::kIndexed;
}

}  // namespace alloclab
