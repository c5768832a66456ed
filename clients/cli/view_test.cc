// What is drawn: maps of memory, hex views, page-table entries, results.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "clients/cli/block_walk.h"
#include "clients/cli/catalog_view.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/inspect_blocks.h"
#include "clients/cli/memory_map.h"
#include "clients/cli/memory_view.h"
#include "clients/cli/operation_view.h"
#include "clients/cli/run_view.h"
#include "clients/common/golden.h"

namespace alloclab::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kTestdata[] = "clients/cli/testdata/";

using Kind = MemoryMap::Kind;

// A heap of 4 KiB: metadata, live and free blocks, one of them smaller than a cell.
MemoryMap SampleMap(int width, int lines) {
  MemoryMap map(0xC0400000, 0xC0401000, width, lines);
  map.Add(0xC0400000, 0xC0400004, Kind::kMetadata);
  map.Add(0xC0400004, 0xC0400100, Kind::kLive);
  map.Add(0xC0400100, 0xC0400480, Kind::kFree);
  map.Add(0xC0400480, 0xC0400490, Kind::kLive);
  map.Add(0xC0400490, 0xC0401000, Kind::kFree);
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
  whole.Add(0, 1ull << 32, Kind::kLive);
  EXPECT_THAT(whole.Draw(Style(false)), HasSubstr("0xF0000000  ████"));
  MemoryMap word(0xFFFFFFFC, 1ull << 32, 80, 16);
  word.Add(0xFFFFFFFC, 1ull << 32, Kind::kLive);
  EXPECT_THAT(word.Draw(Style(false)), HasSubstr("0xFFFFFF00  " + std::string(63, ' ') + "█"));
}

TEST(MemoryMap, WhatLiesOutsideIsIgnored) {
  MemoryMap map(0x1000, 0x2000, 80, 16);
  map.Add(0, 0x1000, Kind::kLive);
  map.Add(0x2000, 0x3000, Kind::kLive);
  EXPECT_EQ(map.Draw(Style(false)).find("█"), map.Draw(Style(false)).find("█ live"));
}

TEST(MemoryMap, TheRestIsFilled) {
  MemoryMap map(0x1000, 0x1100, 80, 16);
  map.Add(0x1000, 0x1080, Kind::kFree);
  map.FillRest(Kind::kLive);
  std::string drawn;
  for (int i = 0; i < 32; ++i) drawn += "·";
  for (int i = 0; i < 32; ++i) drawn += "█";
  EXPECT_THAT(map.Draw(Style(false)), HasSubstr("0x00001000  " + drawn + "\n"));
}

