#include "server/server/help.h"

#include <fmt/format.h>

#include <cstdio>
#include <sstream>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "allocators/common/columns.h"

namespace alloclab::server {
namespace {

constexpr std::size_t kNameColumns = 29;

std::string WrappedTo(std::string_view text, std::size_t columns) { return absl::StrJoin(WrapWords(text, columns), "\n"); }

std::size_t Width() { return static_cast<std::size_t>(TerminalWidth(stdout)); }

// What stands beside a name; CLI11 indents its lines.
std::string BesideName(std::string_view text) { return WrappedTo(text, Width() - kNameColumns); }

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kNameColumns); }

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return WrappedTo(app->get_description(), Width()) + "\n";
}

std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
  std::ostringstream out;
  CLI::detail::format_help(out, sub->get_name(), BesideName(sub->get_description()), kNameColumns);
  return out.str();
}

// Without the default, which the description has.
std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  const std::string required = option->get_required() ? " REQUIRED" : "";
  return option->get_type_name().empty() ? required : fmt::format(" {}{}", option->get_type_name(), required);
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const { return BesideName(option->get_description()); }

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  std::string footer;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(app->get_footer(), '\n'))) {
    footer += (line.starts_with(' ') ? line : WrappedTo(line, Width())) + "\n";
  }
  return footer;
}

}  // namespace alloclab::server
