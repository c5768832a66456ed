#include "allocators/guest/elf_program.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "absl/strings/str_format.h"
#include "allocators/guest/program_text.h"

namespace alloclab {
namespace {

// The structures of the file format as they lie in it.
struct FileHeader {
  std::uint8_t magic[4], file_class, byte_order, version, padding[9];
  std::uint16_t type, machine;
  std::uint32_t version_again, entry, program_headers, section_headers, flags;
  std::uint16_t header_bytes, program_header_bytes, program_header_count, section_header_bytes, section_header_count, names;
};
struct ProgramHeader {
  std::uint32_t type, offset, address, physical_address, file_bytes, memory_bytes, flags, alignment;
};
struct SectionHeader {
  std::uint32_t name, type, flags, address, offset, bytes, link, info, alignment, entry_bytes;
};
struct SymbolEntry {
  std::uint32_t name, value, bytes;
  std::uint8_t info, other;
  std::uint16_t section;
};
static_assert(sizeof(FileHeader) == 52 && sizeof(ProgramHeader) == 32 && sizeof(SectionHeader) == 40 &&
              sizeof(SymbolEntry) == 16);

constexpr std::uint8_t kClass32 = 1, kLittleEndian = 1, kVersion = 1;
constexpr std::uint16_t kRelocatable = 1, kExecutable = 2, kShared = 3, kI386 = 3;
constexpr std::uint32_t kLoad = 1, kDynamic = 2, kInterpreter = 3, kThreadStorage = 7;
constexpr std::uint32_t kExecuteFlag = 1, kWriteFlag = 2;
constexpr std::uint32_t kSymbolTable = 2, kStringTable = 3;
constexpr unsigned kFunction = 2, kSectionSymbol = 3, kFileSymbol = 4, kLocal = 0;

template <class... Arguments>
absl::Status Refuse(const absl::FormatSpec<Arguments...>& format, const Arguments&... arguments) {
  return absl::InvalidArgumentError(absl::StrFormat(format, arguments...));
}

}  // namespace

class ElfProgram::Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}
  absl::StatusOr<ElfProgram> Read();

 private:
  absl::Status ReadHeader();
  absl::Status ReadSegments();
  absl::Status ReadSegment(std::uint32_t number, const ProgramHeader& header);
  absl::Status OrderSegments();
  absl::Status ReadSymbols();
  void ReadLines();
  absl::Status ReadSymbolTable(const SectionHeader& table, const SectionHeader& names);
  absl::StatusOr<std::string> ReadName(const SectionHeader& names, std::uint32_t symbol, std::uint32_t at) const;

  bool Holds(std::uint64_t offset, std::uint64_t bytes) const { return offset + bytes <= file_.size(); }
  // REQUIRES: the file holds it.
  template <class Structure>
  Structure At(std::uint64_t offset) const {
    Structure structure;
    std::memcpy(&structure, file_.data() + offset, sizeof(structure));
    return structure;
  }

  const std::string_view file_;
  FileHeader header_{};
  std::uint64_t memory_bytes_ = 0;
  ElfProgram program_;
};

absl::StatusOr<ElfProgram> ElfProgram::Parse(std::string_view file) { return Reader(file).Read(); }

absl::StatusOr<ElfProgram> ElfProgram::Reader::Read() {
  if (absl::Status status = ReadHeader(); !status.ok()) return status;
  if (absl::Status status = ReadSegments(); !status.ok()) return status;
  if (absl::Status status = OrderSegments(); !status.ok()) return status;
  if (absl::Status status = ReadSymbols(); !status.ok()) return status;
  ReadLines();
  program_.entry_ = header_.entry;
  return std::move(program_);
}

