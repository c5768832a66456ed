// inspect translate|memory|check|stats, and the group that heap and pages (inspect_blocks.cc) join.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alloclab/v1/inspect.grpc.pb.h"
#include "clients/cli/block_walk.h"
#include "clients/cli/commands.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/inspect_blocks.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/memory_view.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

CommandResult Memory(Session& session, v1::ReadMemoryRequest request, bool as_words) {
  if (as_words) request.set_address(request.address() & ~3u);
  const absl::StatusOr<v1::ReadMemoryReply> reply = session.connection().Call(&v1::Inspect::Stub::ReadMemory, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), request.instance(), session.connection());
  return Done(session.Show(*reply, MemoryDocument(*reply, as_words)));
}

CommandResult Translate(Session& session, const v1::TranslateRequest& request) {
  const absl::StatusOr<v1::Translation> reply = session.connection().Call(&v1::Inspect::Stub::Translate, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), request.instance(), session.connection());
  const std::string physical = reply->present() ? Address(reply->physical()) + "\n" : "";
  return Done(session.Show(*reply, TranslationDocument(*reply), physical));
}

CommandResult Check(Session& session, const v1::CheckInvariantsRequest& request) {
  const absl::StatusOr<v1::CheckInvariantsReply> reply =
      session.connection().Call(&v1::Inspect::Stub::CheckInvariants, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), request.instance(), session.connection());
  Section found;
  found.columns = {{"invariant"}, {"address"}, {"what"}};
  for (const v1::Violation& violation : reply->violations()) {
    found.rows.push_back(
        {TextCell(violation.invariant(), Tone::kBad), AddressCell(violation.address()), TextCell(violation.what())});
  }
  const bool broken = !reply->violations().empty();
  Document document;
  document.heading =
      fmt::format("{} in {} and {} of {}", broken ? "broken invariants" : "no broken invariant",
                  Count(reply->heap_blocks(), "heap block"), Count(reply->page_blocks(), "page block"), request.instance());
  if (broken) document.sections.push_back(std::move(found));
  std::string places;
  for (const v1::Violation& violation : reply->violations()) places += Address(violation.address()) + "\n";
  return Done(session.Show(*reply, document, places), broken ? ExitCode::kViolation : ExitCode::kOk);
}

// What is wrong with the chains of blocks, a sentence each.
std::vector<std::string> BreaksIn(const v1::Statistics& statistics) {
  std::vector<std::string> breaks;
  if (statistics.heap().has_broken()) breaks.push_back("Heap: " + BrokenSentence(statistics.heap().broken()));
  if (statistics.pages().has_broken()) breaks.push_back("Pages: " + BrokenSentence(statistics.pages().broken()));
  return breaks;
}

CommandResult Stats(Session& session, const v1::GetStatisticsRequest& request) {
  const absl::StatusOr<v1::Statistics> reply = session.connection().Call(&v1::Inspect::Stub::GetStatistics, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), request.instance(), session.connection());
  const std::vector<std::string> breaks = BreaksIn(*reply);
  const FigureUnits units(CatalogOrNothing(session.connection()));
  Document document;
  document.heading =
      fmt::format("instance {} (id {}), {} of host memory", reply->instance(), reply->id(), Bytes(reply->host_bytes()));
  document.sections = CounterSections({.counters = reply->counters(),
                                       .heap = reply->has_heap() ? &reply->heap() : nullptr,
                                       .pages = reply->has_pages() ? &reply->pages() : nullptr,
                                       .width = session.width(),
                                       .units = units});
  const Style style = session.output() == OutputFormat::kTable ? session.style() : Style(false);
  for (const std::string& sentence : breaks) {
    document.footer.push_back(style.Paint(Tone::kBad, sentence));
    if (session.output() == OutputFormat::kCsv) session.Note(sentence);
  }
  return Done(session.Show(*reply, document, reply->instance() + "\n"), breaks.empty() ? ExitCode::kOk : ExitCode::kViolation);
}

void AddInstance(CLI::App& command, std::string& instance) {
  command.add_option("INSTANCE", instance, "Name or id")->required()->type_name("INSTANCE");
}

void RegisterMemory(CLI::App& group, Command& chosen) {
  struct Given {
    std::string instance;
    std::uint32_t address = 0, bytes = 256;
    bool physical = false, words = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* memory = AddCommand(group, "memory", "Simulated memory in hex", "alloclab inspect memory demo 0xC0400000 --words",
                                chosen, [given](Session& session) {
                                  v1::ReadMemoryRequest request;
                                  request.set_instance(given->instance);
                                  request.set_address(given->address);
                                  request.set_bytes(given->bytes);
                                  request.set_physical(given->physical);
                                  return Memory(session, request, given->words);
                                });
  AddInstance(*memory, given->instance);
  AddAddress(*memory, "ADDRESS", given->address, "First address")->required();
  AddBytes32(*memory, "--bytes", given->bytes, "How many, up to 64Ki (default 256)");
  memory->add_flag("--physical", given->physical, "The address is physical (default: virtual, read without touching)");
  memory->add_flag("--words", given->words, "As little-endian 32-bit words: headers and footers are such");
}

void RegisterTranslate(CLI::App& group, Command& chosen) {
  struct Given {
    std::string instance;
    std::uint32_t address = 0;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* translate = AddCommand(group, "translate", "A virtual address through page directory and page table",
                                   "alloclab inspect translate demo 0xC0400000", chosen, [given](Session& session) {
                                     v1::TranslateRequest request;
                                     request.set_instance(given->instance);
                                     request.set_address(given->address);
                                     return Translate(session, request);
                                   });
  AddInstance(*translate, given->instance);
  AddAddress(*translate, "ADDRESS", given->address, "Virtual address")->required();
}

}  // namespace

void RegisterInspect(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "inspect", "Look into an instance; changes nothing", "alloclab inspect heap demo");
  RegisterInspectBlocks(*group, chosen);
  RegisterMemory(*group, chosen);
  RegisterTranslate(*group, chosen);

  const auto checked = std::make_shared<v1::CheckInvariantsRequest>();
  CLI::App* check =
      AddCommand(*group, "check", "Walk the metadata and check every invariant (exit code 5 if one is broken)",
                 "alloclab inspect check demo", chosen, [checked](Session& session) { return Check(session, *checked); });
  AddInstance(*check, *checked->mutable_instance());

  const auto counted = std::make_shared<v1::GetStatisticsRequest>();
  CLI::App* stats =
      AddCommand(*group, "stats", "Counters, costs and shape (exit code 5 if a chain of blocks is broken)",
                 "alloclab inspect stats demo", chosen, [counted](Session& session) { return Stats(session, *counted); });
  AddInstance(*stats, *counted->mutable_instance());
}

}  // namespace alloclab::client
