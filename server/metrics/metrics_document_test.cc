// That the documentation of the metrics, dashboards/METRICS.md and what the allocators declare, says what a scrape has.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "allocators/catalog/catalog.h"
#include "server/testing/scrape.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

struct MetricDescription {
  std::string type, help;
  std::set<std::string> labels;  // without le
};

std::string FamilyOf(const std::string& series, const std::map<std::string, MetricDescription>& families) {
  const std::string name = series.substr(0, series.find('{'));
  if (families.contains(name)) return name;
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - std::string_view(suffix).size());
  }
  return name;
}

std::map<std::string, MetricDescription> Describe(const std::string& scrape) {
  std::map<std::string, MetricDescription> families;
  for (const std::string& line : Lines(scrape)) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (line.starts_with("# TYPE ")) families[words[2]].type = words[3];
    if (line.starts_with("# HELP ")) families[words[2]].help = words[3];
  }
  for (const auto& [series, value] : Series(scrape)) {
    MetricDescription& family = families[FamilyOf(series, families)];
    const std::size_t brace = series.find('{');
    if (brace == std::string::npos) continue;
    std::string name;
    bool quoted = false;
    for (const char letter : series.substr(brace + 1)) {
      if (letter == '"') quoted = !quoted;
      if (quoted || letter == '"' || letter == '}') continue;
      if (letter == '=') {
        if (name != "le" && name != "quantile") family.labels.insert(name);
        name.clear();
      } else if (letter != ',') {
        name += letter;
      }
    }
  }
  return families;
}

// The table of dashboards/METRICS.md: | `name` | type | `label`, `label` | meaning |
std::map<std::string, MetricDescription> DescribeDocument() {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/dashboards/METRICS.md");
  std::map<std::string, MetricDescription> families;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    MetricDescription& family = families[cells[0].substr(3, cells[0].size() - 4)];
    family.type = cells[1];
    for (const auto label : absl::StrSplit(cells[2], ", ", absl::SkipEmpty())) {
      if (label.size() > 2) family.labels.insert(std::string(label.substr(1, label.size() - 2)));
    }
    family.help = cells[3].substr(0, cells[3].size() - 2);
  }
  return families;
}

// The families of what the allocators of the catalogue declare themselves. Their documentation is the catalogue.
std::map<std::string, MetricDescription> DescribeDeclarations() {
  std::map<std::string, MetricDescription> families;
  const auto add = [&](const std::string& name, const char* type, std::string help, std::string_view label) {
    help[0] = absl::ascii_toupper(static_cast<unsigned char>(help[0]));
    families[name] = {type, help + ".", {"heap_allocator", "lab_instance", "page_allocator"}};
    if (!label.empty()) families[name].labels.emplace(label);
  };
  const auto add_all = [&](const std::string& prefix, const Declaration& declaration) {
    for (const CounterInfo& counter : declaration.counters) {
      add(prefix + std::string(counter.name) + "_total", "counter", std::string(counter.help), counter.label);
    }
    for (const FigureInfo& figure : declaration.figures) {
      const bool quantity = figure.unit == FigureInfo::Unit::kCount || figure.unit == FigureInfo::Unit::kBytes;
      if (quantity) add(prefix + std::string(figure.name), "gauge", std::string(figure.help), {});
    }
  };
  for (const HeapAllocatorInfo& heap : HeapAllocators()) add_all("alloclab_heap_", *heap.declaration);
  for (const PageAllocatorInfo& pages : PageAllocators()) add_all("alloclab_pages_", *pages.declaration);
  return families;
}

// Creates an instance and has it do one operation.
void CreateBusy(TestServer& server, const std::string& name, v1::OpKind kind, const std::string& heap,
                const std::string& pages) {
  server.Create(name, [&](v1::InstanceConfig& config) {
    config.Clear();
    config.set_heap_allocator(heap);
    config.set_page_allocator(pages);
  });
  v1::BatchReply reply;
  const v1::Batch batch = BatchBuilder(name).Add(kind, 0, 4096).batch();
  ASSERT_TRUE(With([&](auto& context) { return server->heap->Apply(&context, batch, &reply); }).ok());
}

// So that every family that an allocator declares has a series.
void CreateOneOfEachAllocator(TestServer& server) {
  for (const HeapAllocatorInfo& heap : HeapAllocators()) {
    CreateBusy(server, "heap-" + absl::StrReplaceAll(heap.name, {{".", "-"}}), v1::MALLOC, heap.name, "");
  }
  for (const PageAllocatorInfo& pages : PageAllocators()) {
    CreateBusy(server, "pages-" + pages.name, v1::ALLOCATE_PAGES, "none", pages.name);
  }
}

TEST(MetricsDocument, HasEveryFamilyAndNoOther) {
  TestServer server(WithMetrics);
  DoSomething(server);
  CreateOneOfEachAllocator(server);
  const auto scraped = Describe(server.Scrape()), declared = DescribeDeclarations();
  auto documented = DescribeDocument();
  for (const auto& [name, family] : declared) {
    EXPECT_FALSE(documented.contains(name)) << name << " is declared by an allocator, but machines have it anyway";
  }
  documented.insert(declared.begin(), declared.end());
  std::string table;
  for (const auto& [name, family] : scraped) {
    std::string labels;
    for (const std::string& label : family.labels) labels += (labels.empty() ? "`" : ", `") + label + "`";
    const std::string row = "| `" + name + "` | " + family.type + " | " + labels + " | " + family.help + " |";
    if (!declared.contains(name)) table += row + "\n";
    const auto row_of = documented.find(name);
    const bool same = row_of != documented.end() && row_of->second.type == family.type &&
                      row_of->second.labels == family.labels && row_of->second.help == family.help;
    EXPECT_TRUE(same) << (declared.contains(name) ? "not as it is declared:\n" : "dashboards/METRICS.md should have\n") << row;
  }
  for (const auto& [name, family] : documented)
    EXPECT_TRUE(scraped.contains(name)) << name << " is documented or declared, but not exported";
  if (HasFailure()) std::printf("The whole table:\n%s", table.c_str());
}

}  // namespace
}  // namespace alloclab::server
