// What is drawn: maps of memory, hex views, page-table entries, results.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "clients/cli/counters_view.h"
#include "clients/cli/memory_map.h"
#include "clients/cli/memory_view.h"
#include "clients/cli/run_view.h"
#include "clients/common/golden.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;

constexpr char kTestdata[] = "clients/cli/testdata/";

// A heap of 4 KiB: live and free blocks, one of them smaller than a cell.
MemoryMap SampleMap(int width, int lines) {
  MemoryMap map(0xC0400000, 0xC0401000, width, lines);
  map.Add(0xC0400000, 0xC0400004, true);
  map.Add(0xC0400004, 0xC0400100, true);
  map.Add(0xC0400100, 0xC0400480, false);
  map.Add(0xC0400480, 0xC0400490, true);
  map.Add(0xC0400490, 0xC0401000, false);
  return map;
}

TEST(MemoryMap, Plain) { ExpectGolden(SampleMap(80, 16).Draw(Style(false)), std::string(kTestdata) + "map.plain"); }
TEST(MemoryMap, Color) { ExpectGolden(SampleMap(80, 1).Draw(Style(true)), std::string(kTestdata) + "map.color"); }

TEST(MemoryMap, LinesBeginAtRoundAddressesAndFit) {
  for (int width = 40; width <= 240; width += 10) {
    for (const int lines : {1, 3, 16}) {
      const MemoryMap map(0xC0400010, 0xC0512345, width, lines);
      const std::string drawn = map.Draw(Style(false));
      EXPECT_EQ(map.bytes_per_cell() & (map.bytes_per_cell() - 1), 0u);
      EXPECT_LE(std::count(drawn.begin(), drawn.end(), '\n'), lines + 2);
    }
  }
}

TEST(MemoryMap, TheWholeAddressSpaceAndASingleWord) {
  MemoryMap whole(0, 1ull << 32, 80, 16);
  whole.Add(0, 1ull << 32, true);
  EXPECT_THAT(whole.Draw(Style(false)), HasSubstr("0xF0000000  ████"));
  MemoryMap word(0xFFFFFFFC, 1ull << 32, 80, 16);
  word.Add(0xFFFFFFFC, 1ull << 32, true);
  EXPECT_THAT(word.Draw(Style(false)), HasSubstr("0xFFFFFF00  " + std::string(63, ' ') + "█"));
}

TEST(MemoryMap, WhatLiesOutsideIsIgnored) {
  MemoryMap map(0x1000, 0x2000, 80, 16);
  map.Add(0, 0x1000, true);
  map.Add(0x2000, 0x3000, true);
  EXPECT_EQ(map.Draw(Style(false)).find("█"), map.Draw(Style(false)).find("█ live"));
}

v1::ReadMemoryReply SampleMemory() {
  v1::ReadMemoryReply reply;
  reply.set_address(0xC0400004);
  reply.set_data(std::string("\x05\x00\x00\x00 hello, heap\x7f\xff", 18));
  return reply;
}

TEST(MemoryView, Bytes) {
  ExpectGolden(RenderTable(MemoryDocument(SampleMemory(), false), Style(false), 80), std::string(kTestdata) + "memory.bytes");
}
TEST(MemoryView, Words) {
  ExpectGolden(RenderTable(MemoryDocument(SampleMemory(), true), Style(false), 80), std::string(kTestdata) + "memory.words");
}

TEST(MemoryView, EntryBits) {
  EXPECT_EQ(EntryBits(0x10023067), "P RW U A D");
  EXPECT_EQ(EntryBits(0x10023001), "P RO S");
  EXPECT_EQ(EntryBits(0x10023003), "P RW S");
  EXPECT_EQ(EntryBits(0xFFFFFFFE), "not present");
}

TEST(MemoryView, Translation) {
  v1::Translation translation;
  translation.set_address(0xC0400123);
  translation.set_directory_index(769);
  translation.set_pde_address(0x1FFFFC04);
  translation.set_pde(0x1FFFE023);
  translation.set_pte_address(0x1FFFE000);
  translation.set_pte(0x1FFBF063);
  translation.set_present(true);
  translation.set_physical(0x1FFBF123);
  ExpectGolden(RenderTable(TranslationDocument(translation), Style(false), 80), std::string(kTestdata) + "translation");
  translation.set_present(false);
  translation.set_on_demand(true);
  EXPECT_THAT(TranslationDocument(translation).heading, HasSubstr("no frame yet; the first touch brings one"));
}

