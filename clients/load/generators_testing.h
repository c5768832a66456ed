// Several `alloclab load` against one server, for tests.
#ifndef ALLOCLAB_CLIENTS_LOAD_GENERATORS_TESTING_H_
#define ALLOCLAB_CLIENTS_LOAD_GENERATORS_TESTING_H_

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/load.pb.h"
#include "clients/common/connection.h"
#include "clients/load/temporary_server.h"
#include "server/testing/eventually.h"
#include "server/testing/process.h"

namespace alloclab::load {

using Words = std::vector<std::string>;

inline const TemporaryServer& Server() {
  static const TemporaryServer server;
  return server;
}

// `alloclab load WORDS` against the server, under way.
class Generator : public Process {
 public:
  explicit Generator(Words words, const Words& environment = {}) : Process(Whole(std::move(words)), environment) {}

  bool Says(const std::string& text) {
    return Eventually([&] { return err().find(text) != std::string::npos; });
  }

 private:
  static Words Whole(Words words) {
    words.insert(words.begin(), {ALLOCLAB, "load"});
    words.insert(words.end(), {"--server", Server().address()});
    return words;
  }
};

// Listens at a free port.
class LeaderProgram : public Generator {
 public:
  explicit LeaderProgram(Words words, const Words& environment = {}) : Generator(Listening(std::move(words)), environment) {}

  std::string Address() {
    const std::string mark = "--join ";
    if (!Says(mark)) ADD_FAILURE() << err();
    const std::string said = err().substr(err().find(mark) + mark.size());
    return said.substr(0, said.find('\n'));
  }

 private:
  static Words Listening(Words words) {
    words.insert(words.end(), {"--listen", "127.0.0.1:0"});
    return words;
  }
};

inline std::vector<std::string> Instances() {
  const client::Connection connection({.server = Server().address(), .timeout = std::chrono::seconds(20), .wait = {}});
  std::vector<std::string> names;
  const auto list = connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
  for (const v1::Instance& instance : list->instances()) names.push_back(instance.name());
  return names;
}

// Whether so many instances are worked on.
inline bool AreBusy(std::size_t instances) {
  return Eventually([&] {
    const client::Connection connection({.server = Server().address(), .timeout = std::chrono::seconds(20), .wait = {}});
    const auto list = connection.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
    const auto& all = list->instances();
    return instances == static_cast<std::size_t>(std::count_if(all.begin(), all.end(),
                                                               [](const v1::Instance& one) { return one.operations() > 0; }));
  });
}

inline v1::LoadReport ReportOf(const Process& program) {
  std::string json = program.out();
  const std::string head = "\"schema_version\": 1,";
  const std::size_t at = json.find(head);
  if (at != std::string::npos) json.erase(at, head.size());
  const std::size_t thresholds = json.find("\"thresholds\"");
  if (thresholds != std::string::npos) json.erase(thresholds, json.find("],", thresholds) + 2 - thresholds);
  v1::LoadReport report;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &report).ok()) << json;
  return report;
}

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_GENERATORS_TESTING_H_
