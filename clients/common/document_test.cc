#include "clients/common/document.h"

#include <gtest/gtest.h>

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

TEST(Document, TableForPeople) { ExpectGolden(RenderTable(Sample(), Style(false)), "clients/common/testdata/document.table"); }
TEST(Document, TableInColour) { ExpectGolden(RenderTable(Sample(), Style(true)), "clients/common/testdata/document.color"); }
TEST(Document, Csv) { ExpectGolden(RenderCsv(Sample()), "clients/common/testdata/document.csv"); }
TEST(Document, Markdown) { ExpectGolden(RenderMarkdown(Sample()), "clients/common/testdata/document.md"); }

TEST(Document, NamesCannotMoveTheCursor) {
  Section table;
  table.columns = {{"label"}};
  table.rows = {{TextCell("a\x1b[2Jb\n")}};
  EXPECT_EQ(RenderTable({.heading = "", .sections = {table}, .footer = {}}, Style(false)), "label\na\\x1b[2Jb\\x0a\n");
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
  const std::string json = ToJson(reply, {{"reproduce", "a \"b\""}});
  EXPECT_TRUE(json.starts_with("{\n \"schema_version\": 1,\n \"reproduce\": \"a \\\"b\\\"\",\n \"outcome\": \"DOUBLE_FREE\""))
      << json;
  EXPECT_NE(json.find("\"sequence\": \"3\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"headers_visited\": \"0\""), std::string::npos) << json;
}

TEST(Json, EmptyMessage) { EXPECT_EQ(ToJson(v1::MallocRequest::default_instance()).front(), '{'); }

}  // namespace
}  // namespace alloclab::client
