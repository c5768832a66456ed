#include "clients/cli/inspect_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "alloclab/v1/inspect.grpc.pb.h"
#include "clients/cli/counters_view.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/memory_map.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::chrono::milliseconds kWalkTimeout{60'000};
constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint64_t kListMax = 1'000;

struct Arguments {
  std::string instance;
  std::uint32_t from = 0;
  std::uint32_t to = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t lines = 16;
  std::uint64_t limit = kListMax;
  bool list = false;
};

// Streams a walk until it ends or `take` says no more.
template <typename Page>
absl::Status Walk(Connection& connection,
                  std::unique_ptr<grpc::ClientReader<Page>> (v1::Inspect::Stub::*method)(grpc::ClientContext*,
                                                                                         const v1::WalkRequest&),
                  const Arguments& given, std::uint64_t limit, const std::function<bool(const Page&)>& take) {
  v1::WalkRequest request;
  request.set_instance(given.instance);
  request.set_from(given.from);
  request.set_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, std::numeric_limits<std::uint32_t>::max())));
  v1::Inspect::Stub stub(connection.channel());
  const auto context = connection.MakeContext(std::max(kWalkTimeout, connection.options().timeout));
  const auto reader = (stub.*method)(context.get(), request);
  Page page;
  bool more = true;
  while (more && reader->Read(&page)) more = take(page);
  if (!more) context->TryCancel();
  const grpc::Status status = reader->Finish();
  if (status.ok() || !more) return absl::OkStatus();
  return WithInstanceNames(connection.Explain(status), given.instance, connection);
}

// Reads footers, a page of memory at a time.
class Footers {
 public:
  Footers(Connection& connection, std::string instance) : connection_(connection), instance_(std::move(instance)) {}

  // The last word of the chunk; nothing if its page has no frame.
  std::optional<std::uint32_t> Of(const v1::Chunk& chunk) {
    const std::uint32_t address = chunk.address() + chunk.bytes() - 4;
    const std::string& page = Page(address / kPageBytes * kPageBytes);
    const std::size_t offset = address % kPageBytes;
    if (page.size() < offset + 4) return std::nullopt;
    std::uint32_t word = 0;
    for (std::size_t i = 4; i-- > 0;) word = word << 8 | static_cast<std::uint8_t>(page[offset + i]);
    return word;
  }

 private:
  const std::string& Page(std::uint32_t address) {
    if (page_address_ != address) {
      v1::ReadMemoryRequest request;
      request.set_instance(instance_);
      request.set_address(address);
      request.set_bytes(kPageBytes);
      absl::StatusOr<v1::ReadMemoryReply> reply = connection_.Call(&v1::Inspect::Stub::ReadMemory, request);
      page_ = reply.ok() ? std::move(*reply->mutable_data()) : "";
      page_address_ = address;
    }
    return page_;
  }

  Connection& connection_;
  const std::string instance_;
  std::optional<std::uint32_t> page_address_;
  std::string page_;
};

void NoteIfCut(Session& session, std::uint64_t shown, const Arguments& given) {
  if (shown == given.limit) session.Note(fmt::format("Listing ends after {}; --limit 0 lists all.", Count(shown)));
}

