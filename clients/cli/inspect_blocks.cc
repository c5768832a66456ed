#include "clients/cli/inspect_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "alloclab/v1/inspect.grpc.pb.h"
#include "clients/cli/block_walk.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/memory_map.h"
#include "clients/cli/redraw.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kListMax = 1'000;
constexpr std::uint64_t kLines = 16, kLinesMax = 1'000;
constexpr std::chrono::milliseconds kInterval{1'000};

struct Arguments {
  std::string instance;
  v1::AllocatorKind allocator = v1::HEAP;
  std::uint32_t from = 0;
  std::uint32_t to = std::numeric_limits<std::uint32_t>::max();  // the last address: no end
  std::uint64_t lines = kLines;
  std::uint64_t limit = kListMax;
  bool list = false;
  bool watch = false;
  std::chrono::milliseconds interval = kInterval;

  std::uint64_t end() const { return to == std::numeric_limits<std::uint32_t>::max() ? std::uint64_t{1} << 32 : to; }
};

MemoryMap::Kind MapKind(v1::Block::Kind kind) {
  switch (kind) {
    case v1::Block::FREE:
      return MemoryMap::Kind::kFree;
    case v1::Block::METADATA:
      return MemoryMap::Kind::kMetadata;
    default:
      return MemoryMap::Kind::kLive;
  }
}

Cell KindCell(v1::Block::Kind kind) {
  switch (kind) {
    case v1::Block::FREE:
      return TextCell("free", Tone::kFree);
    case v1::Block::METADATA:
      return TextCell("metadata", Tone::kMeta);
    default:
      return TextCell("live", Tone::kLive);
  }
}

std::string CannotShowBehind(const v1::BrokenWalk& broken) {
  return BrokenSentence(broken) + " What lies behind cannot be shown.";
}

ExitCode CodeOf(const v1::BlockList& said) { return said.has_broken() ? ExitCode::kViolation : ExitCode::kOk; }

CommandResult List(Session& session, const Arguments& given) {
  v1::BlockList blocks;
  absl::StatusOr<v1::BlockList> said = WalkBlocks(
      session.connection(),
      {.instance = given.instance, .allocator = given.allocator, .from = given.from, .to = given.end(), .limit = given.limit},
      [&blocks](const v1::Block& block) { *blocks.add_blocks() = block; });
  if (!said.ok()) return said.status();
  said->mutable_blocks()->Swap(blocks.mutable_blocks());
  if (given.limit != 0 && static_cast<std::uint64_t>(said->blocks_size()) == given.limit) {
    session.Note(fmt::format("Listing ends after {}; --limit 0 lists all.", Count(given.limit)));
  }
  const FigureUnits units(CatalogOrNothing(session.connection()));
  std::string addresses;
  for (const v1::Block& block : said->blocks()) addresses += Address(block.address()) + "\n";
  absl::Status shown = session.Show(*said, BlockListDocument(*said, units), addresses);
  const bool footer = session.output() == OutputFormat::kTable || session.output() == OutputFormat::kMarkdown;
  if (said->has_broken() && !footer) session.Note(CannotShowBehind(said->broken()));
  return Done(shown, CodeOf(*said));
}

absl::StatusOr<v1::Statistics> Statistics(Session& session, const std::string& instance) {
  v1::GetStatisticsRequest request;
  request.set_instance(instance);
  absl::StatusOr<v1::Statistics> reply = session.connection().Call(&v1::Inspect::Stub::GetStatistics, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), instance, session.connection());
  return reply;
}

// Of a broken chain the figures are those of a part.
constexpr const char kBlocksUnknown[] = "its blocks are unknown";

