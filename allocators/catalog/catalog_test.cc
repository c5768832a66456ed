#include "allocators/catalog/catalog.h"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alloclab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Key;
using ::testing::StartsWith;

template <class T>
std::string Error(const absl::StatusOr<T>& result) {
  return result.ok() ? "no error" : std::string(result.status().message());
}

absl::StatusOr<ParameterValues> Complete(const ParameterValues& given, bool guarded = true, std::string_view heap = "") {
  return CompleteParameters(**FindPageAllocator(""), **FindHeapAllocator(heap), guarded, given);
}

TEST(CatalogTest, EveryEntryAndParameterIsDocumented) {
  const auto check = [](const auto& entry) {
    EXPECT_NE(entry.name, "");
    EXPECT_NE(entry.title, "");
    EXPECT_NE(entry.description, "");
    if (entry.name != "none") {
      const std::vector<std::string> parts = absl::StrSplit(entry.description, "\n\n");
      ASSERT_THAT(parts,
                  ElementsAre(EndsWith("."), AllOf(StartsWith("Where it ran: "), EndsWith(".")),
                              AllOf(StartsWith("Good at: "), EndsWith(".")), AllOf(StartsWith("Bad at: "), EndsWith("."))))
          << entry.name;
      EXPECT_GE(entry.description.size(), 800u) << entry.name;
    }
    for (const ParameterInfo& parameter : entry.parameters) {
      EXPECT_NE(parameter.description, "") << parameter.name;
      EXPECT_NE(parameter.expects, "") << parameter.name;
      for (const bool guarded : {true, false}) {
        const auto value = parameter.canonical(parameter.DefaultFor(guarded));
        ASSERT_TRUE(value.ok()) << parameter.name;
        EXPECT_EQ(*value, parameter.DefaultFor(guarded)) << parameter.name;
      }
    }
  };
  for (const PageAllocatorInfo& entry : PageAllocators()) check(entry);
  for (const HeapAllocatorInfo& entry : HeapAllocators()) check(entry);
}

TEST(CatalogTest, TheFirstEntriesAreTheDefaults) {
  EXPECT_EQ((*FindPageAllocator(""))->name, "page-runs");
  EXPECT_EQ((*FindHeapAllocator(""))->name, "implicit-heap");
  EXPECT_EQ((*FindHeapAllocator("none"))->name, "none");
}

TEST(CatalogTest, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_EQ(Error(FindPageAllocator("page-run")),
            "page_allocator: unknown allocator \"page-run\"; did you mean \"page-runs\"?");
  std::vector<std::string> names;
  for (const HeapAllocatorInfo& entry : HeapAllocators()) names.push_back(entry.name);
  EXPECT_EQ(Error(FindHeapAllocator("qqqqqqqqqqqq")),
            "heap_allocator: unknown allocator \"qqqqqqqqqqqq\"; expected one of " + absl::StrJoin(names, ", "));
}

// Wherever names alone are known, as in metrics, allocators of one kind mean the same by a name.
TEST(CatalogTest, ADeclaredNameHasOneMeaning) {
  const auto check = [](const auto& entries, std::span<const CounterInfo> common) {
    std::map<std::string_view, const CounterInfo*> counters;
    std::map<std::string_view, const FigureInfo*> figures;
    for (const CounterInfo& counter : common) counters.emplace(counter.name, &counter);
    for (const auto& entry : entries) {
      for (const CounterInfo& counter : entry.declaration->counters) {
        const CounterInfo& first = *counters.emplace(counter.name, &counter).first->second;
        EXPECT_EQ(counter.help, first.help) << entry.name << ", " << counter.name;
        EXPECT_EQ(counter.label, first.label) << entry.name << ", " << counter.name;
      }
      for (const FigureInfo& figure : entry.declaration->figures) {
        EXPECT_EQ(figure, *figures.emplace(figure.name, &figure).first->second) << entry.name << ", " << figure.name;
      }
    }
  };
  check(HeapAllocators(), kHeapCostInfos);
  check(PageAllocators(), kPageCostInfos);
}

TEST(CatalogTest, ParametersAreCompletedAndSpelledOneWay) {
  const auto values = Complete({{"heap.limit_bytes", "64Mi"}, {"pages.kernel_end", "0x10000000"}});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(*values, ElementsAre(std::pair("heap.assertions", "true"), std::pair("heap.coalesce", "immediate"),
                                   std::pair("heap.engine", "indexed"), std::pair("heap.fit", "first"),
                                   std::pair("heap.initial_bytes", "4096"), std::pair("heap.limit_bytes", "67108864"),
                                   std::pair("pages.arena_pages", "0"), std::pair("pages.engine", "indexed"),
                                   std::pair("pages.kernel_end", "268435456")));
}

TEST(CatalogTest, UnguardedMeansLiteral) {
  const auto values = Complete({}, /*guarded=*/false);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->at("heap.engine"), "literal");
  EXPECT_EQ(values->at("pages.engine"), "literal");
}

TEST(CatalogTest, NoHeapHasNoHeapParameters) {
  const auto values = Complete({}, true, "none");
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, ElementsAre(Key("pages.arena_pages"), Key("pages.engine"), Key("pages.kernel_end")));
  EXPECT_EQ(Error(Complete({{"heap.engine", "literal"}}, true, "none")),
            "parameters: unknown parameter \"heap.engine\"; expected one of pages.engine, pages.kernel_end, pages.arena_pages");
}

TEST(CatalogTest, BadParametersAreNamed) {
  EXPECT_EQ(Error(Complete({{"heap.engin", "literal"}})),
            "parameters: unknown parameter \"heap.engin\"; did you mean \"heap.engine\"?");
  EXPECT_EQ(Error(Complete({{"colour", "red"}})),
            "parameters: unknown parameter \"colour\"; expected one of pages.engine, pages.kernel_end, pages.arena_pages, "
            "heap.engine, heap.assertions, heap.fit, heap.coalesce, heap.limit_bytes, heap.initial_bytes");
  EXPECT_EQ(Error(Complete({{"heap.engine", "fast"}})), "parameters[heap.engine]: \"fast\"; expected indexed or literal");
  EXPECT_EQ(Error(Complete({{"heap.assertions", "yes"}})), "parameters[heap.assertions]: \"yes\"; expected true or false");
  EXPECT_EQ(Error(Complete({{"heap.limit_bytes", "lots"}})),
            "parameters[heap.limit_bytes]: \"lots\" is not a number; expected a whole number, optionally with Ki, Mi or Gi "
            "(64Mi), or hexadecimal with 0x");
  EXPECT_EQ(Error(Complete({{"pages.kernel_end", "8Gi"}})),
            "parameters[pages.kernel_end]: \"8Gi\" is too large; expected at most 4294967295");
}

}  // namespace
}  // namespace alloclab
