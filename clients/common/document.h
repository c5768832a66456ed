// What a command shows: sections of rows, in one shape that is written as an aligned table for people, as CSV or as Markdown.
// (JSON is made from the protocol's messages instead: see json.h.)
#ifndef ALLOCLAB_CLIENTS_COMMON_DOCUMENT_H_
#define ALLOCLAB_CLIENTS_COMMON_DOCUMENT_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "clients/common/terminal.h"

namespace alloclab::client {

// One value: `text` for people, `raw` for programs (CSV), in the base unit.
struct Cell {
  std::string text;
  std::string raw;
  Tone tone = Tone::kPlain;
  std::string unit = "";  // of `raw`: "s", "bytes"; "": a bare number or no number
};
Cell TextCell(std::string text, Tone tone = Tone::kPlain);
Cell CountCell(std::uint64_t value);                     // "1,234" / "1234"
Cell BytesCell(std::uint64_t bytes);                     // "1.5 KiB" / "1536", bytes
Cell AddressCell(std::uint32_t address);                 // "0xC0400000"
Cell TimeCell(const google::protobuf::Timestamp& time);  // "2026-11-21 04:57:12 UTC" / RFC 3339
Cell DurationCell(absl::Duration duration);              // "12.5ms" / "0.0125", s
Cell RatioCell(double ratio);                            // "12.5 %" / "0.125000", ratio
Cell DigestCell(const std::string& sha256);              // enough digits to tell two apart, "0123456789abcdef…" / all 64

struct Column {
  std::string name;
  bool right = false;     // aligned right, as numbers are
  std::string unit = "";  // of all its cells
};

struct Section {
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  bool headless = false;  // the table for people has no line of column names: the rows say what they are
  std::string picture;    // drawn after the rows, in the table for people and in Markdown
};

// A section of "name  value" lines.
Section Facts(std::string title);
void AddFact(Section& section, std::string name, Cell value);

struct Document {
  std::string heading;
  std::vector<Section> sections;
  std::vector<std::string> footer;  // closing lines, for people and Markdown
  std::string command = "";         // after them: lines to copy, which are never wrapped
};

// In lines of at most `width` columns, as table_layout.h says; pictures are as wide as they were drawn. Headless sections of a
// document share their column widths, so that all values stand in one line.
std::string RenderTable(const Document& document, const Style& style, int width);
// RFC 4180, always one table. If the sections are lists with the same columns, those columns, with units in the header, after a
// first column `section` if any has a title. Otherwise a line for each value: section, row (from 1; empty for a fact), name,
// value, unit.
std::string RenderCsv(const Document& document);
std::string RenderMarkdown(const Document& document);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_DOCUMENT_H_
