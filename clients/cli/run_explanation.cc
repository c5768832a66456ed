#include "clients/cli/run_explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "alloclab/v1/time_travel.grpc.pb.h"
#include "clients/cli/run_travel.h"
#include "clients/common/progress.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// Goes on in calls that each take a while.
absl::StatusOr<v1::RunExplanation> Survey(Session& session, const v1::Moment& moment) {
  Progress progress(stderr, session.options().quiet);
  v1::ExplainRunRequest request;
  request.set_instance(moment.instance());
  absl::StatusOr<v1::RunExplanation> reply;
  do {
    request.set_until(std::min(request.until() + kOperationsOfACall, moment.operations()));
    reply = session.connection().Call(&v1::TimeTravel::Stub::ExplainRun, request);
    if (reply.ok()) progress.Update("looking at holes", reply->looked_at(), moment.operations());
  } while (reply.ok() && request.until() < moment.operations());
  progress.Finish();
  return reply;
}

// In bytes times operations: "1.5 GiB ops".
Cell CostCell(std::uint64_t cost) { return {Bytes(cost), fmt::format("{}", cost)}; }

double Share(std::uint64_t cost, const v1::RunExplanation& explanation) {
  return explanation.separated_cost() == 0 ? 0 : static_cast<double>(cost) / static_cast<double>(explanation.separated_cost());
}

Cell SiteCell(std::uint32_t site, const std::string& called_by) { return TextCell(site == 0 ? "not known" : called_by); }

Section BlockSection(const v1::RunExplanation& explanation) {
  Section table;
  table.title = "blocks that cost most";
  table.columns = {{"made by", true}, {"asked for", true}, {"address"},       {"bytes", true},
                   {"cost", true},    {"share", true},     {"for ops", true}, {"until", true}};
  const bool sites = !explanation.sites().empty();
  if (sites) table.columns.push_back({"called by"});
  for (const auto& block : explanation.blocks()) {
    table.rows.push_back({block.allocated_by() == 0 ? TextCell("-") : CountCell(block.allocated_by()),
                          BytesCell(block.request_bytes()), AddressCell(block.address()), BytesCell(block.bytes()),
                          CostCell(block.cost()), RatioCell(Share(block.cost(), explanation)), CountCell(block.operations()),
                          CountCell(block.last_seen())});
    if (sites) table.rows.back().push_back(SiteCell(block.site(), block.called_by()));
  }
  return table;
}

Section SiteSection(const v1::RunExplanation& explanation) {
  Section table;
  table.title = "call sites that cost or hold most";
  table.columns = {{"site", true}, {"cost", true}, {"share", true}, {"at peak", true}, {"blocks", true}, {"called by"}};
  for (const auto& site : explanation.sites()) {
    table.rows.push_back({CountCell(site.site()), CostCell(site.cost()), RatioCell(Share(site.cost(), explanation)),
                          BytesCell(site.peak_bytes()), CountCell(site.peak_blocks()),
                          SiteCell(site.site(), site.called_by())});
  }
  return table;
}

Section SizeSection(const v1::RunExplanation& explanation) {
  Section table;
  table.title = "sizes that cost most";
  table.columns = {{"block of", true}, {"cost", true}, {"share", true}, {"for ops", true}};
  for (const auto& size : explanation.sizes()) {
    table.rows.push_back({BytesCell(size.bytes()), CostCell(size.cost()), RatioCell(Share(size.cost(), explanation)),
                          CountCell(size.operations())});
  }
  return table;
}

Section RiseSection(const v1::RunExplanation& explanation) {
  Section table;
  table.title = "external fragmentation rose most";
  table.columns = {{"from operation", true}, {"to", true}, {"from", true}, {"to", true}};
  for (const auto& rise : explanation.rises()) {
    table.rows.push_back({CountCell(rise.from_operation()), CountCell(rise.to_operation()),
                          RatioCell(rise.from_fragmentation()), RatioCell(rise.to_fragmentation())});
  }
  return table;
}

}  // namespace

Document RunExplanationDocument(const v1::RunExplanation& explanation) {
  Document document;
  document.heading = fmt::format("run {}: {}, one every {} of {}", explanation.run(), Count(explanation.looks(), "look"),
                                 Count(explanation.every(), "operation"), Count(explanation.operations()));
  for (Section section :
       {BlockSection(explanation), SiteSection(explanation), SizeSection(explanation), RiseSection(explanation)}) {
    if (!section.rows.empty()) document.sections.push_back(std::move(section));
  }
  document.footer.assign(explanation.sentences().begin(), explanation.sentences().end());
  document.footer.push_back(
      "Cost: bytes of the two free blocks that a live one kept apart, times the operations for which it did.");
  if (!explanation.sites().empty()) {
    document.footer.push_back(
        "At peak: bytes and blocks that the site had asked for and not freed when the trace has the most live bytes.");
  }
  if (explanation.broken_looks() > 0) {
    document.footer.push_back(
        fmt::format("The chain of blocks was broken at {}: counted up to there.", Count(explanation.broken_looks(), "look")));
  }
  return document;
}

CommandResult ExplainRun(Session& session, std::uint64_t run) {
  const absl::StatusOr<v1::RunExplanation> explanation =
      WithOpenedRun<v1::RunExplanation>(session, run, [&](const v1::Moment& moment) { return Survey(session, moment); });
  if (!explanation.ok()) return explanation.status();
  return Done(session.Show(*explanation, RunExplanationDocument(*explanation)));
}

}  // namespace alloclab::client
