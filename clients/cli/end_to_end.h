// Tests: the real command line against a real server; each test has its own.
#ifndef ALLOCLAB_CLIENTS_CLI_END_TO_END_H_
#define ALLOCLAB_CLIENTS_CLI_END_TO_END_H_

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "clients/load/temporary_server.h"
#include "server/testing/process.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::client {

struct ProcessResult {
  int exit_code = -1;
  std::string out, err;
};

inline ProcessResult Finish(Process&& process) {
  const int exit_code = process.Wait();
  return {.exit_code = exit_code, .out = process.out(), .err = process.err()};
}

class EndToEnd : public testing::Test {
 protected:
  static std::vector<std::string> CommandOf(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(ALLOCLAB_BINARY_DIR) + "/bin/alloclab");
    return arguments;
  }
  std::vector<std::string> Environment() const { return {"ALLOCLAB_SERVER=" + server_.address()}; }

  ProcessResult Run(std::vector<std::string> arguments, const std::string& standard_input = "") const {
    return Finish(Process(CommandOf(std::move(arguments)), Environment(), standard_input));
  }
  // What it prints; nothing may be wrong.
  std::string Out(std::vector<std::string> arguments, const std::string& standard_input = "") const {
    const ProcessResult result = Run(std::move(arguments), standard_input);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }
  // What `--output json` prints, as the message it is made from.
  template <typename Message>
  Message Json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--output", "json"});
    const std::string json = Out(std::move(arguments));
    EXPECT_TRUE(json.starts_with("{\n \"schema_version\": 1")) << json;
    Message message;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;  // schema_version
    const auto status = google::protobuf::util::JsonStringToMessage(json, &message, options);
    EXPECT_TRUE(status.ok()) << status.ToString() << json;
    return message;
  }

  load::TemporaryServer server_;
  TemporaryDirectory folder_;
};

inline std::string LastLine(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return lines.empty() ? "" : lines.back();
}

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_END_TO_END_H_
