// From a user's sources to a program for the simulated processor: by the C compiler of the user's computer, with the SDK's
// headers and runtime.
#ifndef ALLOCLAB_CLIENTS_CLI_GUEST_BUILD_H_
#define ALLOCLAB_CLIENTS_CLI_GUEST_BUILD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/guest/elf_program.h"

namespace alloclab::client {

// A directory that is removed with all that is in it.
class ScratchDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<ScratchDirectory>> Make();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// Writes the SDK's files below a directory, which is made. INTERNAL: what could not be written.
absl::Status WriteSdk(const std::string& directory);

struct Toolchain {
  std::string version;                    // its first line about itself
  std::vector<std::string> compile;       // what comes before "-c SOURCE -o OBJECT"
  std::vector<std::string> link;          // what comes before the objects
  std::vector<std::string> place;         // the last of `link`: where a heap's program lies
  std::vector<std::string> place_in_ram;  // the same of a page allocator (allocators/guest/guest_pages.h)
  std::string include;                    // of its own headers; empty: it finds them
};
// `wanted`: a compiler's name or path; empty: gcc if it can make 32-bit objects, else clang with ld.lld. FAILED_PRECONDITION:
// what was tried and what to install.
absl::StatusOr<Toolchain> FindToolchain(const std::string& wanted);

struct GuestBuildOptions {
  std::string optimise = "-O2";
  std::vector<std::string> flags;
};
struct BuiltGuest {
  std::shared_ptr<const ElfProgram> program;
  std::string bytes;     // of the ELF file
  std::string messages;  // the compiler's
};
// Builds with the SDK at `sdk` and scratch files in `scratch`, which are `unique` to this call. One source that is an ELF file
// already is taken as it is. FAILED_PRECONDITION: the compiler's messages. DATA_LOSS: a source cannot be read, or the ELF file
// is refused.
absl::StatusOr<BuiltGuest> BuildGuest(const std::vector<std::string>& sources, const Toolchain* toolchain,
                                      const std::string& sdk, const std::string& scratch, const GuestBuildOptions& options);
bool IsElfFile(const std::string& path);

// The command line that BuildGuest runs for one C file, for people who build themselves.
std::string BuildCommandLine(const Toolchain& toolchain);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_GUEST_BUILD_H_
