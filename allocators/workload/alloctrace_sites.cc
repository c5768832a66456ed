// The table of call sites in .alloctrace files.
#include <algorithm>
#include <functional>

#include "allocators/common/check.h"
#include "allocators/workload/alloctrace_codec.h"

namespace alloclab::alloctrace {
namespace {

constexpr std::size_t kCountBytesMax = 3;  // of a varint up to kFrameBytesMax
constexpr std::size_t kSiteBytesMax = 1 + kSiteDepthMax * 4;

std::string EncodeFrame(const CallFrame& frame) {
  std::string out;
  for (const std::string& text : {frame.module, frame.function, frame.source}) {
    ALLOCLAB_CHECK(text.size() <= kFrameTextMax && IsAttributeText(text));
    AppendText(text, out);
  }
  AppendVarint(frame.offset, out);
  AppendVarint(frame.line, out);
  return out;
}

std::string EncodeSite(const std::vector<std::uint32_t>& site, std::size_t frames) {
  const auto end = std::find_if(site.begin(), site.end(), [frames](std::uint32_t frame) { return frame >= frames; });
  const auto depth = std::min<std::size_t>(static_cast<std::size_t>(end - site.begin()), kSiteDepthMax);
  std::string out;
  AppendVarint(depth, out);
  for (std::size_t i = 0; i < depth; ++i) AppendVarint(site[i], out);
  return out;
}

// Pieces of so many items each as fit, behind their number; `frames` says of what. Returns how many items were taken.
std::size_t EncodeItems(std::size_t count, std::size_t bytes_max, bool frames,
                        const std::function<std::string(std::size_t)>& encode, std::vector<std::string>& pieces) {
  std::size_t done = 0, total = 0;
  while (done < count) {
    std::string items;
    std::size_t in_piece = 0;
    while (done + in_piece < count) {
      const std::string item = encode(done + in_piece);
      if (items.size() + item.size() + 2 * kCountBytesMax > kFrameBytesMax || total + item.size() > bytes_max) break;
      total += item.size();
      items += item;
      ++in_piece;
    }
    if (in_piece == 0) break;
    std::string piece;
    AppendVarint(frames ? in_piece : 0, piece);
    if (frames) piece += items;
    AppendVarint(frames ? 0 : in_piece, piece);
    if (!frames) piece += items;
    pieces.push_back(std::move(piece));
    done += in_piece;
  }
  return done;
}

}  // namespace

std::vector<std::string> EncodeSites(const SiteTable& table) {
  ALLOCLAB_CHECK_LE(table.sites.size(), std::size_t{kSitesMax});
  std::vector<std::string> pieces;
  constexpr std::size_t kSitesBytes = kSitesMax * kSiteBytesMax, kPieces = 64;
  static_assert(kSitesBytes < kSiteTableBytesMax);
  const std::size_t frames = EncodeItems(
      std::min(table.frames.size(), kSiteFramesMax), kSiteTableBytesMax - kSitesBytes - kPieces * 2 * kCountBytesMax, true,
      [&table](std::size_t i) { return EncodeFrame(table.frames[i]); }, pieces);
  EncodeItems(
      table.sites.size(), kSitesBytes, false, [&](std::size_t i) { return EncodeSite(table.sites[i], frames); }, pieces);
  return pieces;
}

bool ParseSites(std::string_view bytes, SiteTable& table) {
  Parser parser{bytes};
  const std::uint64_t frames = parser.Varint();
  if (frames > kSiteFramesMax - table.frames.size()) parser.ok = false;
  for (std::uint64_t i = 0; i < frames && parser.ok; ++i) {
    CallFrame frame;
    for (std::string* const text : {&frame.module, &frame.function, &frame.source}) *text = ParseText(parser, kFrameTextMax);
    frame.offset = parser.Varint();
    frame.line = parser.Varint32();
    table.frames.push_back(std::move(frame));
  }
  const std::uint64_t sites = parser.ok ? parser.Varint() : 0;
  if (sites > kSitesMax - table.sites.size()) parser.ok = false;
  for (std::uint64_t i = 0; i < sites && parser.ok; ++i) {
    const std::uint64_t depth = parser.Varint();
    if (depth > kSiteDepthMax) parser.ok = false;
    std::vector<std::uint32_t> site;
    for (std::uint64_t k = 0; k < depth && parser.ok; ++k) {
      site.push_back(parser.Varint32());
      if (site.back() >= table.frames.size()) parser.ok = false;
    }
    table.sites.push_back(std::move(site));
  }
  return parser.ok && parser.rest.empty();
}

}  // namespace alloclab::alloctrace
