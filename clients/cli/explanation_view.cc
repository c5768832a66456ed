#include "clients/cli/explanation_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "clients/cli/operation_view.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

Section FoundSection(const v1::Explanation& explanation) {
  const v1::Explanation::Found& found = explanation.found();
  Section facts = Facts("free before it");
  AddFact(facts, "bytes", BytesCell(found.free_bytes()));
  AddFact(facts, "blocks", CountCell(found.free_blocks()));
  AddFact(facts, "largest", BytesCell(found.largest_free_bytes()));
  AddFact(facts, "blocks large enough", CountCell(found.large_enough()));
  if (found.large_enough() > 0) AddFact(facts, "tightest of those", BytesCell(found.smallest_enough_bytes()));
  return facts;
}

Section GapSection(const v1::Explanation::Gap& gap) {
  Section table;
  table.title = "live blocks in the way";
  table.columns = {{"address"}, {"bytes", true}, {"allocated by operation", true}};
  const bool sites =
      std::any_of(gap.between().begin(), gap.between().end(), [](const auto& block) { return !block.called_by().empty(); });
  if (sites) table.columns.push_back({"called by"});
  for (const auto& block : gap.between()) {
    table.rows.push_back({AddressCell(block.address()), BytesCell(block.bytes()),
                          block.allocated_by() == 0 ? TextCell("-") : CountCell(block.allocated_by())});
    if (sites) table.rows.back().push_back(TextCell(block.called_by()));
  }
  return table;
}

std::vector<Cell> VisitRow(const v1::Explanation& explanation, const v1::Explanation::Path::Visit& visit) {
  const bool taken = visit.address() == explanation.taken_address();
  return {CountCell(visit.number()), AddressCell(visit.address()), BytesCell(visit.bytes()),
          visit.live() ? TextCell("live", Tone::kLive) : TextCell("free", Tone::kFree),
          taken ? TextCell("taken", Tone::kGood) : TextCell("")};
}

// The blocks in the order in which they were looked at.
Section PathSection(const v1::Explanation& explanation) {
  const v1::Explanation::Path& path = explanation.path();
  Section table;
  table.title = "blocks it looked at";
  table.columns = {{"no.", true}, {"address"}, {"bytes", true}, {"kind"}, {""}};
  for (const auto& visit : path.first()) table.rows.push_back(VisitRow(explanation, visit));
  const std::uint64_t listed = static_cast<std::uint64_t>(path.first_size()) + static_cast<std::uint64_t>(path.last_size());
  if (path.visits() > listed) {
    const Cell none = TextCell("");
    table.rows.push_back({TextCell("…"), TextCell(Count(path.visits() - listed) + " more"), none, none, none});
  }
  for (const auto& visit : path.last()) table.rows.push_back(VisitRow(explanation, visit));
  return table;
}

Section MergedSection(const v1::Explanation& explanation) {
  Section table;
  table.title = "merged with";
  table.columns = {{"address"}, {"bytes", true}};
  for (const auto& block : explanation.merged()) table.rows.push_back({AddressCell(block.address()), BytesCell(block.bytes())});
  return table;
}

Section FaultSection(const v1::Explanation& explanation) {
  Section table;
  table.title = "touches that brought a page";
  table.columns = {{"address"}};
  for (const std::uint32_t address : explanation.path().page_faults()) table.rows.push_back({AddressCell(address)});
  return table;
}

}  // namespace

Document ExplanationDocument(const v1::Explanation& explanation) {
  const bool good = explanation.outcome() == v1::OK || explanation.outcome() == v1::ZERO_SIZE;
  Document document;
  document.heading = fmt::format("run {}", explanation.run());
  Section facts = Facts("");
  AddFact(facts, "outcome",
          TextCell(absl::AsciiStrToLower(v1::Outcome_Name(explanation.outcome())), good ? Tone::kGood : Tone::kBad));
  if (explanation.address() != 0) AddFact(facts, "address", AddressCell(explanation.address()));
  if (explanation.needed_bytes() > 0) AddFact(facts, "block needed", BytesCell(explanation.needed_bytes()));
  if (explanation.has_taken_bytes()) AddFact(facts, "out of a free block of", BytesCell(explanation.taken_bytes()));
  if (explanation.has_taken_bytes() && explanation.taken_bytes() > explanation.block_bytes()) {
    AddFact(facts, "split off", BytesCell(explanation.taken_bytes() - explanation.block_bytes()));
  }
  if (explanation.has_missing_bytes()) {
    AddFact(facts, explanation.missing_ram() ? "RAM that was missing" : "room that was missing",
            BytesCell(explanation.missing_bytes()));
  }
  if (explanation.grown_bytes() > 0) AddFact(facts, "the heap grew by", BytesCell(explanation.grown_bytes()));
  if (!explanation.called_by().empty()) AddFact(facts, "called by", TextCell(explanation.called_by()));
  if (explanation.allocated_by() > 0) AddFact(facts, "allocated by operation", CountCell(explanation.allocated_by()));
  if (!explanation.allocation_called_by().empty()) {
    AddFact(facts, "allocation called by", TextCell(explanation.allocation_called_by()));
  }
  AddFact(facts, "search steps", CountCell(explanation.search_steps()));
  AddFact(facts, "page faults", CountCell(explanation.page_faults()));
  AddFact(facts, "cycles (386DX-33)", CountCell(explanation.cycles_386()));
  document.sections.push_back(std::move(facts));
  if (explanation.has_refusal()) document.sections.push_back(RefusalSection(explanation.refusal()));
  if (explanation.has_found()) document.sections.push_back(FoundSection(explanation));
  if (explanation.has_gap()) document.sections.push_back(GapSection(explanation.gap()));
  if (explanation.path().visits() > 0) document.sections.push_back(PathSection(explanation));
  if (!explanation.merged().empty()) document.sections.push_back(MergedSection(explanation));
  if (!explanation.path().page_faults().empty()) document.sections.push_back(FaultSection(explanation));
  document.footer.assign(explanation.sentences().begin(), explanation.sentences().end());
  return document;
}

}  // namespace alloclab::client