std::string HeapHeading(const std::string& instance, const v1::HeapShape& heap, bool broken) {
  std::string heading = fmt::format("heap of {}: {} to {}, {}; ", instance, Address(heap.start()), Address(heap.brk()),
                                    Bytes(heap.brk() - heap.start()));
  if (broken || heap.has_broken()) return heading + kBlocksUnknown;
  heading += fmt::format("{}, {}; {} free, {}", Count(heap.live_blocks(), "live block"), Bytes(heap.live_block_bytes()),
                         Count(heap.free_blocks()), Bytes(heap.free_bytes()));
  const MemoryRatios ratios = RatiosOf({}, heap);
  if (ratios.external_fragmentation) {
    heading += fmt::format(", largest {}; external fragmentation {}", Bytes(heap.largest_free_bytes()),
                           Percent(*ratios.external_fragmentation));
  }
  return heading;
}

std::string PagesHeading(const std::string& instance, const v1::PageShape& pages, bool broken) {
  const std::string heading =
      fmt::format("pages of {}: {} from {}; ", instance, Bytes(pages.arena_bytes()), Address(pages.arena_first()));
  if (broken || pages.has_broken()) return heading + kBlocksUnknown;
  return heading + fmt::format("{}, {}, largest {}", Count(pages.free_blocks(), "free block"), Bytes(pages.free_bytes()),
                               Bytes(pages.largest_free_bytes()));
}

// A map of what the window from..to shows of [first, end).
absl::StatusOr<MemoryMap> Window(Session& session, const Arguments& given, std::uint64_t first, std::uint64_t end) {
  const std::uint64_t from = std::max<std::uint64_t>(first, given.from), to = std::min(end, given.end());
  if (from < to) return MemoryMap(from, to, session.width(), static_cast<int>(given.lines));
  if (first == end) return absl::FailedPreconditionError(fmt::format("the heap of {} is empty", given.instance));
  return absl::InvalidArgumentError(fmt::format("--from and --to leave nothing of {} to {}",
                                                Address(static_cast<std::uint32_t>(first)),
                                                Address(static_cast<std::uint32_t>(end - 1))));
}

absl::StatusOr<Document> Picture(Session& session, const Arguments& given, const v1::Statistics& statistics) {
  const bool heap = given.allocator == v1::HEAP;
  const v1::PageShape& pages = statistics.pages();
  const std::uint64_t first = heap ? statistics.heap().start() : pages.arena_first();
  const std::uint64_t end = heap ? std::uint64_t{statistics.heap().brk()} : pages.arena_first() + pages.arena_bytes();
  absl::StatusOr<MemoryMap> map = Window(session, given, first, end);
  if (!map.ok()) return map.status();
  // The page allocator may show its free blocks only, in any order: whatever lies between them is live.
  const absl::StatusOr<v1::BlockList> said = WalkBlocks(
      session.connection(),
      {.instance = given.instance, .allocator = given.allocator, .from = heap ? given.from : 0, .to = given.end()},
      [&map](const v1::Block& block) { map->Add(block.address(), block.address() + block.bytes(), MapKind(block.kind())); });
  if (!said.ok()) return said.status();
  if (!heap && !said->has_broken()) map->FillRest(MemoryMap::Kind::kLive);
  Document document;
  document.heading = heap ? HeapHeading(given.instance, statistics.heap(), said->has_broken())
                          : PagesHeading(given.instance, pages, said->has_broken());
  document.sections.emplace_back().picture = map->Draw(session.style());
  if (said->has_broken()) document.footer.push_back(session.style().Paint(Tone::kBad, CannotShowBehind(said->broken())));
  return document;
}

CommandResult Draw(Session& session, const Arguments& given) {
  const absl::StatusOr<v1::Statistics> statistics = Statistics(session, given.instance);
  if (!statistics.ok()) return statistics.status();
  if (given.allocator == v1::HEAP && !statistics->has_heap()) {
    return absl::FailedPreconditionError(fmt::format("instance {} has no heap", given.instance));
  }
  const absl::StatusOr<Document> document = Picture(session, given, *statistics);
  if (!document.ok()) return document.status();
  return Done(session.Print(RenderTable(*document, session.style(), session.width())),
              document->footer.empty() ? ExitCode::kOk : ExitCode::kViolation);
}

