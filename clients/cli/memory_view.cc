#include "clients/cli/memory_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint64_t kRowBytes = 16;
constexpr std::uint32_t kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40, kFrame = 0xFFFFF000;

std::uint8_t ByteAt(std::string_view data, std::uint64_t index) { return static_cast<std::uint8_t>(data[index]); }

// Bytes, or little-endian words, of the row at `row`; blanks where the data does not reach.
std::string Hex(const v1::ReadMemoryReply& reply, std::uint64_t row, std::uint64_t unit) {
  std::string out;
  const auto index = [&](std::uint64_t address) { return address - reply.address(); };
  for (std::uint64_t at = row; at < row + kRowBytes; at += unit) {
    if (at != row) out += at % 8 == 0 ? "  " : " ";
    const bool known = at >= reply.address() && index(at + unit) <= reply.data().size();
    for (std::uint64_t byte = unit; byte-- > 0;) {
      out += known ? fmt::format("{:02X}", ByteAt(reply.data(), index(at + byte))) : "  ";
    }
  }
  return out;
}

std::string Text(const v1::ReadMemoryReply& reply, std::uint64_t row) {
  std::string out;
  for (std::uint64_t at = row; at < row + kRowBytes; ++at) {
    const bool known = at >= reply.address() && at - reply.address() < reply.data().size();
    const std::uint8_t byte = known ? ByteAt(reply.data(), at - reply.address()) : ' ';
    out += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
  }
  return out;
}

}  // namespace

Document MemoryDocument(const v1::ReadMemoryReply& reply, bool as_words) {
  Section rows;
  rows.columns = {{"address"}, {as_words ? "words" : "bytes"}, {"text"}};
  const std::uint64_t end = std::uint64_t{reply.address()} + reply.data().size();
  for (std::uint64_t row = reply.address() / kRowBytes * kRowBytes; row < end; row += kRowBytes) {
    rows.rows.push_back({AddressCell(static_cast<std::uint32_t>(row)), TextCell(Hex(reply, row, as_words ? 4 : 1)),
                         TextCell(Text(reply, row), Tone::kDim)});
  }
  Document document;
  document.sections.push_back(std::move(rows));
  return document;
}

std::string EntryBits(std::uint32_t entry) {
  if ((entry & kPresent) == 0) return "not present";
  std::string bits = "P";
  bits += (entry & kWritable) != 0 ? " RW" : " RO";
  bits += (entry & kUser) != 0 ? " U" : " S";
  if ((entry & kAccessed) != 0) bits += " A";
  if ((entry & kDirty) != 0) bits += " D";
  return bits;
}

Document TranslationDocument(const v1::Translation& translation) {
  const bool has_table = (translation.pde() & kPresent) != 0;
  Section walk;
  walk.columns = {{"step"}, {"index", true}, {"entry at"}, {"value"}, {"frame"}, {"bits"}};
  const auto row = [](const char* step, std::uint32_t index, std::uint32_t at, std::uint32_t entry) {
    const bool present = (entry & kPresent) != 0;
    return std::vector<Cell>{TextCell(step),
                             TextCell(std::to_string(index)),
                             AddressCell(at),
                             AddressCell(entry),
                             present ? AddressCell(entry & kFrame) : TextCell("-"),
                             TextCell(EntryBits(entry))};
  };
  walk.rows.push_back(row("page directory", translation.directory_index(), translation.pde_address(), translation.pde()));
  if (has_table)
    walk.rows.push_back(row("page table", translation.table_index(), translation.pte_address(), translation.pte()));
  Document document;
  const std::string target = translation.present()     ? Address(translation.physical()) + " physical"
                             : translation.on_demand() ? "no frame yet; the first touch brings one"
                                                       : "not mapped; a touch is a page fault";
  document.heading = fmt::format("{} virtual → {}", Address(translation.address()), target);
  document.sections.push_back(std::move(walk));
  document.footer.push_back(
      "P present, RW/RO writable or read-only, U/S user or supervisor, A accessed, D dirty; offset in the page: " +
      fmt::format("0x{:03X}", translation.address() & 0xFFF));
  return document;
}

}  // namespace alloclab::client
