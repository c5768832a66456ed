#include "allocators/guest/elf_lines.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr std::size_t kPathBytesMax = 1024;  // of a folder, and of a file's name in it; the rest is cut off

// Bytes to be read one after the other. Behind their end all is 0, and bad() from then on.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  bool bad() const { return bad_; }
  bool empty() const { return rest_.empty(); }
  std::string_view Take(std::uint64_t count) {
    if (count > rest_.size()) {
      rest_ = {};
      bad_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <class Number>
  Number Get() {
    Number number{};
    if (const std::string_view bytes = Take(sizeof(number)); !bytes.empty()) std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }
  // LEB128.
  std::uint64_t Unsigned() { return Leb(false); }
  std::int64_t Signed() { return static_cast<std::int64_t>(Leb(true)); }
  // Up to a byte of 0.
  std::string_view Text() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return Take(rest_.size() + 1);
    const std::string_view text = Take(end);
    Take(1);
    return text;
  }

 private:
  std::uint64_t Leb(bool is_signed) {
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = Get<std::uint8_t>();
      if (shift < 64) number |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) != 0) continue;
      if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64) number |= ~std::uint64_t{0} << (shift + 7);
      return number;
    }
  }

  std::string_view rest_;
  bool bad_ = false;
};

// The table of one object file that was linked.
class Unit {
 public:
  Unit(Bytes bytes, const LineSections& sections) : sections_(sections), bytes_(bytes) {}

  // Calls `row(first, end, file, line)` for each stretch of code.
  template <class Row>
  void Read(const Row& row) {
    if (ReadHeader()) RunProgram(row);
  }
  // Empty: not known.
  std::string PathOf(std::uint64_t file) const {
    const std::uint64_t first = version_ >= 5 ? 0 : 1;  // number of the first file, and of the first folder
    if (file - first >= files_.size()) return {};
    const File& found = files_[file - first];
    const std::string_view name = UpToNull(found.name);
    if (name.empty() || name.front() == '/' || found.folder - first >= folders_.size()) return std::string(name);
    const std::string_view folder = UpToNull(folders_[found.folder - first]);
    if (folder.empty()) return std::string(name);
    const bool below = version_ >= 5 && found.folder != 0 && folder.front() != '/';  // of the one it was compiled in
    return below ? absl::StrFormat("%s/%s/%s", UpToNull(folders_[0]), folder, name) : absl::StrFormat("%s/%s", folder, name);
  }

 private:
  struct File {
    std::string_view name;
    std::uint64_t folder = 0;
  };
  enum Form : std::uint64_t {
    kData2 = 0x05,
    kData4 = 0x06,
    kData8 = 0x07,
    kString = 0x08,
    kBlock = 0x09,
    kData1 = 0x0B,
    kUdata = 0x0F,
    kData16 = 0x1E,
    kLineString = 0x1F,
  };
  static constexpr std::uint64_t kPath = 1, kFolder = 2;

  static std::string_view UpToNull(std::string_view text) { return text.substr(0, text.find('\0')); }

  bool ReadHeader() {
    version_ = bytes_.Get<std::uint16_t>();
    if (version_ < 2 || version_ > 5) return false;
    if (version_ >= 5) {
      const auto address_bytes = bytes_.Get<std::uint8_t>(), selector_bytes = bytes_.Get<std::uint8_t>();
      if ((address_bytes != 4 && address_bytes != 8) || selector_bytes != 0) return false;
    }
    Bytes header(bytes_.Take(bytes_.Get<std::uint32_t>()));
    step_ = header.Get<std::uint8_t>();
    if (version_ >= 4) header.Get<std::uint8_t>();  // operations in an instruction: one, but for VLIW machines
    header.Get<std::uint8_t>();                     // whether lines begin as statements
    line_base_ = header.Get<std::int8_t>();
    line_range_ = header.Get<std::uint8_t>();
    opcode_base_ = header.Get<std::uint8_t>();
    if (line_range_ == 0 || opcode_base_ == 0) return false;
    for (unsigned opcode = 1; opcode < opcode_base_; ++opcode) operands_[opcode] = header.Get<std::uint8_t>();
    if (version_ >= 5) {
      ReadEntries(header, [this](const File& entry) { folders_.push_back(entry.name); });
      ReadEntries(header, [this](const File& entry) { files_.push_back(entry); });
    } else {
      ReadOldEntries(header);
    }
    return !header.bad() && !bytes_.bad();
  }

  void ReadOldEntries(Bytes& header) {
    for (std::string_view folder = header.Text(); !folder.empty(); folder = header.Text()) {
      folders_.push_back(folder.substr(0, kPathBytesMax));
    }
    for (std::string_view name = header.Text(); !name.empty(); name = header.Text()) {
      files_.push_back({name.substr(0, kPathBytesMax), header.Unsigned()});
      header.Unsigned();  // when it was changed
      header.Unsigned();  // how long it is
    }
  }

