#include "clients/cli/guest_build.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "allocators/guest/guest_pages.h"
#include "clients/cli/sdk_files.h"
#include "clients/cli/subprocess.h"

namespace alloclab::client {
namespace {

// What makes code that the simulated processor has, at fixed addresses, with nothing of the host's C library.
constexpr std::array kCompileFlags = {"-g",
                                      "-march=i686",
                                      "-mno-sse",
                                      "-mno-mmx",
                                      "-ffreestanding",
                                      "-fno-pic",
                                      "-fno-pie",
                                      "-fno-stack-protector",
                                      "-fcf-protection=none",
                                      "-fno-asynchronous-unwind-tables"};
constexpr std::array kCFlags = {"-std=gnu11", "-fcommon", "-fgnu89-inline"};
constexpr std::array kCppFlags = {"-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdinc++"};

absl::StatusOr<std::string> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) return absl::DataLossError(fmt::format("{}: {}", path, std::strerror(errno)));
  return bytes;
}

bool IsCpp(const std::string& source) {
  const std::string ending = std::filesystem::path(source).extension();
  return ending == ".cc" || ending == ".cpp" || ending == ".cxx" || ending == ".C";
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// Nothing: it is not there, or cannot do it.
std::optional<Toolchain> TryGcc(const std::string& compiler, std::string& why) {
  const auto tried = RunSubprocess({compiler, "-m32", "-xc", "-c", "/dev/null", "-o", "/dev/null"});
  if (!tried.ok() || tried->exit_code != 0) {
    why +=
        fmt::format("\n  {} -m32: {}", compiler, tried.ok() ? FirstLine(tried->output) : std::string(tried.status().message()));
    return std::nullopt;
  }
  Toolchain found;
  const auto version = RunSubprocess({compiler, "--version"});
  const auto include = RunSubprocess({compiler, "-print-file-name=include"});
  if (!version.ok() || !include.ok()) return std::nullopt;
  found.version = FirstLine(version->output);
  found.include = std::string(absl::StripSuffix(include->output, "\n"));
  found.compile = {compiler, "-m32", "-fno-tree-loop-distribute-patterns", "-nostdinc"};
  found.link = {compiler, "-m32", "-static", "-no-pie", "-nostdlib", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-e,0"};
  found.place = {"-Wl,-Ttext=0x08049000"};
  found.place_in_ram = {"-Wl,-Ttext-segment=0x100000"};
  return found;
}

std::optional<Toolchain> TryClang(const std::string& compiler, std::string& why) {
  const auto tried = RunSubprocess({compiler, "--target=i386-unknown-elf", "-xc", "-c", "/dev/null", "-o", "/dev/null"});
  std::string linker = compiler;
  if (const std::size_t at = linker.rfind("clang"); at != std::string::npos) linker.replace(at, 5, "ld.lld");
  const auto version = RunSubprocess({compiler, "--version"});
  auto linked = RunSubprocess({linker, "--version"});
  if (linked.ok() && linked->exit_code != 0) linked = RunSubprocess({linker = "ld.lld", "--version"});
  if (!tried.ok() || tried->exit_code != 0 || !linked.ok() || linked->exit_code != 0 || !version.ok()) {
    why += fmt::format("\n  {} with {}: {}", compiler, linker,
                       tried.ok() && tried->exit_code != 0 ? FirstLine(tried->output) : "no linker for i386");
    return std::nullopt;
  }
  Toolchain found;
  found.version = FirstLine(version->output);
  found.compile = {compiler, "--target=i386-unknown-elf", "-nostdlibinc"};
  found.link = {linker, "-m", "elf_i386", "-static", "--build-id=none", "-e", "0"};
  found.place = {"--image-base=0x08048000"};
  found.place_in_ram = {"--image-base=0x100000"};
  return found;
}

std::vector<std::string> CompileWords(const Toolchain& toolchain, const std::string& sdk, bool cpp,
                                      const GuestBuildOptions& options) {
  std::vector<std::string> words = toolchain.compile;
  if (cpp && words.front() == "gcc") words.front() = "g++";
  words.push_back(options.optimise);
  words.insert(words.end(), kCompileFlags.begin(), kCompileFlags.end());
  if (cpp) {
    words.insert(words.end(), kCppFlags.begin(), kCppFlags.end());
  } else {
    words.insert(words.end(), kCFlags.begin(), kCFlags.end());
  }
  words.insert(words.end(), {"-isystem", sdk + "/include"});
  if (!toolchain.include.empty()) words.insert(words.end(), {"-isystem", toolchain.include});
  return words;
}

// An ELF file, of which errors speak as of `source`.
absl::Status ReadProgram(const std::string& elf, const std::string& source, BuiltGuest& built) {
  absl::StatusOr<std::string> bytes = ReadBytes(elf);
  if (!bytes.ok()) return bytes.status();
  built.bytes = *std::move(bytes);
  absl::StatusOr<ElfProgram> program = ElfProgram::Parse(built.bytes);
  if (!program.ok()) return absl::DataLossError(fmt::format("{}: {}", source, std::string(program.status().message())));
  built.program = std::make_shared<const ElfProgram>(*std::move(program));
  return absl::OkStatus();
}

absl::Status Link(const Toolchain& toolchain, const std::vector<std::string>& place, const std::vector<std::string>& objects,
                  const std::string& elf, const std::string& source, BuiltGuest& built) {
  std::vector<std::string> words = toolchain.link;
  words.insert(words.end(), place.begin(), place.end());
  words.insert(words.end(), {"-o", elf});
  words.insert(words.end(), objects.begin(), objects.end());
  const absl::StatusOr<Subprocess> ended = RunSubprocess(words);
  if (!ended.ok()) return ended.status();
  built.messages += ended->output;
  if (ended->exit_code != 0) {
    return absl::FailedPreconditionError(fmt::format("{}: it does not link\n{}", source, built.messages));
  }
  return ReadProgram(elf, source, built);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchDirectory>> ScratchDirectory::Make() {
  std::string path = std::filesystem::temp_directory_path() / "alloclab-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return absl::InternalError(fmt::format("{}: {}", path, std::strerror(errno)));
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::move(path)));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

absl::Status WriteSdk(const std::string& directory) {
  for (const SdkFile& file : SdkFiles()) {
    const std::filesystem::path path = std::filesystem::path(directory) / file.name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    for (const unsigned char byte : file.content) out.put(static_cast<char>(byte));
    out.close();
    if (!out) return absl::InternalError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Toolchain> FindToolchain(const std::string& wanted) {
  std::string why;
  if (!wanted.empty()) {
    if (wanted.find("clang") == std::string::npos) {
      if (auto found = TryGcc(wanted, why)) return *found;
    } else if (auto found = TryClang(wanted, why)) {
      return *found;
    }
    return absl::FailedPreconditionError(fmt::format("--compiler {}: it cannot build for the i386:{}", wanted, why));
  }
  if (auto found = TryGcc("gcc", why)) return *found;
  if (auto found = TryClang("clang", why)) return *found;
  return absl::FailedPreconditionError(
      fmt::format("no compiler for the i386 is here; install gcc on an x86 computer, or clang and lld on any. Tried:{}", why));
}

bool IsElfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  return file.gcount() == 4 && std::memcmp(magic.data(),
                                           "\x7F"
                                           "ELF",
                                           4) == 0;
}

absl::StatusOr<BuiltGuest> BuildGuest(const std::vector<std::string>& sources, const Toolchain* toolchain,
                                      const std::string& sdk, const std::string& scratch, const GuestBuildOptions& options) {
  BuiltGuest built;
  std::string elf = sources.front();
  if (sources.size() != 1 || !IsElfFile(elf)) {
    std::error_code error;
    std::filesystem::create_directories(scratch, error);
    elf = scratch + "/program.elf";
    std::vector<std::string> objects, all = sources;
    all.push_back(sdk + "/rt.c");
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (access(all[i].c_str(), R_OK) != 0) return absl::DataLossError(fmt::format("{}: {}", all[i], std::strerror(errno)));
      const bool runtime = i + 1 == all.size();
      GuestBuildOptions own = options;
      if (runtime) own = {.optimise = "-O2", .flags = {}};
      own.flags.push_back(fmt::format("-ffile-prefix-map={}=sdk", sdk));  // the same file wherever it is built
      std::vector<std::string> words = CompileWords(*toolchain, sdk, IsCpp(all[i]), own);
      const std::string object = fmt::format("{}/{}.o", scratch, i);
      words.insert(words.end(), own.flags.begin(), own.flags.end());
      words.insert(words.end(), {"-c", all[i], "-o", object});
      const absl::StatusOr<Subprocess> ended = RunSubprocess(words);
      if (!ended.ok()) return ended.status();
      built.messages += ended->output;
      if (ended->exit_code != 0) {
        return absl::FailedPreconditionError(fmt::format("{}: it does not compile\n{}", all[i], built.messages));
      }
      objects.push_back(object);
    }
    if (absl::Status status = Link(*toolchain, toolchain->place, objects, elf, sources.front(), built); !status.ok()) {
      return status;
    }
    if (!GuestPages::IsIn(*built.program)) return built;
    absl::Status status = Link(*toolchain, toolchain->place_in_ram, objects, elf, sources.front(), built);
    if (!status.ok()) return status;
    return built;
  }
  absl::Status status = ReadProgram(elf, sources.front(), built);
  if (!status.ok()) return status;
  return built;
}

std::string BuildCommandLine(const Toolchain& toolchain) {
  std::vector<std::string> words = CompileWords(toolchain, "SDK", false, {});
  std::string line =
      fmt::format("{} -c mm.c -o mm.o\n{} -c SDK/rt.c -o rt.o\n", absl::StrJoin(words, " "), absl::StrJoin(words, " "));
  const auto link = [&toolchain](const std::vector<std::string>& place) {
    return fmt::format("{} {}", absl::StrJoin(toolchain.link, " "), absl::StrJoin(place, " "));
  };
  return line +
         fmt::format("{} -o mm.elf mm.o rt.o\n\nA page allocator is linked where RAM is:\n\n{} -o kalloc.elf kalloc.o rt.o\n",
                     link(toolchain.place), link(toolchain.place_in_ram));
}

}  // namespace alloclab::client
