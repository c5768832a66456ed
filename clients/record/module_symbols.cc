#include "clients/record/module_symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

namespace alloclab::client {
namespace {

constexpr std::uint64_t kSectionBytesMax = 512 << 20;
constexpr std::size_t kSectionsMax = 65'535;
constexpr std::size_t kNameBytesMax = 2048;  // of a mangled name; longer ones are not demangled

class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status = {};
    if (file_ < 0 || fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) return;
    Elf64_Ehdr header = {};
    if (pread(file_, &header, sizeof(header), 0) != sizeof(header)) return;
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_shentsize != sizeof(Elf64_Shdr)) {
      return;
    }
    const std::string table = Read(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
    sections_.resize(table.size() / sizeof(Elf64_Shdr));
    std::memcpy(sections_.data(), table.data(), sections_.size() * sizeof(Elf64_Shdr));
    names_ = At(header.e_shstrndx);
  }
  ~ElfFile() {
    if (file_ >= 0) close(file_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  // Empty: there is none, it is compressed, or it is too large.
  std::string At(std::size_t section) const {
    if (section >= sections_.size() || sections_[section].sh_type == SHT_NOBITS) return {};
    if ((sections_[section].sh_flags & SHF_COMPRESSED) != 0) return {};
    return Read(sections_[section].sh_offset, sections_[section].sh_size);
  }
  std::string Named(std::string_view name) const {
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      const std::uint64_t at = sections_[i].sh_name;
      if (at < names_.size() && names_.c_str() + at == name) return At(i);
    }
    return {};
  }

 private:
  std::string Read(std::uint64_t offset, std::uint64_t size) const {
    if (size > kSectionBytesMax || offset > ~size) return {};
    struct stat status = {};
    if (fstat(file_, &status) != 0 || offset + size > static_cast<std::uint64_t>(status.st_size)) return {};
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = pread(file_, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (got <= 0) return {};
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }

  const int file_;
  std::vector<Elf64_Shdr> sections_;
  std::string names_;
};

std::string Demangled(const std::string& name) {
  if (!name.starts_with("_Z") || name.size() > kNameBytesMax) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace

ModuleSymbols::ModuleSymbols(const std::string& path) {
  const ElfFile file(path);
  for (std::size_t i = 0; i < file.sections().size(); ++i) {
    const Elf64_Shdr& section = file.sections()[i];
    if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) AddSymbols(file.At(i), file.At(section.sh_link));
  }
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    return std::tie(a.begin, a.size, a.name) < std::tie(b.begin, b.size, b.name);
  });
  lines_ = {.lines = file.Named(".debug_line"), .strings = file.Named(".debug_line_str")};
}

void ModuleSymbols::AddSymbols(const std::string& symbols, const std::string& names) {
  const std::size_t base = names_.size();
  if (base + names.size() > UINT32_MAX) return;
  names_ += names;
  names_ += '\0';
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol = {};
    std::memcpy(&symbol, symbols.data() + at, sizeof(symbol));
    const unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size()) continue;
    symbols_.push_back({symbol.st_value, symbol.st_size, static_cast<std::uint32_t>(base + symbol.st_name)});
  }
}

std::string ModuleSymbols::FunctionAt(std::uint64_t offset) const {
  auto found = std::upper_bound(symbols_.begin(), symbols_.end(), offset,
                                [](std::uint64_t at, const Symbol& symbol) { return at < symbol.begin; });
  // The nearest that begins before, and reaches so far.
  if (found == symbols_.begin()) return {};
  --found;
  if (offset - found->begin >= found->size) return {};
  return Demangled(names_.c_str() + found->name);
}

}  // namespace alloclab::client