  template <class Add>
  void ReadEntries(Bytes& header, const Add& add) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> format(header.Get<std::uint8_t>());
    for (auto& [content, form] : format) {
      content = header.Unsigned();
      form = header.Unsigned();
    }
    const std::uint64_t count = header.Unsigned();
    if (format.empty() && count != 0) header.Take(~0ull);  // entries of no bytes, without end
    for (std::uint64_t i = 0; i < count && !header.bad(); ++i) {
      File entry;
      for (const auto& [content, form] : format) {
        const auto [number, text] = ReadForm(header, form);
        if (content == kPath) entry.name = text;
        if (content == kFolder) entry.folder = number;
      }
      add(entry);
    }
  }

  std::pair<std::uint64_t, std::string_view> ReadForm(Bytes& header, std::uint64_t form) const {
    switch (form) {
      case kString:
        return {0, header.Text().substr(0, kPathBytesMax)};
      case kLineString: {  // its end is not looked for yet: there may be many
        const auto at = header.Get<std::uint32_t>();
        if (at >= sections_.strings.size()) return {};
        return {0, std::string_view(sections_.strings).substr(at, kPathBytesMax)};
      }
      case kUdata:
        return {header.Unsigned(), {}};
      case kData1:
        return {header.Get<std::uint8_t>(), {}};
      case kData2:
        return {header.Get<std::uint16_t>(), {}};
      case kData4:
        return {header.Get<std::uint32_t>(), {}};
      case kData8:
        return {header.Get<std::uint64_t>(), {}};
      case kData16:
        return {0, header.Take(16)};
      case kBlock:
        return {0, header.Take(header.Unsigned())};
      default:
        return {0, header.Take(~0ull)};  // of no known length
    }
  }

  struct State {
    std::uint32_t address = 0;
    std::uint64_t file = 1;
    std::uint32_t line = 1;
  };

  template <class Row>
  void RunProgram(const Row& row) {
    constexpr std::uint8_t kCopy = 1, kAdvanceAddress = 2, kAdvanceLine = 3, kSetFile = 4, kAddConstant = 8, kAddFixed = 9;
    constexpr State kNone{.address = UINT32_MAX};  // no address lies above it: a stretch of code begins without a row
    State now, last = kNone;
    const auto add = [&] {
      if (last.address < now.address) row(last.address, now.address, last.file, last.line);
      last = now;
    };
    while (!bytes_.empty()) {
      const auto opcode = bytes_.Get<std::uint8_t>();
      if (opcode >= opcode_base_) {
        const unsigned special = opcode - opcode_base_;
        now.address += special / line_range_ * step_;
        now.line += static_cast<std::uint32_t>(line_base_ + static_cast<int>(special % line_range_));
        add();
      } else if (opcode == 0) {
        if (RunExtended(now)) {
          add();
          now = {};
          last = kNone;
        }
      } else if (opcode == kCopy) {
        add();
      } else if (opcode == kAdvanceAddress) {
        now.address += static_cast<std::uint32_t>(bytes_.Unsigned()) * step_;
      } else if (opcode == kAdvanceLine) {
        now.line += static_cast<std::uint32_t>(bytes_.Signed());
      } else if (opcode == kSetFile) {
        now.file = bytes_.Unsigned();
      } else if (opcode == kAddConstant) {
        now.address += (255u - opcode_base_) / line_range_ * step_;
      } else if (opcode == kAddFixed) {
        now.address += bytes_.Get<std::uint16_t>();
      } else {
        for (unsigned i = 0; i < operands_[opcode]; ++i) bytes_.Unsigned();
      }
    }
  }

  // Whether that was the end of a stretch of code.
  bool RunExtended(State& now) {
    constexpr std::uint8_t kEnd = 1, kSetAddress = 2;
    Bytes operation(bytes_.Take(bytes_.Unsigned()));
    const auto opcode = operation.Get<std::uint8_t>();
    if (opcode == kSetAddress) now.address = operation.Get<std::uint32_t>();  // and 4 bytes of 0 in 64-bit files
    return opcode == kEnd;
  }

  const LineSections& sections_;
  Bytes bytes_;
  std::uint16_t version_ = 0;
  std::uint8_t step_ = 1, line_range_ = 1, opcode_base_ = 1;
  std::int8_t line_base_ = 0;
  std::uint8_t operands_[256] = {};
  std::vector<std::string_view> folders_;
  std::vector<File> files_;
};

}  // namespace

std::map<std::uint32_t, SourceLine> FindLines(const LineSections& sections, std::vector<std::uint32_t> addresses) {
  constexpr std::uint32_t kLongFormat = 0xFFFF'FFF0;  // from there on: of 64-bit files, and reserved
  std::sort(addresses.begin(), addresses.end());
  std::map<std::uint32_t, SourceLine> lines;
  Bytes all(sections.lines);
  while (!all.empty()) {
    const auto length = all.Get<std::uint32_t>();
    if (length >= kLongFormat) break;
    Unit unit(Bytes(all.Take(length)), sections);
    unit.Read([&](std::uint32_t first, std::uint32_t end, std::uint64_t file, std::uint32_t line) {
      if (line == 0 || line > INT32_MAX) return;  // of no line
      const auto found = std::lower_bound(addresses.begin(), addresses.end(), first);
      for (auto address = found; address != addresses.end() && *address < end; ++address) {
        if (const auto [place, added] = lines.try_emplace(*address); added)
          place->second = {unit.PathOf(file), static_cast<int>(line)};
      }
    });
  }
  std::erase_if(lines, [](const auto& entry) { return entry.second.file.empty(); });
  return lines;
}

std::string ShortName(const SourceLine& line) {
  if (line.file.empty()) return "";
  return absl::StrFormat("%s:%d", line.file.substr(line.file.rfind('/') + 1), line.line);
}

}  // namespace alloclab
