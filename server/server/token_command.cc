#include "server/server/token_command.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/converters/json.h"
#include "server/access/token.h"
#include "server/access/token_file.h"
#include "server/errors.h"
#include "server/server/ages.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kExpiryDaysMax = 3650;

absl::StatusOr<absl::Time> ExpiryOf(const std::string& text, absl::Time now) {
  if (text == "never") return absl::InfiniteFuture();
  const absl::StatusOr<absl::Duration> life = ParseAge(text, absl::Hours(24) * kExpiryDaysMax);
  if (life.ok() && *life >= absl::Seconds(1)) return now + *life;
  return errors::BadField("--expires",
                          fmt::format("\"{}\": expected 30d, 12h or never, 1 second to {} days", text, kExpiryDaysMax));
}

absl::Status Create(const TokenCommand& command, const std::string& data_dir) {
  const absl::StatusOr<Role> role = ParseRole(command.role);
  if (!role.ok()) return errors::BadField("--role", std::string(role.status().message()));
  const absl::Time now = absl::Now();
  const absl::StatusOr<absl::Time> expires = ExpiryOf(command.expires, now);
  if (!expires.ok()) return expires.status();
  const absl::StatusOr<std::string> secret =
      CreateToken(data_dir, {.name = command.name, .role = *role, .created = now, .expires = *expires, .digest = {}});
  if (!secret.ok()) return secret.status();
  fmt::print("{}\n", *secret);
  std::fflush(stdout);
  fmt::print(
      stderr,
      "This is the token of {}, role {}, expires {}, for the lab of {}. It is shown this once. Its bearer puts it into a file "
      "that he alone may read: alloclab --token-file FILE, or ALLOCLAB_TOKEN.\n",
      command.name, command.role, TimeText(*expires), data_dir);
  return absl::OkStatus();
}

absl::Status ListAsJson(const std::vector<Token>& tokens) {
  google::protobuf::Struct message;
  google::protobuf::ListValue& list = *(*message.mutable_fields())["tokens"].mutable_list_value();
  for (const Token& token : tokens) {
    auto& fields = *list.add_values()->mutable_struct_value()->mutable_fields();
    fields["name"].set_string_value(token.name);
    fields["role"].set_string_value(std::string(RoleName(token.role)));
    fields["created"].set_string_value(TimeText(token.created));
    fields["expires"].set_string_value(TimeText(token.expires));
    fields["expired"].set_bool_value(token.expires <= absl::Now());
  }
  const absl::StatusOr<std::string> json = MessageToJson(message, JsonLayout::kIndented);
  if (json.ok()) fmt::print("{}\n", *json);
  return json.status();
}

absl::Status List(const TokenCommand& command, const std::string& data_dir) {
  const absl::StatusOr<std::optional<std::vector<Token>>> read = ReadTokenFile(data_dir);
  if (!read.ok()) return read.status();
  const std::vector<Token> tokens = read->value_or(std::vector<Token>());
  if (command.output == "json") return ListAsJson(tokens);
  if (!read->has_value()) {
    fmt::print(stderr,
               "No tokens in {}: whoever reaches the lab of that folder may do everything. alloclabd token create makes the "
               "first.\n",
               data_dir);
    return absl::OkStatus();
  }
  std::size_t width = 4;
  for (const Token& token : tokens) width = std::max(width, token.name.size());
  fmt::print("{:<{}}  role    created               expires\n", "name", width);
  for (const Token& token : tokens) {
    fmt::print("{:<{}}  {:<6}  {}  {}{}\n", token.name, width, RoleName(token.role), TimeText(token.created),
               TimeText(token.expires), token.expires <= absl::Now() ? " (expired)" : "");
  }
  return absl::OkStatus();
}

}  // namespace

CLI::App* AddTokenCommand(CLI::App& app, TokenCommand& command) {
  CLI::App* token = app.add_subcommand("token", "make, list and revoke tokens: who may use the lab, and for what");
  token->fallthrough();
  token->require_subcommand(1);
  const std::string folder =
      "\nThe tokens are a file in --data-dir (ALLOCLAB_DATA_DIR), which has to be that of the server.\n"
      "Example:\n  ";
  token->footer("From the first token on nobody is let in without one. A server that runs takes changes up within a second." +
                folder + "alloclabd token list --data-dir /var/lib/alloclab");
  const auto add = [&](const char* name, const char* description, TokenCommand::Verb verb) {
    CLI::App* sub = token->add_subcommand(name, description);
    sub->fallthrough();
    sub->callback([&command, verb] { command.verb = verb; });
    return sub;
  };
  CLI::App* create = add("create", "make a token and print it, this once", TokenCommand::Verb::kCreate);
  create->add_option("name", command.name, "whose it is, for lists and the log")->required()->type_name("NAME");
  create->add_option("--role", command.role, "viewer, user or admin")->required()->type_name("ROLE");
  create->add_option("--expires", command.expires, "30d, 12h or never [never]")->type_name("DURATION");
  create->footer(
      "Roles: viewer looks; user also makes instances and runs, and uses, cancels and deletes his own; admin also changes and "
      "deletes those of others." +
      folder + "alloclabd token create ada --role user --expires 30d \\\n    --data-dir /var/lib/alloclab > ada.token");
  CLI::App* list = add("list", "names, roles and times; no secrets", TokenCommand::Verb::kList);
  list->add_option("--output", command.output, "text or json")->check(CLI::IsMember({"text", "json"}))->type_name("FORMAT");
  CLI::App* revoke = add("revoke", "take a token back", TokenCommand::Verb::kRevoke);
  revoke->add_option("name", command.name, "of the token")->required()->type_name("NAME");
  revoke->footer("Calls under way go on to their end." + folder + "alloclabd token revoke ada --data-dir /var/lib/alloclab");
  return token;
}

absl::Status RunTokenCommand(const TokenCommand& command, const std::string& data_dir) {
  switch (command.verb) {
    case TokenCommand::Verb::kCreate:
      return Create(command, data_dir);
    case TokenCommand::Verb::kList:
      return List(command, data_dir);
    case TokenCommand::Verb::kRevoke:
      break;
  }
  if (absl::Status status = RevokeToken(data_dir, command.name); !status.ok()) return status;
  fmt::print(stderr, "Token {} is revoked; calls under way go on to their end.\n", command.name);
  return absl::OkStatus();
}

}  // namespace alloclab::server
