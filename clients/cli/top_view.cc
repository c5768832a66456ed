#include "clients/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "clients/cli/run_list.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// The queue as it will be worked off: what is replayed first, then the oldest.
v1::ListRunsResponse FirstRuns(const v1::ListRunsResponse& all, std::size_t rows) {
  std::vector<v1::Run> runs(all.runs().begin(), all.runs().end());
  std::stable_sort(runs.begin(), runs.end(), [](const v1::Run& a, const v1::Run& b) {
    return std::pair(a.state() != v1::Run::RUNNING, a.id()) < std::pair(b.state() != v1::Run::RUNNING, b.id());
  });
  v1::ListRunsResponse first;
  for (std::size_t i = 0; i < std::min(rows, runs.size()); ++i) *first.add_runs() = std::move(runs[i]);
  return first;
}

Cell RateCell(const std::optional<double>& rate) {
  if (!rate) return {"-", "", Tone::kDim};
  return {Rate(*rate), fmt::format("{:.1f}", *rate)};
}

google::protobuf::Value Text(std::string text) {
  google::protobuf::Value value;
  value.set_string_value(std::move(text));
  return value;
}

}  // namespace

void TopView::Add(TopLook look) {
  std::map<std::uint64_t, double> rates;
  if (look_) {
    const double seconds = absl::ToDoubleSeconds(look.at - look_->at);
    std::map<std::uint64_t, std::uint64_t> before;
    for (const v1::Instance& instance : look_->instances) before[instance.id()] = instance.operations();
    for (const v1::Instance& now : look.instances) {
      const auto known = before.find(now.id());
      if (known == before.end() || seconds <= 0) continue;
      rates[now.id()] = static_cast<double>(now.operations() - known->second) / seconds;
    }
  }
  rates_ = std::move(rates);
  look_ = std::move(look);
}

std::vector<TopView::Row> TopView::Sorted() const {
  std::vector<Row> rows;
  for (const v1::Instance& instance : look_->instances) {
    const auto rate = rates_.find(instance.id());
    rows.push_back({&instance, rate == rates_.end() ? std::nullopt : std::optional(rate->second)});
  }
  std::sort(rows.begin(), rows.end(), [this](const Row& a, const Row& b) {
    const v1::Instance &x = *a.instance, &y = *b.instance;
    if (order_ == TopOrder::kRate && a.rate != b.rate) return a.rate > b.rate;
    if (order_ == TopOrder::kRam && x.config().ram_bytes() != y.config().ram_bytes())
      return x.config().ram_bytes() > y.config().ram_bytes();
    if (order_ != TopOrder::kName && x.operations() != y.operations()) return x.operations() > y.operations();
    return x.name() < y.name();
  });
  return rows;
}

Document TopView::ToDocument(std::size_t rows) const {
  ALLOCLAB_CHECK(look_.has_value());
  Document document;
  const auto running =
      static_cast<std::uint64_t>(std::count_if(look_->under_way.runs().begin(), look_->under_way.runs().end(),
                                               [](const v1::Run& run) { return run.state() == v1::Run::RUNNING; }));
  const std::uint64_t waiting = static_cast<std::uint64_t>(look_->under_way.runs_size()) - running;
  document.heading = fmt::format("{} of at most {}; {} under way, {} waiting{}", Count(look_->server.instances(), "instance"),
                                 Count(look_->server.instances_max()), Count(running, "run"), Count(waiting),
                                 look_->server.store_trouble().empty() ? "" : "; store: " + look_->server.store_trouble());
  const std::vector<Row> sorted = Sorted();
  Section table;
  table.title = "instances";
  table.columns = {{"name"}, {"heap allocator"}, {"RAM", true, "bytes"}, {"operations", true}, {"ops/s", true}};
  for (std::size_t i = 0; i < std::min(rows, sorted.size()); ++i) {
    const v1::Instance& instance = *sorted[i].instance;
    table.rows.push_back({TextCell(instance.name(), Tone::kBold), TextCell(instance.config().heap_allocator()),
                          BytesCell(instance.config().ram_bytes()), CountCell(instance.operations()),
                          RateCell(sorted[i].rate)});
  }
  if (!table.rows.empty()) document.sections.push_back(std::move(table));
  if (sorted.size() > rows) document.footer.push_back(fmt::format("{} more instances.", Count(sorted.size() - rows)));
  if (look_->under_way.runs_size() > 0) {
    Document runs = RunListForPeople({}, FirstRuns(look_->under_way, rows));
    runs.sections[0].title = "runs";
    document.sections.push_back(std::move(runs.sections[0]));
    const auto all = static_cast<std::size_t>(look_->under_way.runs_size());
    if (all > rows) document.footer.push_back(fmt::format("{} more runs.", Count(all - rows)));
  }
  if (document.sections.empty()) document.footer.push_back("Nothing is under way. Start something: alloclab load --demo");
  return document;
}

google::protobuf::Struct TopView::ToMessage() const {
  ALLOCLAB_CHECK(look_.has_value());
  google::protobuf::Struct message;
  auto& fields = *message.mutable_fields();
  auto& instances = *fields["instances"].mutable_list_value();
  for (const Row& row : Sorted()) {
    auto& of = *instances.add_values()->mutable_struct_value()->mutable_fields();
    of["name"] = Text(row.instance->name());
    of["heap_allocator"] = Text(row.instance->config().heap_allocator());
    of["page_allocator"] = Text(row.instance->config().page_allocator());
    of["ram_bytes"] = Text(std::to_string(row.instance->config().ram_bytes()));
    of["operations"] = Text(std::to_string(row.instance->operations()));
    if (row.rate) of["operations_per_second"].set_number_value(*row.rate);
  }
  auto& runs = *fields["runs"].mutable_list_value();
  for (const v1::Run& run : look_->under_way.runs()) {
    auto& of = *runs.add_values()->mutable_struct_value()->mutable_fields();
    of["id"] = Text(std::to_string(run.id()));
    of["state"] = Text(v1::Run::State_Name(run.state()));
    of["heap_allocator"] = Text(run.config().heap_allocator());
    of["operations_done"] = Text(std::to_string(run.operations_done()));
    of["operations_total"] = Text(std::to_string(run.operations_total()));
  }
  return message;
}

}  // namespace alloclab::client
