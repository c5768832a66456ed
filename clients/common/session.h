// What every command has at hand: the common options, the connection (opened when first used), and the two output streams.
#ifndef ALLOCLAB_CLIENTS_COMMON_SESSION_H_
#define ALLOCLAB_CLIENTS_COMMON_SESSION_H_

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "clients/common/connection.h"
#include "clients/common/document.h"
#include "clients/common/json.h"
#include "clients/common/terminal.h"

namespace alloclab::client {

enum class OutputFormat { kTable, kJson, kCsv, kMarkdown };

struct CommonOptions {
  ConnectionOptions connection;
  OutputFormat output = OutputFormat::kTable;
  ColorMode color = ColorMode::kAuto;
  bool quiet = false;  // nothing on stderr but errors; as a table only names, run numbers or addresses
};

class Session {
 public:
  explicit Session(CommonOptions options);

  const CommonOptions& options() const { return options_; }
  OutputFormat output() const { return options_.output; }
  // With --wait, first waits for the server, and says so.
  Connection& connection();

  // Of stdout.
  const Style& style() const { return style_; }
  int width() const { return width_; }

  // Data, to stdout. The error says why it could not be written (a full disk, a closed pipe).
  absl::Status Print(std::string_view text) const;
  // In the chosen format: `message` as JSON, or the document as any other.
  absl::Status Show(const google::protobuf::Message& message, const Document& document, const JsonExtras& extras = {}) const;
  // The same; a quiet command prints only `brief` where others print a table.
  absl::Status Show(const google::protobuf::Message& message, const Document& document, std::string_view brief,
                    const JsonExtras& extras = {}) const;
  // For people, to stderr; nothing when quiet.
  void Note(std::string_view line) const;

 private:
  const CommonOptions options_;
  const Style style_;
  const int width_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_SESSION_H_
