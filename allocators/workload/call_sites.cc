#include "allocators/workload/call_sites.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace alloclab {
namespace {

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The site's frames from the caller on.
std::vector<const CallFrame*> FramesFromCaller(const SiteTable& table, std::uint32_t site) {
  std::vector<const CallFrame*> frames;
  if (site == 0 || site > table.sites.size()) return frames;
  for (const std::uint32_t frame : table.sites[site - 1]) {
    const CallFrame& call = table.frames[frame];
    if (!frames.empty() || !call.function.starts_with("operator new")) frames.push_back(&call);
  }
  return frames;
}

}  // namespace

std::uint64_t SiteTable::host_bytes() const {
  std::uint64_t bytes = frames.capacity() * sizeof(CallFrame) + sites.capacity() * sizeof(sites[0]);
  for (const CallFrame& frame : frames) {
    bytes += frame.module.capacity() + frame.function.capacity() + frame.source.capacity();
  }
  for (const std::vector<std::uint32_t>& site : sites) bytes += site.capacity() * sizeof(site[0]);
  return bytes;
}

std::string FrameName(const CallFrame& frame) {
  if (frame.function.empty()) return absl::StrFormat("%s+0x%x", BaseName(frame.module), frame.offset);
  const std::string function = absl::StrReplaceAll(frame.function, {{"(anonymous namespace)::", ""}});
  if (frame.source.empty()) return function;
  return absl::StrFormat("%s (%s:%d)", function, BaseName(frame.source), frame.line);
}

const CallFrame* CallerOf(const SiteTable& table, std::uint32_t site) {
  const std::vector<const CallFrame*> frames = FramesFromCaller(table, site);
  return frames.empty() ? nullptr : frames.front();
}

std::string SiteName(const SiteTable& table, std::uint32_t site, std::size_t frames_max) {
  if (site == 0) return {};
  std::vector<std::string> names;
  for (const CallFrame* frame : FramesFromCaller(table, site)) {
    if (names.size() == frames_max) break;
    names.push_back(FrameName(*frame));
  }
  return names.empty() ? absl::StrFormat("site %d", site) : absl::StrJoin(names, " < ");
}

std::string ShortSiteName(const SiteTable& table, std::uint32_t site) {
  std::string name = SiteName(table, site, kSiteNameFrames);
  if (name.size() > kSiteNameMax) name.replace(kSiteNameMax - 3, name.npos, "...");
  return name;
}

absl::StatusOr<std::vector<std::uint32_t>> AddSites(const SiteTable& more, std::uint32_t sites_max, SiteTable& table) {
  const auto key = [](const CallFrame& frame) {
    return std::tie(frame.module, frame.offset, frame.function, frame.source, frame.line);
  };
  const auto before = [&key](const CallFrame& a, const CallFrame& b) { return key(a) < key(b); };
  std::map<CallFrame, std::uint32_t, decltype(before)> frames(before);
  std::map<std::vector<std::uint32_t>, std::uint32_t> sites;
  for (const CallFrame& frame : table.frames) frames.try_emplace(frame, static_cast<std::uint32_t>(frames.size()));
  for (std::size_t i = 0; i < table.sites.size(); ++i) sites.try_emplace(table.sites[i], static_cast<std::uint32_t>(i + 1));
  std::vector<std::uint32_t> numbers = {0};
  for (std::uint32_t site = 1; site <= sites_max; ++site) {
    std::vector<std::uint32_t> stack;
    if (site <= more.sites.size()) stack = more.sites[site - 1];
    for (std::uint32_t& frame : stack) {
      const auto [known, fresh] = frames.try_emplace(more.frames[frame], static_cast<std::uint32_t>(table.frames.size()));
      if (fresh) table.frames.push_back(more.frames[frame]);
      frame = known->second;
    }
    const auto known = stack.empty() ? sites.end() : sites.find(stack);  // of one that is not told nothing says what it is
    numbers.push_back(known != sites.end() ? known->second : static_cast<std::uint32_t>(table.sites.size() + 1));
    if (known != sites.end()) continue;
    sites.try_emplace(stack, numbers.back());
    table.sites.push_back(std::move(stack));
  }
  if (table.sites.size() > kSitesMax || table.frames.size() > kSiteFramesMax) {
    return absl::InvalidArgumentError(absl::StrFormat("%d call sites of %d calls; expected at most %d of %d",
                                                      table.sites.size(), table.frames.size(), kSitesMax, kSiteFramesMax));
  }
  return numbers;
}

}  // namespace alloclab
