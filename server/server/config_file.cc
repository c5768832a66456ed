#include "server/server/config_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "allocators/common/suggestion.h"

namespace alloclab::server {
namespace {

std::string Place(const std::string& path, const YAML::Mark& mark) { return fmt::format("{}:{}", path, mark.line + 1); }

absl::Status Bad(const std::string& place, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", place, what));
}

std::vector<std::string_view> OptionNames() {
  std::vector<std::string_view> names;
  for (const OptionInfo& option : ServerOptionList()) names.push_back(option.name);
  return names;
}

absl::Status AddKey(const std::string& path, const YAML::Node& key, const YAML::Node& value, OptionValues& values) {
  const std::string place = Place(path, key.Mark());
  if (!key.IsScalar()) return Bad(place, "a key is expected");
  const std::string& name = key.Scalar();
  const std::vector<std::string_view> names = OptionNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) return Bad(place, UnknownName("key", name, names));
  if (!value.IsScalar() && !value.IsNull()) return Bad(place, fmt::format("{}: a single value is expected", name));
  const OptionValue found{value.IsNull() ? "" : value.Scalar(), fmt::format("{}: {}", place, name)};
  if (!values.emplace(name, found).second) return Bad(place, fmt::format("{} is set twice", name));
  return absl::OkStatus();
}

absl::StatusOr<OptionValues> Parse(const std::string& path, const std::string& text) {
  OptionValues values;
  const YAML::Node root = YAML::Load(text);
  if (root.IsNull()) return values;
  if (!root.IsMap()) return Bad(Place(path, root.Mark()), "lines of \"name: value\" are expected");
  for (const auto& item : root) {
    if (absl::Status status = AddKey(path, item.first, item.second, values); !status.ok()) return status;
  }
  return values;
}

}  // namespace

absl::StatusOr<OptionValues> ReadConfigFile(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) return absl::InvalidArgumentError(fmt::format("--config {}: cannot be read", path));
  return ParseConfig(text.str(), path);
}

absl::StatusOr<OptionValues> ParseConfig(const std::string& text, const std::string& path) {
  try {
    return Parse(path, text);
  } catch (const YAML::Exception& error) {  // yaml-cpp reports by exceptions
    return Bad(Place(path, error.mark), error.msg);
  }
}

}  // namespace alloclab::server
