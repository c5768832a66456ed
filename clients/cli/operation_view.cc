#include "clients/cli/operation_view.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"

namespace alloclab::client {
namespace {

std::vector<Cell> CostRow(const char* whose, const v1::Cost::Part& part) {
  return {TextCell(whose), CountCell(part.search_steps()), CountCell(part.words_loaded()), CountCell(part.words_stored()),
          CountCell(part.cycles_386())};
}

Section CostSection(const v1::Cost& cost) {
  Section table;
  table.title = "cost";
  table.columns = {{"of"}, {"search steps", true}, {"words loaded", true}, {"words stored", true}, {"cycles (386DX-33)", true}};
  table.rows = {CostRow("heap", cost.heap()), CostRow("pages", cost.pages())};
  return table;
}

// Where the two are close to 4 GiB, "4 GiB of 4 GiB" would tell nothing.
Cell ToTheByte(std::uint64_t bytes) {
  Cell cell = BytesCell(bytes);
  cell.text = CountCell(bytes).text + " B";
  return cell;
}

}  // namespace

Section RefusalSection(const v1::Refusal& refusal) {
  Section facts = Facts("why");
  const bool too_large = refusal.has_request_max_bytes();
  AddFact(facts, "needed", too_large ? ToTheByte(refusal.needed_bytes()) : BytesCell(refusal.needed_bytes()));
  if (too_large) AddFact(facts, "largest request", ToTheByte(refusal.request_max_bytes()));
  if (refusal.has_free_bytes()) AddFact(facts, "free", BytesCell(refusal.free_bytes()));
  if (refusal.has_largest_free_bytes()) AddFact(facts, "largest free block", BytesCell(refusal.largest_free_bytes()));
  if (refusal.has_frames_left()) AddFact(facts, "page frames left", CountCell(refusal.frames_left()));
  if (refusal.has_growth_bytes()) AddFact(facts, "the heap may grow by", BytesCell(refusal.growth_bytes()));
  return facts;
}

Document OperationDocument(const v1::OperationReply& reply) {
  const bool good = reply.outcome() == v1::OK || reply.outcome() == v1::ZERO_SIZE;
  Section facts = Facts("");
  AddFact(facts, "outcome",
          TextCell(absl::AsciiStrToLower(v1::Outcome_Name(reply.outcome())), good ? Tone::kGood : Tone::kBad));
  AddFact(facts, "address", reply.address() == 0 ? TextCell("null") : AddressCell(reply.address()));
  AddFact(facts, "operation", CountCell(reply.sequence()));
  AddFact(facts, "page faults", CountCell(reply.cost().page_faults()));
  AddFact(facts, "cycles (386DX-33)", CountCell(reply.cost().cycles_386()));
  Document document;
  document.sections.push_back(std::move(facts));
  if (reply.has_refusal()) document.sections.push_back(RefusalSection(reply.refusal()));
  document.sections.push_back(CostSection(reply.cost()));
  return document;
}

}  // namespace alloclab::client