CommandResult ListHeap(Session& session, const Arguments& given) {
  v1::ChunkPage all;
  absl::Status status = Walk<v1::ChunkPage>(session.connection(), &v1::Inspect::Stub::WalkChunks, given, given.limit,
                                            [&](const v1::ChunkPage& page) {
                                              for (const v1::Chunk& chunk : page.chunks()) {
                                                if (chunk.address() >= given.to) return false;
                                                *all.add_chunks() = chunk;
                                              }
                                              all.set_brk(page.brk());
                                              return true;
                                            });
  if (!status.ok()) return status;
  NoteIfCut(session, static_cast<std::uint64_t>(all.chunks_size()), given);
  if (session.output() == OutputFormat::kJson) return Done(session.Show(all, {}));  // without reading footers
  Section table;
  table.columns = {{"address"}, {"bytes", true}, {"state"}, {"header"}, {"flags"}, {"footer"}};
  Footers footers(session.connection(), given.instance);
  for (const v1::Chunk& chunk : all.chunks()) {
    const std::optional<std::uint32_t> footer = chunk.allocated() ? std::nullopt : footers.Of(chunk);
    const std::string flags = fmt::format("{} {}", chunk.allocated() ? "A" : "-", chunk.previous_free() ? "P" : "-");
    table.rows.push_back({AddressCell(chunk.address()),
                          {Count(chunk.bytes()), std::to_string(chunk.bytes())},
                          TextCell(chunk.allocated() ? "live" : "free", chunk.allocated() ? Tone::kLive : Tone::kFree),
                          AddressCell(chunk.header()),
                          TextCell(flags),
                          footer ? AddressCell(*footer) : TextCell("-")});
  }
  Document document;
  document.sections.push_back(std::move(table));
  document.footer.push_back(
      "Flags: A allocated (bit 0), P the previous chunk is free (bit 1). Only free chunks have a footer.");
  return Done(session.Show(all, document));
}

std::string HeapHeading(const std::string& instance, const v1::HeapShape& heap) {
  const MemoryRatios ratios = RatiosOf({}, heap);
  std::string heading =
      fmt::format("heap of {}: {} to {}, {}; {}, {}; {} free, {}", instance, Address(heap.start()), Address(heap.brk()),
                  Bytes(heap.brk() - heap.start()), Count(heap.live_blocks(), "live block"), Bytes(heap.live_block_bytes()),
                  Count(heap.free_blocks()), Bytes(heap.free_bytes()));
  if (ratios.external_fragmentation) {
    heading += fmt::format(", largest {}; external fragmentation {}", Bytes(heap.largest_free_bytes()),
                           Percent(*ratios.external_fragmentation));
  }
  return heading;
}

absl::StatusOr<v1::Statistics> Statistics(Session& session, const std::string& instance) {
  v1::GetStatisticsRequest request;
  request.set_instance(instance);
  absl::StatusOr<v1::Statistics> reply = session.connection().Call(&v1::Inspect::Stub::GetStatistics, request);
  if (!reply.ok()) return WithInstanceNames(reply.status(), instance, session.connection());
  return reply;
}

