#include "clients/cli/run_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "clients/cli/run_argument.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::size_t kShown = 12;

// Figures that any two runs can be compared by, whatever they replayed; in the order in which they are shown.
constexpr std::array kKeyFigures =
    std::to_array<std::string_view>({"operations", "counters.live_requested_peak_bytes", "counters.heap_size_peak_bytes",
                                     "counters.page_live_peak_bytes", "cycles_386", "violations"});

bool IsConfiguration(const v1::FieldDifference& difference) { return difference.field().starts_with("config."); }

// Where a difference stands in the list: the machine, the key figures, the rest.
std::size_t Rank(const v1::FieldDifference& difference) {
  if (IsConfiguration(difference)) return 0;
  const auto found = std::find(kKeyFigures.begin(), kKeyFigures.end(), difference.field());
  return 1 + static_cast<std::size_t>(found - kKeyFigures.begin());
}

// "config.parameters[heap.engine]" -> "heap.engine", "counters.heap[words_loaded].value" -> "heap words loaded".
std::string FieldName(std::string_view field) {
  constexpr std::string_view kParameter = "config.parameters[";
  if (field.starts_with(kParameter)) return std::string(field.substr(kParameter.size(), field.size() - kParameter.size() - 1));
  for (const std::string_view prefix : {"config.", "counters."}) {
    if (field.starts_with(prefix)) field.remove_prefix(prefix.size());
  }
  for (const std::string_view ending : {".value", ".count"}) {
    if (field.ends_with(ending)) field.remove_suffix(ending.size());
  }
  return absl::StrReplaceAll(std::string(field), {{"_", " "}, {".", " "}, {"[", " "}, {"]", ""}});
}

// Values come quoted as in protobuf's text format; numbers get their separators, a break is an address.
Cell ValueCell(std::string_view field, std::string_view value) {
  if (value.size() >= 2 && value.starts_with('"')) value = value.substr(1, value.size() - 2);
  const bool number = !value.empty() && value.size() < 20 && value.find_first_not_of("0123456789") == std::string_view::npos;
  const std::string raw(value);
  if (number && field.ends_with(".brk")) return AddressCell(static_cast<std::uint32_t>(std::stoull(raw)));
  if (field.ends_with("sha256") && !raw.empty()) return DigestCell(raw);
  return number ? CountCell(std::stoull(raw)) : TextCell(raw);
}

std::vector<v1::FieldDifference> Ordered(const v1::DiffRunsReply& reply) {
  std::vector<v1::FieldDifference> differences(reply.differences().begin(), reply.differences().end());
  std::stable_sort(differences.begin(), differences.end(), [](const auto& a, const auto& b) { return Rank(a) < Rank(b); });
  return differences;
}

// How many of the ordered differences matter most: of different workloads only what can be compared.
std::size_t ShownOf(const v1::DiffRunsReply& reply, const std::vector<v1::FieldDifference>& differences) {
  if (reply.same_trace()) return std::min(differences.size(), kShown);
  const auto other = std::find_if(differences.begin(), differences.end(),
                                  [](const auto& difference) { return Rank(difference) > kKeyFigures.size(); });
  return std::min(static_cast<std::size_t>(other - differences.begin()), kShown);
}

std::string Verdict(const v1::DiffRunsRequest& request, const v1::DiffRunsReply& reply) {
  const std::string runs = fmt::format("runs {} and {}", request.a(), request.b());
  if (reply.differences().empty()) return runs + " agree in everything exact";
  if (reply.identical() && reply.placement_only()) {
    return runs + " place every block alike: outcomes, addresses from the first block on, and growth agree";
  }
  if (reply.identical()) return runs + " found the same; only their machines differ";
  if (!reply.same_trace()) return runs + " differ: they replayed different operations";
  if (reply.first_operation() == 0) return runs + " differ, though every operation gave the same";
  return runs + " part ways at " + Printable(reply.first_difference());
}

CommandResult Diff(Session& session, const v1::DiffRunsRequest& request, bool all) {
  const absl::StatusOr<v1::DiffRunsReply> reply = session.connection().Call(&v1::Runs::Stub::DiffRuns, request);
  if (!reply.ok()) return reply.status();
  return Done(session.Show(*reply, DiffDocument(request, *reply, all), reply->identical() ? "identical\n" : "different\n"),
              reply->identical() ? ExitCode::kOk : ExitCode::kDifference);
}

}  // namespace

Document DiffDocument(const v1::DiffRunsRequest& request, const v1::DiffRunsReply& reply, bool all) {
  Document document;
  document.heading = Verdict(request, reply);
  const std::vector<v1::FieldDifference> differences = Ordered(reply);
  const std::size_t shown = all ? differences.size() : ShownOf(reply, differences);
  Section table;
  table.columns = {{"what"}, {fmt::format("run {}", request.a()), true}, {fmt::format("run {}", request.b()), true}};
  for (const v1::FieldDifference& difference : std::span(differences).first(shown)) {
    table.rows.push_back({TextCell(FieldName(difference.field())), ValueCell(difference.field(), difference.a()),
                          ValueCell(difference.field(), difference.b())});
  }
  if (!table.rows.empty()) document.sections.push_back(std::move(table));
  if (shown < differences.size()) {
    document.footer.push_back(fmt::format("{} more: --all shows them.", Count(differences.size() - shown, "difference")));
  }
  return document;
}

void RegisterRunDiff(CLI::App& group, Command& chosen) {
  struct Given {
    v1::DiffRunsRequest request;
    std::uint64_t a = 0, b = 0;
    bool all = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* diff = AddCommand(group, "diff", "Whether two runs agree in everything exact (exit code 6 if not)",
                              "alloclab runs diff 7 8", chosen, [given](Session& session) {
                                given->request.set_a(given->a);
                                given->request.set_b(given->b);
                                return Diff(session, given->request, given->all);
                              });
  AddRunNumber(*diff, "A", given->a)->required();
  AddRunNumber(*diff, "B", given->b)->required();
  diff->add_flag("--all", given->all, "Every difference, not only those that matter most");
}

}  // namespace alloclab::client
