#include "clients/cli/source_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "absl/strings/str_split.h"
#include "clients/cli/guest_build.h"
#include "clients/cli/subprocess.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kAddressesAtOnce = 500;

SourceLine ParsePlace(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  SourceLine place;
  if (colon == std::string_view::npos || text.substr(0, colon) == "??") return place;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), place.line);
  if (place.line > 0) place.file = text.substr(0, colon);
  return place;
}

}  // namespace

std::map<std::uint32_t, SourceLine> FindSourceLines(std::string_view elf, const std::vector<std::uint32_t>& addresses) {
  std::map<std::uint32_t, SourceLine> lines;
  const auto scratch = ScratchDirectory::Make();
  if (!scratch.ok()) return lines;
  const std::string path = (*scratch)->path() + "/program.elf";
  std::ofstream(path, std::ios::binary) << elf;
  const std::vector<std::string> tools[] = {{"addr2line", "-e", path},
                                            {"llvm-symbolizer", "--output-style=GNU", "--no-inlines", "-f=none", "-e", path}};
  for (const std::vector<std::string>& tool : tools) {
    for (std::size_t first = 0; first < addresses.size(); first += kAddressesAtOnce) {
      std::vector<std::string> words = tool;
      const std::size_t end = std::min(first + kAddressesAtOnce, addresses.size());
      for (std::size_t i = first; i < end; ++i) words.push_back(fmt::format("{:#x}", addresses[i]));
      const auto ended = RunSubprocess(words);
      if (!ended.ok() || ended->exit_code != 0) break;
      std::size_t at = first;
      for (const absl::string_view found : absl::StrSplit(ended->output, '\n', absl::SkipEmpty())) {
        if (at == end) break;
        const std::string line(found);
        lines[addresses[at++]] = ParsePlace(std::string_view(line).substr(0, line.find(" (")));
      }
    }
    if (!lines.empty()) break;
  }
  return lines;
}

std::string Show(const SourceLine& line) {
  if (line.file.empty()) return "";
  return fmt::format("{}:{}", line.file.substr(line.file.rfind('/') + 1), line.line);
}

}  // namespace alloclab::client