absl::Status ElfProgram::Reader::ReadHeader() {
  if (file_.size() > kFileBytesMax) return Refuse("an ELF file of %d bytes; expected at most %d", file_.size(), kFileBytesMax);
  if (!Holds(0, sizeof(FileHeader))) {
    return Refuse("%d bytes are no ELF file; its header alone has %d", file_.size(), sizeof(FileHeader));
  }
  header_ = At<FileHeader>(0);
  if (std::memcmp(header_.magic,
                  "\x7F"
                  "ELF",
                  4) != 0)
    return Refuse("no ELF file: it does not begin with 7F 45 4C 46");
  if (header_.file_class != kClass32 || header_.machine != kI386) {
    return Refuse("an ELF file of class %d for machine %d; expected class 1 (32 bits) and machine 3 (i386): compile with -m32",
                  header_.file_class, header_.machine);
  }
  if (header_.byte_order != kLittleEndian || header_.version != kVersion) {
    return Refuse("ELF byte order %d, version %d; expected 1 and 1", header_.byte_order, header_.version);
  }
  if (header_.type == kRelocatable) return Refuse("an object file; expected a program: link it");
  if (header_.type == kShared) {
    return Refuse(
        "a shared object or position-independent program; expected one for fixed addresses: link with -static -no-pie");
  }
  if (header_.type != kExecutable) return Refuse("ELF type %d; expected 2, a program", header_.type);
  return absl::OkStatus();
}

absl::Status ElfProgram::Reader::ReadSegments() {
  const std::uint32_t count = header_.program_header_count;
  if (count == 0 || count > kSegmentsMax) return Refuse("%d program headers; expected from 1 to %d", count, kSegmentsMax);
  if (header_.program_header_bytes != sizeof(ProgramHeader)) {
    return Refuse("program headers of %d bytes; expected %d", header_.program_header_bytes, sizeof(ProgramHeader));
  }
  if (!Holds(header_.program_headers, count * sizeof(ProgramHeader))) {
    return Refuse("program headers at %d, which is outside the file's %d bytes", header_.program_headers, file_.size());
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto header = At<ProgramHeader>(header_.program_headers + i * sizeof(ProgramHeader));
    if (header.type == kDynamic || header.type == kInterpreter) {
      return Refuse("program header %d wants a dynamic linker; there is none: link with -static -no-pie", i);
    }
    if (header.type == kThreadStorage) return Refuse("program header %d wants storage for threads; there are none", i);
    if (header.type != kLoad || header.memory_bytes == 0) continue;
    if (absl::Status status = ReadSegment(i, header); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ElfProgram::Reader::ReadSegment(std::uint32_t number, const ProgramHeader& header) {
  if (header.file_bytes > header.memory_bytes) {
    return Refuse("segment %d has %d bytes in the file and %d in memory; expected at most as many", number, header.file_bytes,
                  header.memory_bytes);
  }
  if (!Holds(header.offset, header.file_bytes)) {
    return Refuse("segment %d: bytes %d to %d of a file of %d", number, header.offset,
                  std::uint64_t{header.offset} + header.file_bytes, file_.size());
  }
  if (header.address < kLowest || std::uint64_t{header.address} + header.memory_bytes > kEnd) {
    return Refuse("segment %d: %d bytes at %#x; expected between %#x and %#x", number, header.memory_bytes, header.address,
                  kLowest, kEnd);
  }
  memory_bytes_ += header.memory_bytes;
  if (memory_bytes_ > kMemoryBytesMax) {
    return Refuse("segments up to number %d take %d bytes of memory; expected at most %d", number, memory_bytes_,
                  kMemoryBytesMax);
  }
  program_.segments_.push_back({.address = header.address,
                                .memory_bytes = header.memory_bytes,
                                .writable = (header.flags & kWriteFlag) != 0,
                                .executable = (header.flags & kExecuteFlag) != 0,
                                .bytes = std::string(file_.substr(header.offset, header.file_bytes))});
  return absl::OkStatus();
}

absl::Status ElfProgram::Reader::OrderSegments() {
  std::vector<Segment>& segments = program_.segments_;
  if (segments.empty()) return Refuse("no segment to be loaded; expected at least one");
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) { return a.address < b.address; });
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (segments[i].address < segments[i - 1].end()) {
      return Refuse("the segments at %#x and %#x overlap", segments[i - 1].address, segments[i].address);
    }
  }
  return absl::OkStatus();
}