v1::Run SampleRun() {
  v1::Run run;
  std::ifstream stream(std::string(ALLOCLAB_SOURCE_DIR) + "/" + kTestdata + "run.textproto");
  std::stringstream text;
  text << stream.rdbuf();
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text.str(), &run));
  return run;
}

TEST(RunView, Table) {
  ExpectGolden(RenderTable(RunDocument(SampleRun(), 100), Style(false), 100), std::string(kTestdata) + "run.table");
}
TEST(RunView, Csv) { ExpectGolden(RenderCsv(RunDocument(SampleRun(), 100)), std::string(kTestdata) + "run.csv"); }
TEST(RunView, Markdown) { ExpectGolden(RenderMarkdown(RunDocument(SampleRun(), 100)), std::string(kTestdata) + "run.md"); }

TEST(RunView, CancelledAndDamagedRunsSaySo) {
  v1::Run run = SampleRun();
  run.set_state(v1::Run::CANCELLED);
  run.set_operations_done(10);
  run.mutable_result()->mutable_exact()->set_violations(2);
  const std::string table = RenderTable(RunDocument(run, 100), Style(false), 100);
  EXPECT_THAT(table, HasSubstr("Cancelled after 10 of 20,000 operations: the figures are of what was done until then."));
  EXPECT_THAT(table, HasSubstr("2 broken invariants at the end"));
}

TEST(RunView, AFailedRunWithoutResultShowsItsError) {
  v1::Run run;
  run.set_id(3);
  run.set_state(v1::Run::FAILED);
  run.set_error("RAM too small");
  EXPECT_THAT(RenderTable(RunDocument(run, 80), Style(false), 80), HasSubstr("RAM too small"));
}

TEST(RunView, RatiosFollowTheirDefinitions) {
  v1::Counters counters;
  counters.set_live_requested_peak_bytes(75);
  counters.set_heap_size_peak_bytes(100);
  counters.set_live_requested_bytes(60);
  v1::HeapShape heap;
  EXPECT_EQ(RatiosOf(counters, heap).internal_fragmentation, std::nullopt);
  EXPECT_EQ(RatiosOf(counters, heap).external_fragmentation, std::nullopt);
  heap.set_live_block_bytes(80);
  heap.set_free_bytes(40);
  heap.set_largest_free_bytes(10);
  EXPECT_DOUBLE_EQ(*RatiosOf(counters, heap).peak_utilisation, 0.75);
  EXPECT_DOUBLE_EQ(*RatiosOf(counters, heap).internal_fragmentation, 0.25);
  EXPECT_DOUBLE_EQ(*RatiosOf(counters, heap).external_fragmentation, 0.75);
}

TEST(Reproduce, NamesEverythingThatIsNotTheDefault) {
  v1::Catalog catalog;
  v1::AllocatorInfo& heap = *catalog.add_heap_allocators();
  heap.set_name("implicit-heap");
  v1::ParameterInfo& engine = *heap.add_parameters();
  engine.set_name("heap.engine");
  engine.set_default_value("indexed");
  v1::Run run = SampleRun();
  EXPECT_EQ(
      ReproducingCommand(run, "", catalog),
      "alloclab submit steady-state --seed 42 --ram 64Mi --page-allocator page-runs --heap-allocator implicit-heap --digest-at "
      "1/4,5000");
  (*run.mutable_result()->mutable_exact()->mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  run.mutable_workload()->set_trace_sha256("00ff");
  EXPECT_EQ(ReproducingCommand(run, "my trace's.rep", catalog),
            "alloclab submit 'my trace'\\''s.rep' --ram 64Mi --page-allocator page-runs --heap-allocator implicit-heap --param "
            "heap.engine=literal --digest-at 1/4,5000");
  EXPECT_THAT(ReproducingCommand(run, "", catalog), HasSubstr("alloclab submit sha256:00ff --ram"));
  run.mutable_workload()->mutable_spec()->set_name("x");
  EXPECT_THAT(ReproducingCommand(run, "", catalog), HasSubstr("alloclab runs show 7 --workload | alloclab submit - --seed 42"));
}

}  // namespace
}  // namespace alloclab::client
