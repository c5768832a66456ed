#include "clients/cli/guests_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alloclab/v1/guest.grpc.pb.h"
#include "clients/common/guest_argument.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

CommandResult List(Session& session) {
  const absl::StatusOr<v1::ListGuestsResponse> list = ListGuests(session.connection());
  if (!list.ok()) return list.status();
  Section table;
  table.columns = {{"name"}, {"sha256"}, {"file"}, {"size", true, "bytes"}, {"uploaded"}};
  const bool owned =
      std::any_of(list->guests().begin(), list->guests().end(), [](const v1::Guest& guest) { return !guest.owner().empty(); });
  if (owned) table.columns.push_back({"owner"});
  std::string names;
  for (const v1::Guest& guest : list->guests()) {
    table.rows.push_back({TextCell(guest.name(), Tone::kBold), TextCell(guest.sha256()), TextCell(guest.file()),
                          BytesCell(guest.bytes()), TimeCell(guest.upload_time())});
    if (owned) table.rows.back().push_back(TextCell(guest.owner()));
    names += guest.name() + "\n";
  }
  Document document;
  if (list->guests().empty()) {
    document.footer.push_back("No programs. Upload one: alloclab submit sqlite --heap-allocator guest:FILE.elf");
  } else {
    document.sections.push_back(std::move(table));
  }
  return Done(session.Show(*list, document, names));
}

CommandResult Delete(Session& session, const std::vector<std::string>& names) {
  for (std::string name : names) {
    if (absl::Status status = ResolveGuest(session.connection(), name); !status.ok()) return status;
    v1::DeleteGuestRequest request;
    request.set_name(name);
    const absl::StatusOr<v1::DeleteGuestResponse> deleted = session.connection().Call(&v1::Guests::Stub::DeleteGuest, request);
    if (!deleted.ok()) return deleted.status();
    session.Note(fmt::format("deleted program {}", name));
  }
  return ExitCode::kOk;
}

}  // namespace

void RegisterGuests(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "guests", "Programs that the server keeps, as heap allocators", "alloclab guests list");
  AddCommand(*group, "list", "All of them, newest first", "alloclab guests list", chosen, List);
  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* remove = AddCommand(
      *group, "delete", "Delete programs; runs that have ended keep their results, what is made of one is in the way",
      "alloclab guests delete guest:mm@0123456789ab", chosen, [names](Session& session) { return Delete(session, *names); });
  remove->add_option("GUEST", *names, "As `alloclab guests list` names it")->type_name("GUEST")->required();
}

}  // namespace alloclab::client