absl::Status ElfProgram::Reader::ReadSymbols() {
  const std::uint32_t count = header_.section_header_count;
  if (header_.section_headers == 0 || count == 0) return absl::OkStatus();  // stripped to the last
  if (count > kSectionsMax) return Refuse("%d sections; expected at most %d", count, kSectionsMax);
  if (header_.section_header_bytes != sizeof(SectionHeader)) {
    return Refuse("section headers of %d bytes; expected %d", header_.section_header_bytes, sizeof(SectionHeader));
  }
  if (!Holds(header_.section_headers, count * sizeof(SectionHeader))) {
    return Refuse("section headers at %d, which is outside the file's %d bytes", header_.section_headers, file_.size());
  }
  const auto section = [&](std::uint32_t i) { return At<SectionHeader>(header_.section_headers + i * sizeof(SectionHeader)); };
  for (std::uint32_t i = 0; i < count; ++i) {
    const SectionHeader table = section(i);
    if (table.type != kSymbolTable) continue;
    if (table.entry_bytes != sizeof(SymbolEntry) || !Holds(table.offset, table.bytes)) {
      return Refuse("section %d, the symbols: entries of %d bytes at %d to %d of a file of %d; expected entries of %d", i,
                    table.entry_bytes, table.offset, std::uint64_t{table.offset} + table.bytes, file_.size(),
                    sizeof(SymbolEntry));
    }
    if (table.link >= count) return Refuse("section %d, the symbols, has its names in section %d of %d", i, table.link, count);
    const SectionHeader names = section(table.link);
    if (names.type != kStringTable || !Holds(names.offset, names.bytes)) {
      return Refuse("section %d, the names of symbols: type %d at %d to %d of a file of %d; expected type 3", table.link,
                    names.type, names.offset, std::uint64_t{names.offset} + names.bytes, file_.size());
    }
    return ReadSymbolTable(table, names);  // there is one at most
  }
  return absl::OkStatus();
}

// After ReadSymbols, which has looked at the table of sections. What is wrong is left out: a program runs without it.
void ElfProgram::Reader::ReadLines() {
  const std::uint32_t count = header_.section_headers != 0 ? header_.section_header_count : 0;
  if (header_.names >= count) return;
  constexpr std::uint32_t kCompressed = 1 << 11, kNoBits = 8;
  const auto section = [&](std::uint32_t i) { return At<SectionHeader>(header_.section_headers + i * sizeof(SectionHeader)); };
  const SectionHeader names = section(header_.names);
  for (std::uint32_t i = 0; i < count; ++i) {
    const SectionHeader found = section(i);
    const bool readable = found.type != kNoBits && (found.flags & kCompressed) == 0 && found.bytes <= kLineBytesMax;
    if (!readable || !Holds(found.offset, found.bytes)) continue;
    const auto is_named = [&](std::string_view name) {
      const std::uint64_t at = std::uint64_t{names.offset} + found.name;
      return Holds(at, name.size() + 1) && file_.substr(at, name.size()) == name && file_[at + name.size()] == '\0';
    };
    LineSections& lines = program_.lines_;
    if (lines.lines.empty() && is_named(".debug_line")) lines.lines = file_.substr(found.offset, found.bytes);
    if (lines.strings.empty() && is_named(".debug_line_str")) lines.strings = file_.substr(found.offset, found.bytes);
  }
}

absl::StatusOr<std::string> ElfProgram::Reader::ReadName(const SectionHeader& names, std::uint32_t symbol,
                                                         std::uint32_t at) const {
  if (at >= names.bytes) return Refuse("symbol %d has its name at %d of %d bytes of names", symbol, at, names.bytes);
  const std::string_view rest = file_.substr(names.offset + at, std::min(names.bytes - at, kSymbolNameMax + 1));
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) {
    return Refuse("symbol %d: its name does not end within %d bytes, or not before those of names do", symbol, kSymbolNameMax);
  }
  return std::string(rest.substr(0, end));
}

