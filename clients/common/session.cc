#include "clients/common/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "clients/common/json.h"

namespace alloclab::client {

Session::Session(CommonOptions options)
    : options_(std::move(options)), style_(UseColor(options_.color, stdout)), width_(TerminalWidth(stdout)) {}

Connection& Session::connection() {
  if (!connection_) {
    connection_ = std::make_unique<Connection>(options_.connection);
    connection_->AwaitServer([this](std::string_view line) { Note(line); });
  }
  return *connection_;
}

absl::Status Session::Print(std::string_view text) const {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

absl::Status Session::Show(const google::protobuf::Message& message, const Document& document, const JsonExtras& extras) const {
  switch (options_.output) {
    case OutputFormat::kJson:
      return Print(ToJson(message, extras));
    case OutputFormat::kCsv:
      return Print(RenderCsv(document));
    case OutputFormat::kMarkdown:
      return Print(RenderMarkdown(document));
    case OutputFormat::kTable:
      break;
  }
  return Print(RenderTable(document, style_, width_));
}

absl::Status Session::Show(const google::protobuf::Message& message, const Document& document, std::string_view brief,
                           const JsonExtras& extras) const {
  return options_.quiet && options_.output == OutputFormat::kTable ? Print(brief) : Show(message, document, extras);
}

void Session::Note(std::string_view line) const {
  if (!options_.quiet) fmt::print(stderr, "{}\n", line);
}

}  // namespace alloclab::client