// A map of what the window from..to shows of [first, end).
absl::StatusOr<MemoryMap> Window(Session& session, const Arguments& given, std::uint64_t first, std::uint64_t end) {
  const std::uint64_t from = std::max<std::uint64_t>(first, given.from);
  const std::uint64_t to = given.to == std::numeric_limits<std::uint32_t>::max() ? end : std::min<std::uint64_t>(end, given.to);
  if (from < to)
    return MemoryMap(from, to, session.width(), static_cast<int>(std::clamp<std::uint64_t>(given.lines, 1, 1'000)));
  return absl::InvalidArgumentError(fmt::format("--from and --to leave nothing of {} to {}",
                                                Address(static_cast<std::uint32_t>(first)),
                                                Address(static_cast<std::uint32_t>(end - 1))));
}

CommandResult ShowMap(Session& session, std::string heading, const MemoryMap& map) {
  Section picture;
  picture.picture = map.Draw(session.style());
  Document document;
  document.heading = std::move(heading);
  document.sections.push_back(std::move(picture));
  return Done(session.Print(RenderTable(document, session.style(), session.width())));
}

CommandResult MapHeap(Session& session, const Arguments& given) {
  const absl::StatusOr<v1::Statistics> statistics = Statistics(session, given.instance);
  if (!statistics.ok()) return statistics.status();
  if (!statistics->has_heap()) return absl::FailedPreconditionError(fmt::format("instance {} has no heap", given.instance));
  const v1::HeapShape& heap = statistics->heap();
  absl::StatusOr<MemoryMap> map = Window(session, given, heap.start(), heap.brk());
  if (!map.ok()) return map.status();
  absl::Status status =
      Walk<v1::ChunkPage>(session.connection(), &v1::Inspect::Stub::WalkChunks, given, 0, [&](const v1::ChunkPage& page) {
        for (const v1::Chunk& chunk : page.chunks()) {
          map->Add(chunk.address(), std::uint64_t{chunk.address()} + chunk.bytes(), chunk.allocated());
        }
        return page.chunks().empty() || page.chunks().rbegin()->address() < given.to;
      });
  if (!status.ok()) return status;
  return ShowMap(session, HeapHeading(given.instance, heap), *map);
}

CommandResult ListRuns(Session& session, const Arguments& given) {
  v1::RunPage all;
  absl::Status status =
      Walk<v1::RunPage>(session.connection(), &v1::Inspect::Stub::WalkRuns, given, given.limit, [&](const v1::RunPage& page) {
        for (const v1::FreeRun& run : page.runs()) {
          if (run.address() >= given.to) return false;
          *all.add_runs() = run;
        }
        return true;
      });
  if (!status.ok()) return status;
  Section table;
  table.columns = {{"address"}, {"bytes", true}, {"pages", true}};
  for (const v1::FreeRun& run : all.runs()) {
    table.rows.push_back({AddressCell(run.address()), BytesCell(run.bytes()), CountCell(run.bytes() / kPageBytes)});
  }
  Document document;
  document.sections.push_back(std::move(table));
  status = session.Show(all, document);
  NoteIfCut(session, static_cast<std::uint64_t>(all.runs_size()), given);
  return Done(status);
}

CommandResult MapRuns(Session& session, const Arguments& given) {
  const absl::StatusOr<v1::Statistics> statistics = Statistics(session, given.instance);
  if (!statistics.ok()) return statistics.status();
  const v1::PageShape& pages = statistics->pages();
  const std::uint64_t end = pages.arena_first() + pages.arena_bytes();
  absl::StatusOr<MemoryMap> map = Window(session, given, pages.arena_first(), end);
  if (!map.ok()) return map.status();
  Arguments whole = given;  // what lies between two free runs is live, so the walk begins at the first
  whole.from = 0;
  std::uint64_t behind = pages.arena_first();
  absl::Status status =
      Walk<v1::RunPage>(session.connection(), &v1::Inspect::Stub::WalkRuns, whole, 0, [&](const v1::RunPage& page) {
        for (const v1::FreeRun& run : page.runs()) {
          map->Add(behind, run.address(), true);
          behind = std::uint64_t{run.address()} + run.bytes();
          map->Add(run.address(), behind, false);
        }
        return behind < given.to;
      });
  if (!status.ok()) return status;
  map->Add(behind, end, true);
  return ShowMap(session,
                 fmt::format("arena of {}: {} from {}; {} free in {}, largest {}", given.instance, Bytes(pages.arena_bytes()),
                             Address(pages.arena_first()), Bytes(pages.free_bytes()), Count(pages.runs(), "run"),
                             Bytes(pages.largest_run_bytes())),
                 *map);
}

using Action = CommandResult (*)(Session&, const Arguments&);

CLI::App* AddMap(CLI::App& group, const char* name, const char* description, const char* example, Command& chosen, Action map,
                 Action list) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = AddCommand(group, name, description, example, chosen, [given, map, list](Session& session) {
    const bool draw = !given->list && session.output() == OutputFormat::kTable;
    return (draw ? map : list)(session, *given);
  });
  command->add_option("INSTANCE", given->instance, "Name or id")->required()->type_name("INSTANCE");
  AddAddress(*command, "--from", given->from, "Zoom: first address");
  AddAddress(*command, "--to", given->to, "Zoom: one past the last address");
  AddCount(*command, "--lines", given->lines, "Lines of the picture (default 16)");
  command->add_flag("--list", given->list, "A table instead of the picture");
  AddCount(*command, "--limit", given->limit, "Rows of the table at most (default 1000, 0 is all)");
  return command;
}

}  // namespace

void RegisterInspectMaps(CLI::App& group, Command& chosen) {
  AddMap(group, "heap", "A map of the heap, or its chunks with header, footer and flags", "alloclab inspect heap demo", chosen,
         MapHeap, ListHeap);
  AddMap(group, "runs", "A map of the page allocator's arena, or its free runs", "alloclab inspect runs demo --list", chosen,
         MapRuns, ListRuns);
}

}  // namespace alloclab::client
