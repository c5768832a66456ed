#include "clients/cli/run_argument.h"

#include <fmt/format.h>

#include <charconv>

namespace alloclab::client {
namespace {

std::uint64_t Parse(const std::string& name, const std::string& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (stop == end && error == std::errc() && number > 0 && number <= INT64_MAX) return number;
  throw CLI::ValidationError(name, fmt::format("'{}' is not the number of a run; `alloclab runs list` shows them", text));
}

}  // namespace

CLI::Option* AddRunNumber(CLI::App& app, const std::string& name, std::uint64_t& number) {
  const auto assign = [name, &number](const std::string& text) { number = Parse(name, text); };
  return app.add_option_function<std::string>(name, assign, "Number of a run")->type_name("RUN");
}

CLI::Option* AddRunNumbers(CLI::App& app, const std::string& name, std::vector<std::uint64_t>& numbers) {
  const auto assign = [name, &numbers](const std::vector<std::string>& texts) {
    numbers.clear();
    for (const std::string& text : texts) numbers.push_back(Parse(name, text));
  };
  return app.add_option_function<std::vector<std::string>>(name, assign, "Numbers of runs")->type_name("RUN");
}

}  // namespace alloclab::client
