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

#include "clients/common/terminal.h"

namespace alloclab::client {

// One value: `text` for people, `raw` for programs (CSV).
struct Cell {
  std::string text;
  std::string raw;
  Tone tone = Tone::kPlain;
};
Cell TextCell(std::string text, Tone tone = Tone::kPlain);
Cell CountCell(std::uint64_t value);                     // "1,234" / "1234"
Cell BytesCell(std::uint64_t bytes);                     // "1.5 KiB" / "1536"
Cell AddressCell(std::uint32_t address);                 // "0xC0400000"
Cell TimeCell(const google::protobuf::Timestamp& time);  // "2026-11-21 04:57:12 UTC" / RFC 3339
Cell RatioCell(double ratio);                            // "12.5 %" / "0.125"

struct Column {
  std::string name;
  bool right = false;  // aligned right, as numbers are
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
};

// Headless sections of a document share their column widths, so that all values stand in one line.
std::string RenderTable(const Document& document, const Style& style);
// RFC 4180. Sections follow each other under one header line, with a first column `section` if any has a title; sections whose
// columns differ from the first one's start a new header line after an empty one.
std::string RenderCsv(const Document& document);
std::string RenderMarkdown(const Document& document);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_COMMON_DOCUMENT_H_