absl::Status ElfProgram::Reader::ReadSymbolTable(const SectionHeader& table, const SectionHeader& names) {
  const std::uint32_t count = table.bytes / sizeof(SymbolEntry);
  if (count > kSymbolsMax) return Refuse("%d symbols; expected at most %d", count, kSymbolsMax);
  std::uint64_t name_bytes = 0;
  std::vector<std::pair<std::string, std::uint32_t>> global;
  for (std::uint32_t i = 1; i < count; ++i) {
    const auto entry = At<SymbolEntry>(table.offset + std::uint64_t{i} * sizeof(SymbolEntry));
    const unsigned type = entry.info % 16, binding = entry.info / 16;
    if (entry.name == 0 || entry.section == 0 || type == kSectionSymbol || type == kFileSymbol) continue;
    absl::StatusOr<std::string> name = ReadName(names, i, entry.name);
    if (!name.ok()) return name.status();
    name_bytes += name->size();  // names may share bytes of the file
    if (name_bytes > kFileBytesMax)
      return Refuse("the names of symbols up to number %d have %d bytes; expected at most %d", i, name_bytes, kFileBytesMax);
    if (binding != kLocal) global.emplace_back(*name, entry.value);
    program_.symbols_.push_back({*std::move(name), entry.value, entry.bytes, type == kFunction});
  }
  std::vector<Symbol>& symbols = program_.symbols_;
  std::stable_sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
  for (const auto& [name, address] : global) {
    const auto at = std::lower_bound(symbols.begin(), symbols.end(), address,
                                     [](const Symbol& symbol, std::uint32_t wanted) { return symbol.address < wanted; });
    for (auto symbol = at; symbol != symbols.end() && symbol->address == address; ++symbol) {
      if (symbol->name == name) program_.global_.try_emplace(name, symbol - symbols.begin());
    }
  }
  return absl::OkStatus();
}

const ElfProgram::Symbol* ElfProgram::Find(std::string_view name) const {
  const auto found = global_.find(std::string(name));
  return found != global_.end() ? &symbols_[found->second] : nullptr;
}

std::string ElfProgram::Describe(std::uint32_t address) const {
  auto next = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                               [](std::uint32_t wanted, const Symbol& symbol) { return wanted < symbol.address; });
  while (next != symbols_.begin()) {
    const Symbol& symbol = *--next;
    if (!symbol.is_function) continue;
    if (address - symbol.address >= std::max(symbol.bytes, 1u)) break;
    const std::string name = ProgramText(symbol.name);
    return address == symbol.address ? name : absl::StrFormat("%s+%#x", name, address - symbol.address);
  }
  return absl::StrFormat("%#010x", address);
}

std::string ElfProgram::Locate(std::uint32_t address) const {
  const std::map<std::uint32_t, SourceLine> lines = FindLines(lines_, {address});
  return Describe(address) + (lines.empty() ? "" : absl::StrFormat(" (%s)", ProgramText(ShortName(lines.begin()->second))));
}

std::uint64_t ElfProgram::host_bytes() const {
  constexpr std::uint64_t kEntryBytes =
      2 * (sizeof(std::string) + sizeof(std::size_t));  // of the map, half of which may be empty
  std::uint64_t bytes = sizeof(*this) + symbols_.capacity() * sizeof(Symbol) + global_.size() * kEntryBytes +
                        lines_.lines.capacity() + lines_.strings.capacity();
  for (const Segment& segment : segments_) bytes += sizeof(segment) + segment.bytes.capacity();
  for (const Symbol& symbol : symbols_) bytes += 2 * symbol.name.capacity();  // there, and perhaps in the map
  return bytes;
}

absl::Status ElfProgram::LoadInto(AddressSpace& space) const {
  const auto first_page = [](const Segment& segment) { return VirtAddr(segment.address & pte::kFrameMask); };
  const auto page_count = [](const Segment& segment) {
    return ((segment.end() - 1) >> kPageShift) - (segment.address >> kPageShift) + 1;
  };
  const auto too_few = [] {
    return absl::ResourceExhaustedError("no page frames left for the program: give the machine more RAM");
  };
  constexpr std::uint32_t kTableShift = 22;
  for (const Segment& segment : segments_) {
    const std::uint32_t tables = ((segment.end() - 1) >> kTableShift) - (segment.address >> kTableShift) + 1;
    if (absl::Status status = space.AddPageTables(VirtAddr(segment.address), tables); !status.ok()) return status;
    space.PromisePages(first_page(segment), page_count(segment));
    if (!space.Fill(first_page(segment), page_count(segment) * kPageBytes, 0)) return too_few();
  }
  for (const Segment& segment : segments_) {
    const std::vector<std::uint8_t> bytes(segment.bytes.begin(), segment.bytes.end());
    if (!space.Write(VirtAddr(segment.address), bytes)) return too_few();
  }
  for (const bool writable : {false, true}) {  // a page of both kinds is writable
    for (const Segment& segment : segments_) {
      for (std::uint32_t i = 0; segment.writable == writable && i < page_count(segment); ++i) {
        (void)space.SetWritable(first_page(segment) + i * kPageBytes, writable);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace alloclab
