#include "server/server/store_command.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include <cstdio>
#include <vector>

#include "proto/converters/json.h"
#include "server/store/store_doctor.h"

namespace alloclab::server {
namespace {

void AddTexts(google::protobuf::Struct& message, const char* name, const std::vector<std::string>& texts) {
  google::protobuf::ListValue& list = *(*message.mutable_fields())[name].mutable_list_value();
  for (const std::string& text : texts) list.add_values()->set_string_value(text);
}

absl::Status PrintJson(const StoreReport& report) {
  google::protobuf::Struct message;
  (*message.mutable_fields())["runs"].set_number_value(static_cast<double>(report.runs));
  (*message.mutable_fields())["traces"].set_number_value(static_cast<double>(report.traces));
  (*message.mutable_fields())["whole"].set_bool_value(report.whole());
  AddTexts(message, "damaged", report.damaged);
  AddTexts(message, "structure", report.structure);
  if (!report.kept_file.empty()) (*message.mutable_fields())["kept_file"].set_string_value(report.kept_file);
  const absl::StatusOr<std::string> json = MessageToJson(message, JsonLayout::kIndented);
  if (json.ok()) fmt::print("{}\n", *json);
  return json.status();
}

void PrintText(const StoreReport& report, StoreCommand::Verb verb) {
  const bool repaired = !report.kept_file.empty();
  for (const std::string& text : report.structure) fmt::print("{}structure: {}\n", repaired ? "repaired: " : "", text);
  for (const std::string& text : report.damaged) fmt::print("{}{}\n", repaired ? "lost: " : "damaged: ", text);
  const bool writes = verb == StoreCommand::Verb::kExport || verb == StoreCommand::Verb::kBackup;
  const char* const what = writes ? "written" : "whole";
  fmt::print("{} run{} and {} trace{} are {}{}\n", report.runs, report.runs == 1 ? "" : "s", report.traces,
             report.traces == 1 ? "" : "s", what, report.whole() ? "; nothing is damaged" : "");
  if (repaired) fmt::print("the damaged database is kept as {}\n", report.kept_file);
}

}  // namespace

CLI::App* AddStoreCommand(CLI::App& app, StoreCommand& command) {
  CLI::App* store = app.add_subcommand(
      "store", "check, repair or export the store of a server that is stopped; back up that of one that runs");
  store->fallthrough();
  store->require_subcommand(1);
  const std::string codes =
      "The store is in --data-dir (ALLOCLAB_DATA_DIR), which has to be that of the server.\n"
      "Exit codes: 0 the store is whole, 4 something is damaged (check, export: left out) or was lost (repair), 1 the store "
      "cannot be read, as while its server runs (but backup).\nExample:\n  alloclabd store ";
  const std::string folder = " --data-dir /var/lib/alloclab";
  store->footer(codes + "check" + folder);
  store->add_option("--output", command.output, "text or json")->check(CLI::IsMember({"text", "json"}))->type_name("FORMAT");
  const auto add = [&](const char* name, const char* description, StoreCommand::Verb verb, const char* more = "") {
    CLI::App* sub = store->add_subcommand(name, description);
    sub->footer(codes + name + folder + more);
    sub->fallthrough();
    sub->callback([&command, verb] { command.verb = verb; });
    return sub;
  };
  add("check", "verify every page and every row; changes nothing", StoreCommand::Verb::kCheck);
  add("repair", "make the database anew with every row that is whole; the damaged one is kept beside it",
      StoreCommand::Verb::kRepair);
  add("export", "write every run that is whole to DIR/runs.jsonl, every trace to DIR/traces/SHA256",
      StoreCommand::Verb::kExport, " --to exported")
      ->add_option("--to", command.to, "a folder that does not exist yet")
      ->required()
      ->type_name("DIR");
  add("backup", "make DIR a data directory with the same store, verified; the server may run meanwhile",
      StoreCommand::Verb::kBackup, " \\\n    --to /backup/alloclab-2026-11-27")
      ->add_option("--to", command.to, "a folder that does not exist yet")
      ->required()
      ->type_name("DIR");
  return store;
}

absl::StatusOr<bool> RunStoreCommand(const StoreCommand& command, const std::string& data_dir) {
  const auto run = [&]() -> absl::StatusOr<StoreReport> {
    switch (command.verb) {
      case StoreCommand::Verb::kCheck:
        return CheckStore(data_dir);
      case StoreCommand::Verb::kRepair:
        return RepairStore(data_dir);
      case StoreCommand::Verb::kBackup:
        return BackupStore(data_dir, command.to);
      case StoreCommand::Verb::kExport:
        break;
    }
    return ExportStore(data_dir, command.to);
  };
  const absl::StatusOr<StoreReport> report = run();
  if (!report.ok()) return report.status();
  if (command.output == "json") {
    if (absl::Status status = PrintJson(*report); !status.ok()) return status;
  } else {
    PrintText(*report, command.verb);
  }
  return command.verb == StoreCommand::Verb::kRepair ? report->damaged.empty() : report->whole();
}

}  // namespace alloclab::server
