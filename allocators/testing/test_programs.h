// The programs of guest/testdata as allocators: a source that tests have in the place of a server's library.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_TEST_PROGRAMS_H_
#define ALLOCLAB_ALLOCATORS_TESTING_TEST_PROGRAMS_H_

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/catalog/guests.h"
#include "allocators/common/sha256.h"

namespace alloclab {

inline std::string TestProgramFile(const std::string& name) {
  std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name + ".elf", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TestPrograms final : public GuestSource {
 public:
  // All of them, for the life of the process.
  static TestPrograms& All() {
    static TestPrograms& all = *new TestPrograms;
    return all;
  }

  std::string NameOf(const std::string& label) const {
    return GuestName{label, programs_.at(label).sha256.substr(0, kGuestDigits)}.ToString();
  }

  absl::StatusOr<GuestProgram> FindProgram(const std::string& digits) override {
    for (const auto& [label, program] : programs_) {
      if (program.sha256.starts_with(digits)) return program;
    }
    return absl::NotFoundError("no program");
  }

  std::vector<GuestListed> ListPrograms() override { return {}; }

 private:
  TestPrograms() {
    for (const char* label : {"implicit", "kr", "segregated", "misbehaves", "explicit_list", "walks_wrongly", "kalloc",
                              "pages_misbehave", "gives_none", "buddy_pages"}) {
      const std::string file = TestProgramFile(label);
      Sha256 digest;
      digest.Update(file);
      programs_[label] = {label, digest.HexDigest(), std::make_shared<const ElfProgram>(*ElfProgram::Parse(file))};
    }
    Enter();
  }

  std::map<std::string, GuestProgram> programs_;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_TEST_PROGRAMS_H_
