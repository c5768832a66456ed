// Parameters of allocators: documented, with one spelling for every value.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_PARAMETER_H_
#define ALLOCLAB_ALLOCATORS_COMMON_PARAMETER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/common/engine.h"

namespace alloclab {

// A value in its one spelling ("0x10000" -> "65536"), or INVALID_ARGUMENT quoting it and saying what is expected.
using Canonical = std::function<absl::StatusOr<std::string>(std::string_view value)>;

struct ParameterInfo {
  std::string name;         // as the user writes it, prefix included: "heap.engine"
  std::string description;  // one line
  std::string expects;      // "literal or indexed", "bytes, a multiple of 4096"
  std::string default_value;
  std::string unguarded_default = {};  // of an unguarded instance, when that is another one
  Canonical canonical = {};
  std::vector<std::string> words = {};  // the values that there are, of a parameter that takes one of a few words

  const std::string& DefaultFor(bool guarded) const {
    return guarded || unguarded_default.empty() ? default_value : unguarded_default;
  }
};

// One of a few words; the first is the default.
ParameterInfo WordParameter(std::string name, std::string description, std::vector<std::string> words);
// A quantity, kept in decimal.
ParameterInfo QuantityParameter(std::string name, std::string description, std::string expects, std::uint64_t default_value,
                                std::uint64_t max = UINT32_MAX);
// Which engine; an unguarded instance takes the literal one.
ParameterInfo EngineParameter(std::string name);

// Values by parameter name.
using ParameterValues = std::map<std::string, std::string>;

// Of complete parameters: every name is there, and canonical.
const std::string& WordValue(const ParameterValues& values, const std::string& name);
std::uint32_t NumberValue(const ParameterValues& values, const std::string& name);
Engine EngineValue(const ParameterValues& values, const std::string& name);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_PARAMETER_H_
