// What the catalogue declares: every way to make its allocators is tested, and every name is fit to be shown.
#include "allocators/testing/configurations.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/common/declaration.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

TEST(ConfigurationsTest, HoldEachAllocatorEachEngineAndBothModes) {
  std::set<std::string> seen, names;
  for (const Configuration& configuration : Configurations()) {
    EXPECT_TRUE(names.insert(configuration.name).second) << configuration.name;
    const std::string mode = configuration.guarded ? " guarded" : " unguarded";
    seen.insert(configuration.heap->name + mode);
    seen.insert(configuration.pages->name + mode);
    if (!configuration.guarded) continue;
    for (const auto& [name, word] : configuration.parameters) seen.insert(name + " " + word);
  }
  for (const auto& heap : HeapAllocators()) {
    EXPECT_TRUE(seen.contains(heap.name + " guarded") && seen.contains(heap.name + " unguarded")) << heap.name;
    for (const auto& parameter : heap.parameters) {
      for (const std::string& word : parameter.words) EXPECT_TRUE(seen.contains(parameter.name + " " + word)) << word;
    }
  }
  for (const auto& pages : PageAllocators()) {
    EXPECT_TRUE(seen.contains(pages.name + " guarded") && seen.contains(pages.name + " unguarded")) << pages.name;
  }
}

// What a catalogue entry declares can be shown everywhere: names that are fit for metrics, help in one line.
void ExpectGoodName(std::string_view name) { EXPECT_THAT(std::string(name), testing::MatchesRegex("[a-z][a-z0-9_]*")); }
void ExpectGoodHelp(std::string_view help) {
  EXPECT_FALSE(help.empty());
  EXPECT_EQ(help.find('\n'), std::string_view::npos) << help;
}
void ExpectGoodDeclaration(const Declaration& declaration) {
  for (const FigureInfo& figure : declaration.figures) ExpectGoodName(figure.name), ExpectGoodHelp(figure.help);
  for (const FieldInfo& field : declaration.block_fields) ExpectGoodName(field.name), ExpectGoodHelp(field.help);
  EXPECT_LE(declaration.block_fields.size(), kBlockFieldsMax);
  EXPECT_TRUE(declaration.alignment != 0 && (declaration.alignment & (declaration.alignment - 1)) == 0);
}

// Each is named once, and those of one name stand together, differ in their label's value, and are helped by the same words.
void ExpectGoodCounters(const std::vector<const CounterInfo*>& counters) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const CounterInfo& counter = *counters[i];
    ExpectGoodName(counter.name);
    ExpectGoodHelp(counter.help);
    EXPECT_EQ(counter.label.empty(), counter.value.empty()) << counter.name;
    if (!counter.label.empty()) ExpectGoodName(counter.label), ExpectGoodName(counter.value);
    EXPECT_TRUE(seen.emplace(counter.name, counter.value).second) << counter.name;
    if (names.insert(counter.name).second) continue;
    EXPECT_EQ(counter.name, counters[i - 1]->name);
    EXPECT_EQ(counter.label, counters[i - 1]->label) << counter.name;
    EXPECT_EQ(counter.help, counters[i - 1]->help) << counter.name;
    EXPECT_FALSE(counter.label.empty()) << counter.name;
  }
}

std::vector<const CounterInfo*> InfosOf(const std::vector<Count>& counts) {
  std::vector<const CounterInfo*> infos;
  for (const Count& count : counts) infos.push_back(count.info);
  return infos;
}

TEST(DeclarationsTest, AreFitToBeShownAndInTheCataloguesOrder) {
  for (const Configuration& configuration : Configurations()) {
    SCOPED_TRACE(configuration.name);
    const auto instance = configuration.MakeInstance(WildMixes().front());
    ExpectGoodDeclaration(*configuration.pages->declaration);
    ExpectGoodCounters(CounterInfosOf(*configuration.pages));
    EXPECT_EQ(InfosOf(instance->pages().Counts()), CounterInfosOf(*configuration.pages));
    EXPECT_EQ(instance->pages().Figures().size(), configuration.pages->declaration->figures.size());
    if (!configuration.has_heap()) continue;
    ExpectGoodDeclaration(*configuration.heap->declaration);
    ExpectGoodCounters(CounterInfosOf(*configuration.heap));
    EXPECT_EQ(InfosOf(instance->heap()->Counts()), CounterInfosOf(*configuration.heap));
    EXPECT_EQ(instance->heap()->Figures().size(), configuration.heap->declaration->figures.size());
  }
}

}  // namespace
}  // namespace alloclab