TEST(MemoryMapDeathTest, OfNothingIsADefect) {
  EXPECT_DEATH(MemoryMap(0x1000, 0x1000, 80, 16), "from < to");
  EXPECT_DEATH(MemoryMap(0, (1ull << 32) + 1, 80, 16), "to <= ");
  EXPECT_DEATH(MemoryMap(0, 0x1000, 80, 0), "lines_max > 0");
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

// What an allocator of any kind might declare.
FigureUnits SampleUnits() {
  v1::Catalog catalog;
  v1::AllocatorInfo& heap = *catalog.add_heap_allocators();
  const auto declare = [](v1::FigureInfo& figure, const char* name, v1::FigureInfo::Unit unit) {
    figure.set_name(name);
    figure.set_unit(unit);
  };
  declare(*heap.add_figures(), "epilogue", v1::FigureInfo::WORD);
  declare(*heap.add_block_fields(), "header", v1::FigureInfo::WORD);
  declare(*heap.add_block_fields(), "order", v1::FigureInfo::COUNT);
  declare(*catalog.add_page_allocators()->add_figures(), "head", v1::FigureInfo::ADDRESS);
  return FigureUnits(catalog);
}

TEST(BlockList, ShowsTheFieldsAsTheirAllocatorDeclaresThem) {
  v1::BlockList list;
  list.add_field_names("header");
  list.add_field_names("order");
  v1::Block& live = *list.add_blocks();
  live.set_address(0xC0400004);
  live.set_bytes(1104);
  live.set_kind(v1::Block::LIVE);
  live.set_payload(0xC0400008);
  live.add_fields(0x451);
  live.add_fields(3);
  list.mutable_broken()->set_address(0xC0400454);
  list.mutable_broken()->set_what("a header of 0 bytes");
  EXPECT_EQ(RenderTable(BlockListDocument(list, SampleUnits()), Style(false), 100),
            "address     bytes  kind  payload     header      order\n"
            "0xC0400004  1,104  live  0xC0400008  0x00000451      3\n"
            "\n"
            "The chain of blocks is broken at 0xC0400454: a header of 0 bytes. What lies behind cannot be shown.\n");
}

TEST(OperationView, OneCostSplitByWhoseWorkItWas) {
  v1::OperationReply reply;
  reply.set_outcome(v1::OUT_OF_MEMORY);
  reply.set_sequence(2);
  reply.mutable_cost()->mutable_heap()->set_search_steps(7);
  reply.mutable_cost()->mutable_heap()->set_words_loaded(1000);
  reply.mutable_cost()->mutable_pages()->set_cycles_386(12);
  reply.mutable_cost()->set_page_faults(1);
  reply.mutable_cost()->set_cycles_386(4012);
  reply.mutable_refusal()->set_needed_bytes(4096);
  reply.mutable_refusal()->set_largest_free_bytes(64);
  reply.mutable_refusal()->set_growth_bytes(0);
  reply.mutable_refusal()->set_frames_left(0);
  const std::string table = RenderTable(OperationDocument(reply), Style(false), 100);
  EXPECT_THAT(table, HasSubstr("outcome               out_of_memory\n"));
  EXPECT_THAT(table, HasSubstr("page faults           1\n"));
  EXPECT_THAT(table, HasSubstr("\nWHY\nneeded                4 KiB\n"));
  EXPECT_THAT(table, HasSubstr("largest free block    64 B\n"));
  EXPECT_THAT(table, HasSubstr("\nheap              7         1,000             0                  0\n"));
  EXPECT_THAT(table, HasSubstr("\npages             0             0             0                 12\n"));
  reply.mutable_refusal()->set_needed_bytes(4294967295);
  reply.mutable_refusal()->set_request_max_bytes(4294967287);
  EXPECT_THAT(RenderTable(OperationDocument(reply), Style(false), 100),
              HasSubstr("needed                4,294,967,295 B\nlargest request       4,294,967,287 B\n"));
  reply.clear_refusal();
  EXPECT_THAT(RenderTable(OperationDocument(reply), Style(false), 100), Not(HasSubstr("WHY")));
}

TEST(Catalog, AnAllocatorShowsWhatItDeclares) {
  v1::AllocatorInfo info;
  info.set_name("any-heap");
  info.set_title("Any heap");
  info.set_alignment(8);
  for (const char* value : {"none", "below"}) {
    v1::CounterInfo& counter = *info.add_counters();
    counter.set_name("merges");
    counter.set_help("blocks freed");
    counter.set_label("with");
    counter.set_label_value(value);
  }
  info.add_counters()->set_name("grown_bytes");
  v1::FigureInfo& field = *info.add_block_fields();
  field.set_name("header");
  field.set_unit(v1::FigureInfo::WORD);
  field.set_help("the word");
  info.mutable_example()->add_field_names("header");
  v1::Block& block = *info.mutable_example()->add_blocks();
  block.set_address(0xC0400000);
  block.set_bytes(32);
  block.set_kind(v1::Block::LIVE);
  block.set_payload(0xC0400008);
  block.add_fields(0x21);
  v1::Catalog catalog;
  catalog.set_example_operations("malloc 24");
  *catalog.add_heap_allocators() = info;
  const std::string table = RenderTable(AllocatorDocument(catalog, info), Style(false), 100);
  EXPECT_THAT(table, StartsWith("any-heap: Any heap\n"));
  EXPECT_THAT(table, HasSubstr("FIRST BLOCKS AFTER MALLOC 24\n"));
  EXPECT_THAT(table, HasSubstr("0xC0400000     32  live  0xC0400008  0x00000021\n"));
  EXPECT_THAT(table, HasSubstr("merges       with=none|below  count  blocks freed\n"));
  EXPECT_THAT(table, HasSubstr("grown_bytes                   bytes\n"));
  EXPECT_THAT(table, HasSubstr("FIELDS OF A BLOCK\nname    unit  meaning\nheader  word  the word\n"));
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
  ExpectGolden(RenderTable(RunDocument(SampleRun(), 100, SampleUnits()), Style(false), 100),
               std::string(kTestdata) + "run.table");
}
TEST(RunView, Csv) {
  ExpectGolden(RenderCsv(RunDocument(SampleRun(), 100, SampleUnits())), std::string(kTestdata) + "run.csv");
}
TEST(RunView, Markdown) {
  ExpectGolden(RenderMarkdown(RunDocument(SampleRun(), 100, SampleUnits())), std::string(kTestdata) + "run.md");
}

TEST(RunView, CancelledAndDamagedRunsSaySo) {
  v1::Run run = SampleRun();
  run.set_state(v1::Run::CANCELLED);
  run.set_operations_done(10);
  run.mutable_result()->mutable_exact()->set_violations(2);
  const std::string table = RenderTable(RunDocument(run, 100, {}), Style(false), 100);
  EXPECT_THAT(table, HasSubstr("Cancelled after 10 of 20,000 operations: the figures are of what was done until then."));
  EXPECT_THAT(table, HasSubstr("2 broken invariants at the end"));
}

TEST(RunView, AFailedRunWithoutResultShowsItsError) {
  v1::Run run;
  run.set_id(3);
  run.set_state(v1::Run::FAILED);
  run.set_error("RAM too small");
  EXPECT_THAT(RenderTable(RunDocument(run, 80, {}), Style(false), 100), HasSubstr("RAM too small"));
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

TEST(RunView, RatiosThatCannotBeAreNone) {
  v1::Counters counters;
  counters.set_live_requested_peak_bytes(8ull << 30);
  counters.set_heap_size_peak_bytes(8'192);
  counters.set_live_requested_bytes(160);
  v1::HeapShape heap;
  heap.set_live_block_bytes(100);
  heap.set_free_bytes(10);
  heap.set_largest_free_bytes(40);
  EXPECT_EQ(RatiosOf(counters, heap).peak_utilisation, std::nullopt);
  EXPECT_EQ(RatiosOf(counters, heap).internal_fragmentation, std::nullopt);
  EXPECT_EQ(RatiosOf(counters, heap).external_fragmentation, std::nullopt);
}

std::string Statistics(const v1::Statistics& statistics) {
  Document document;
  document.sections = CounterSections(
      {.counters = statistics.counters(), .heap = &statistics.heap(), .pages = &statistics.pages(), .width = 100, .units = {}});
  return RenderTable(document, Style(false), 100);
}

TEST(Counters, WhatABrokenChainDoesNotTellIsUnknown) {
  v1::Statistics statistics;
  v1::HeapShape& heap = *statistics.mutable_heap();
  heap.set_start(0xC0400000);
  heap.set_brk(0xC0401000);
  v1::PageShape& pages = *statistics.mutable_pages();
  pages.set_arena_bytes(1020 << 10);
  pages.set_free_bytes(512 << 10);
  EXPECT_THAT(Statistics(statistics), Not(HasSubstr("unknown")));
  heap.mutable_broken()->set_what("a header of 0");
  const std::string broken = Statistics(statistics);
  EXPECT_THAT(broken, testing::ContainsRegex("heap now +4 KiB\n"));
  for (const char* name :
       {"free now", "free blocks now", "largest free block", "internal fragmentation", "external fragmentation"}) {
    EXPECT_THAT(broken, testing::ContainsRegex(std::string(name) + " +unknown\n"));
  }
  EXPECT_THAT(broken, testing::ContainsRegex("free +512 KiB\n")) << "of the pages";
  pages.mutable_broken()->set_what("a circle");
  EXPECT_THAT(Statistics(statistics),
              testing::ContainsRegex("free +unknown\nfree blocks +unknown\nlargest free block +unknown\n"));
}

TEST(BrokenSentence, SpellsAnAddressInOneWay) {
  v1::BrokenWalk broken;
  broken.set_address(0xC04000F0);
  broken.set_what("the header at 0xc04000f0 is 0xabc; expected a size");
  EXPECT_EQ(BrokenSentence(broken),
            "The chain of blocks is broken at 0xC04000F0: the header at 0xC04000F0 is 0xABC; expected a size.");
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
