#include "clients/common/threshold_options.h"

#include <fmt/format.h>

#include <string>

#include "clients/common/text_file.h"

namespace alloclab::client {
namespace {

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
           const absl::StatusOr<std::string> text = ReadTextFile(path);
           if (!text.ok()) throw CLI::ValidationError("--threshold-file", std::string(text.status().message()));
           const absl::StatusOr<std::vector<Threshold>> read = ParseThresholds(*text, path, figures);
           if (!read.ok()) throw CLI::ValidationError("--threshold-file", std::string(read.status().message()));
           thresholds.insert(thresholds.end(), read->begin(), read->end());
         },
         "More of them, one a line; # begins a comment")
      ->type_name("FILE");
}

}  // namespace alloclab::client
