#include "clients/common/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "alloclab/v1/heap.pb.h"
#include "clients/common/chart.h"
#include "clients/common/golden.h"
#include "clients/common/json.h"

namespace alloclab::client {
namespace {

// Everything a document can have, names that need quoting included.
Document Sample() {
  Section facts = Facts("memory");
  AddFact(facts, "peak live", BytesCell(1536));
  AddFact(facts, "utilisation", RatioCell(0.875));
  Section table;
  table.title = "runs";
  table.columns = {{"run", true}, {"label"}};
  table.rows = {{TextCell("7"), TextCell("a, \"quoted\" | label")}, {TextCell("1234"), TextCell("größer", Tone::kGood)}};
  table.picture = DrawHistogram(Pow2Rows({0, 1, 8, 0, 3}), 60);
  return {.heading = "a heading", .sections = {facts, table}, .footer = {"the last line"}};
}

std::string Table(const Section& section, int width) {
  return RenderTable({.heading = "", .sections = {section}, .footer = {}}, Style(false), width);
}

// A list as commands print it: names, numbers, a text that does not fit, and a digest.
Section List() {
  Section list;
  list.columns = {{"name"}, {"largest free", true, "bytes"}, {"what it does"}, {"sha256"}};
  list.rows = {{TextCell("steady-state"), CountCell(16'384),
                TextCell("20,000 live blocks of mostly small sizes, freed in random order, with some calloc and realloc"),
                TextCell(std::string(64, 'a'))},
               {TextCell("x"), CountCell(1), TextCell("short"), TextCell(std::string(64, 'b'))}};
  return list;
}

TEST(Document, TableForPeople) {
  ExpectGolden(RenderTable(Sample(), Style(false), 80), "clients/common/testdata/document.table");
}
TEST(Document, TableInColour) {
  ExpectGolden(RenderTable(Sample(), Style(true), 80), "clients/common/testdata/document.color");
}
TEST(Document, CsvOfUnlikeSectionsIsOneTableOfValues) {
  ExpectGolden(RenderCsv(Sample()), "clients/common/testdata/document.csv");
}
TEST(Document, Markdown) { ExpectGolden(RenderMarkdown(Sample()), "clients/common/testdata/document.md"); }

TEST(Document, NamesCannotMoveTheCursor) {
  Section table;
  table.columns = {{"label"}};
  table.rows = {{TextCell("a\x1b[2Jb\n")}};
  EXPECT_EQ(Table(table, 80), "label\na\\x1b[2Jb\\x0a\n");
}

TEST(Document, ATextThatDoesNotFitIsWrappedBetweenWords) {
  Section list = List();
  list.columns.pop_back();
  for (auto& row : list.rows) row.pop_back();
  EXPECT_EQ(Table(list, 80),
            "name          largest free  what it does\n"
            "steady-state        16,384  20,000 live blocks of mostly small sizes, freed in\n"
            "                            random order, with some calloc and realloc\n"
            "x                        1  short\n");
  EXPECT_EQ(Table(list, 40),
            "name           largest  what it does\n"
            "                  free\n"
            "steady-state    16,384  20,000 live\n"
            "                        blocks of mostly\n"
            "                        small sizes,\n"
            "                        freed in random\n"
            "                        order, with some\n"
            "                        calloc and\n"
            "                        realloc\n"
            "x                    1  short\n");
}

TEST(Document, ColumnsThatDoNotFitGoOnAFurtherLine) {
  Section list = List();
  list.columns.erase(list.columns.begin() + 2);
  for (auto& row : list.rows) row.erase(row.begin() + 2);
  EXPECT_EQ(Table(list, 80),
            "name          largest free\n"
            "    sha256\n"
            "steady-state        16,384\n"
            "    " +
                std::string(64, 'a') +
                "\n"
                "x                        1\n"
                "    " +
                std::string(64, 'b') + "\n");
}

// At no width is a line too long, unless by one word alone, and no word is ever lost or broken.
TEST(Document, TablesFitEveryTerminalAndLoseNothing) {
  std::vector<std::string> all;
  for (const auto& row : List().rows) {
    for (const Cell& cell : row) {
      for (const absl::string_view word : absl::StrSplit(cell.text, ' ')) all.emplace_back(word);
    }
  }
  for (int width = 40; width <= 240; ++width) {
    const std::string table = Table(List(), width);
    const std::vector<std::string> words = absl::StrSplit(table, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    for (const std::string& word : all) EXPECT_THAT(words, testing::Contains(word)) << width;
    for (const absl::string_view line : absl::StrSplit(table, '\n')) {
      const bool digest = line.find("aaa") != absl::string_view::npos || line.find("bbb") != absl::string_view::npos;
      EXPECT_LE(DisplayWidth({line.data(), line.size()}), static_cast<std::size_t>(digest ? std::max(width, 68) : width))
          << line;
    }
  }
}

TEST(Document, HeadingAndFooterAreWrappedButACommandIsNot) {
  const std::string command = "alloclab submit steady-state --ram 64Mi --param heap.engine=literal";
  EXPECT_EQ(RenderTable({.heading = "heap of toy: 0xC0400000 to 0xC0401004, 4 KiB; 1 live block",
                         .sections = {},
                         .footer = {"They found the same; only their configurations differ."},
                         .command = command},
                        Style(false), 40),
            "heap of toy: 0xC0400000 to 0xC0401004, 4\n"
            "KiB; 1 live block\n"
            "\n"
            "They found the same; only their\n"
            "configurations differ.\n" +
                command + "\n");
}

TEST(Document, CsvOfAListHasItsColumnsWithUnits) {
  Section list = List();
  for (auto& row : list.rows) row.resize(2);
  list.columns.resize(2);
  Document document{.heading = "h", .sections = {list}, .footer = {"f"}};
  EXPECT_EQ(RenderCsv(document), "name,largest free (bytes)\nsteady-state,16384\nx,1\n");
  document.sections.push_back(list);
  document.sections[0].title = "one";
  document.sections[1].title = "two";
  EXPECT_EQ(RenderCsv(document),
            "section,name,largest free (bytes)\none,steady-state,16384\none,x,1\ntwo,steady-state,16384\ntwo,x,1\n");
}

TEST(Document, EveryLineOfACsvHasTheFieldsOfItsHeader) {
  Section list = List();
  list.title = "list";
  Section facts = Facts("facts");
  AddFact(facts, "time", DurationCell(absl::Milliseconds(12.5)));
  AddFact(facts, "memory", BytesCell(1536));
  AddFact(facts, "share", RatioCell(0.5));
  const std::string csv = RenderCsv({.heading = "", .sections = {facts, list}, .footer = {}});
  EXPECT_THAT(csv, testing::StartsWith("section,row,name,value,unit\n"
                                       "facts,,time,0.0125,s\n"
                                       "facts,,memory,1536,bytes\n"
                                       "facts,,share,0.500000,ratio\n"
                                       "list,1,name,steady-state,\n"
                                       "list,1,largest free,16384,bytes\n"));
  EXPECT_THAT(csv, testing::HasSubstr("list,2,what it does,short,\n"));
  EXPECT_THAT(csv, testing::Not(testing::HasSubstr("\n\n")));
}

TEST(Document, EmptyListStillHasItsHeader) {
  Section table;
  table.columns = {{"name"}, {"id", true}};
  EXPECT_EQ(RenderCsv({.heading = "", .sections = {table}, .footer = {}}), "name,id\n");
}

TEST(Json, SchemaVersionComesFirstAndEveryFieldIsThere) {
  v1::OperationReply reply;
  reply.set_outcome(v1::DOUBLE_FREE);
  reply.set_sequence(3);
  const std::string json = ToJson(reply, {{"reproduce", JsonText("a \"b\"")}});
  EXPECT_TRUE(json.starts_with("{\n \"schema_version\": 1,\n \"reproduce\": \"a \\\"b\\\"\",\n \"outcome\": \"DOUBLE_FREE\""))
      << json;
  EXPECT_NE(json.find("\"sequence\": \"3\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"address\": 0"), std::string::npos) << json;
}

TEST(Json, EmptyMessage) { EXPECT_EQ(ToJson(v1::MallocRequest::default_instance()).front(), '{'); }

}  // namespace
}  // namespace alloclab::client
