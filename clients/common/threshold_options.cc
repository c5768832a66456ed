#include "clients/common/threshold_options.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>

namespace alloclab::client {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

std::string ReadThresholdFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || (text.empty() && !file.is_open())) {
    throw CLI::ValidationError("--threshold-file", fmt::format("{}: cannot be read", path));
  }
  if (text.size() > kFileBytesMax) {
    throw CLI::ValidationError("--threshold-file", fmt::format("{}: larger than {} bytes", path, kFileBytesMax));
  }
  return text;
}

std::string Names(std::span<const FigureInfo> figures) {
  std::string names;
  for (const FigureInfo& figure : figures) names += (names.empty() ? "" : ", ") + std::string(figure.name);
  return names;
}

}  // namespace

void AddThresholds(CLI::App& app, std::span<const FigureInfo> figures, std::vector<Threshold>& thresholds) {
  app.add_option_function<std::vector<std::string>>(
         "--threshold",
         [figures, &thresholds](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             absl::StatusOr<Threshold> threshold = Threshold::Parse(text, figures);
             if (!threshold.ok()) throw CLI::ValidationError("--threshold", std::string(threshold.status().message()));
             thresholds.push_back(*std::move(threshold));
           }
         },
         fmt::format("What the result has to keep, e.g. '{}'; exit code 99 if it does not; may be given again. Figures: {}",
                     figures.size() > 1 && figures.front().unit == FigureInfo::Unit::kSeconds ? "response_seconds: p99<2ms"
                                                                                              : "cycles_386: p99<2000",
                     Names(figures)))
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option_function<std::string>(
         "--threshold-file",
         [figures, &thresholds](const std::string& path) {
           absl::StatusOr<std::vector<Threshold>> read = ParseThresholds(ReadThresholdFile(path), path, figures);
           if (!read.ok()) throw CLI::ValidationError("--threshold-file", std::string(read.status().message()));
           thresholds.insert(thresholds.end(), read->begin(), read->end());
         },
         "More of them, one a line; # begins a comment")
      ->type_name("FILE");
}

}  // namespace alloclab::client
