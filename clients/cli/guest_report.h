// What trials and profiles of a user's program look like.
#ifndef ALLOCLAB_CLIENTS_CLI_GUEST_REPORT_H_
#define ALLOCLAB_CLIENTS_CLI_GUEST_REPORT_H_

#include <google/protobuf/struct.pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/guest/elf_lines.h"
#include "allocators/trial/profile.h"
#include "clients/cli/guest_build.h"
#include "clients/cli/local_workload.h"
#include "clients/common/document.h"

namespace alloclab::client {

// The same facts in `message`, for JSON.
Document TrialDocument(const std::string& program, const LocalWorkload& workload, const TrialResult& result,
                       const BuiltGuest& built, google::protobuf::Struct& message);

// The last instructions of the operation at which the trial ended, disassembled, with the registers before each.
absl::StatusOr<std::string> LastInstructions(const BuiltGuest& built, const Trace& trace, const TrialOptions& options,
                                             const TrialResult& result, std::uint64_t count);

inline constexpr std::uint64_t kInstructionsShownMax = 10'000;

// A profile by function and by source line.
class ProfileView {
 public:
  ProfileView(const BuiltGuest& built, const LocalWorkload& workload, const Profile& profile);

  Document ToDocument(std::uint64_t lines, google::protobuf::Struct& message) const;
  // Every source that can be read, with what its lines cost.
  std::string AnnotatedSource() const;
  std::string ToHtml(const std::string& title) const;

 private:
  const LocalWorkload& workload_;
  const Profile& profile_;
  std::map<std::string, InstructionCosts> functions_;
  std::map<SourceLine, InstructionCosts> lines_;
  InstructionCosts all_;
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_GUEST_REPORT_H_