// Options of the picture say nothing about the list, and the other way round.
absl::Status CheckFit(const Arguments& given, bool draw) {
  if (given.lines > kLinesMax) return absl::InvalidArgumentError(fmt::format("--lines: at most {}", Count(kLinesMax)));
  if (draw && given.limit != kListMax) return absl::InvalidArgumentError("--limit: only for the table of --list");
  if (!draw && given.watch) return absl::InvalidArgumentError("--watch: only for the picture, not for a list");
  if (!given.watch && given.interval != kInterval) return absl::InvalidArgumentError("--interval: only with --watch");
  if (!draw && given.lines != kLines) return absl::InvalidArgumentError("--lines: only for the picture, not for a list");
  return absl::OkStatus();
}

void AddBlocks(CLI::App& group, v1::AllocatorKind allocator, const char* name, const char* description, const char* example,
               Command& chosen) {
  const auto given = std::make_shared<Arguments>();
  given->allocator = allocator;
  CLI::App* command = AddCommand(group, name, description, example, chosen, [given](Session& session) {
    const bool draw = !given->list && session.output() == OutputFormat::kTable && !session.options().quiet;
    if (absl::Status status = CheckFit(*given, draw); !status.ok()) return CommandResult(status);
    if (given->watch) return DrawUntilInterrupted(session, given->interval, [&] { return Draw(session, *given); });
    return draw ? Draw(session, *given) : List(session, *given);
  });
  command->add_option("INSTANCE", given->instance, "Name or id")->required()->type_name("INSTANCE");
  AddAddress(*command, "--from", given->from, "Zoom: first address");
  AddAddress(*command, "--to", given->to, "Zoom: one past the last address");
  AddPositiveCount(*command, "--lines", given->lines, "Lines of the picture at most (default 16)", "a picture has a line");
  command->add_flag("--watch", given->watch, "Draw the picture again and again, until Ctrl-C");
  AddPositiveDuration(*command, "--interval", given->interval, "How often --watch draws (default 1s)", "a picture takes time");
  command->add_flag("--list", given->list, "A table instead of the picture");
  AddCount(*command, "--limit", given->limit, "Rows of the table at most (default 1000, 0 is all)");
}

}  // namespace

Document BlockListDocument(const v1::BlockList& list, const FigureUnits& units) {
  Section table;
  table.columns = {{"address"}, {"bytes", true}, {"kind"}, {"payload"}};
  for (const std::string& name : list.field_names()) {
    const v1::FigureInfo::Unit unit = units.Of(name);
    table.columns.push_back({PlainName(name), unit == v1::FigureInfo::COUNT || unit == v1::FigureInfo::BYTES});
  }
  for (const v1::Block& block : list.blocks()) {
    std::vector<Cell> row = {AddressCell(block.address()), CountCell(block.bytes()), KindCell(block.kind()),
                             block.kind() == v1::Block::LIVE ? AddressCell(block.payload()) : Cell{"-", "", Tone::kDim}};
    for (int i = 0; i < list.field_names_size(); ++i) {
      row.push_back(i < block.fields_size() ? FigureCell(block.fields(i), units.Of(list.field_names(i))) : TextCell("-"));
    }
    table.rows.push_back(std::move(row));
  }
  Document document;
  document.sections.push_back(std::move(table));
  if (list.has_broken()) document.footer.push_back(CannotShowBehind(list.broken()));
  return document;
}

absl::StatusOr<Document> MapDocument(Session& session, const std::string& instance, const v1::Statistics& statistics,
                                     std::uint64_t lines) {
  Arguments given;
  given.instance = instance;
  given.allocator = statistics.has_heap() ? v1::HEAP : v1::PAGES;
  given.lines = lines;
  return Picture(session, given, statistics);
}

void RegisterInspectBlocks(CLI::App& group, Command& chosen) {
  AddBlocks(group, v1::HEAP, "heap",
            "A map of the heap, or its blocks with their fields (exit code 5 if their chain is broken)",
            "alloclab inspect heap demo", chosen);
  AddBlocks(group, v1::PAGES, "pages", "A map of the page allocator's arena, or its blocks with their fields",
            "alloclab inspect pages demo --list", chosen);
}

}  // namespace alloclab::client
