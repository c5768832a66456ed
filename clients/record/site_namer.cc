#include "clients/record/site_namer.h"

#include <algorithm>
#include <cstring>

namespace alloclab::client {
namespace {

constexpr std::uint64_t kOffsetMask = (1ull << recorder::kModuleShift) - 1;

// Empty: of no module, or the program went wild.
std::string ModulePath(const recorder::Memory& memory, std::uint64_t frame) {
  const std::uint64_t number = frame >> recorder::kModuleShift;
  if (number == 0 || number > recorder::kModulesMax) return {};
  const recorder::Module& module = memory.modules[number - 1];
  if (module.told.load(std::memory_order_acquire) == 0) return {};
  return {module.path, strnlen(module.path, recorder::kProgramBytes)};
}

}  // namespace

SiteTable SiteNamer::Tell(const std::vector<std::uint32_t>& places) {
  SiteTable table;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> known;
  for (const std::uint32_t place : places) {
    const recorder::Site& site = memory_.sites[place - 1];
    const std::uint32_t depth = std::min(site.depth.load(std::memory_order_acquire), recorder::kStackMax);
    std::vector<std::uint32_t>& frames = table.sites.emplace_back();
    for (std::uint32_t i = 0; i < depth; ++i) {
      const auto [entry, fresh] = known.try_emplace(site.frames[i], static_cast<std::uint32_t>(table.frames.size()));
      if (fresh) {
        table.frames.push_back({.module = ModulePath(memory_, site.frames[i]), .offset = site.frames[i] & kOffsetMask});
      }
      frames.push_back(entry->second);
    }
  }
  Name(table);
  return table;
}

void SiteNamer::Name(SiteTable& table) {
  std::map<std::string, std::vector<CallFrame*>> frames;
  for (CallFrame& frame : table.frames) {
    if (!frame.module.empty()) frames[frame.module].push_back(&frame);
  }
  for (const auto& [path, calls] : frames) {
    const ModuleSymbols& symbols = modules_.try_emplace(path, path).first->second;
    std::vector<std::uint32_t> offsets;
    for (const CallFrame* call : calls) {
      if (call->offset <= UINT32_MAX) offsets.push_back(static_cast<std::uint32_t>(call->offset));
    }
    const std::map<std::uint32_t, SourceLine> lines = symbols.LinesOf(offsets);
    for (CallFrame* const call : calls) {
      call->function = symbols.FunctionAt(call->offset);
      const auto line = call->offset <= UINT32_MAX ? lines.find(static_cast<std::uint32_t>(call->offset)) : lines.end();
      if (line == lines.end()) continue;
      call->source = line->second.file;
      call->line = static_cast<std::uint32_t>(line->second.line);
    }
  }
}

}  // namespace alloclab::client
