// The protocol against proto/api.txt, which says what there was: clients of an older version go on to work as long as no line
// of it goes away. What is new gets a line: ALLOCLAB_WRITE_API=1 proto_converters_test --gtest_filter='Api.*' writes the file
// anew.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "alloclab/v1/generators.pb.h"
#include "alloclab/v1/grade.pb.h"
#include "alloclab/v1/load.pb.h"
#include "alloclab/v1/web.pb.h"
#include "proto/converters/methods_testing.h"

namespace alloclab {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using testing::IsEmpty;

constexpr char kFile[] = ALLOCLAB_SOURCE_DIR "/proto/api.txt";

std::string TypeOf(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->full_name();
  return field.enum_type() != nullptr ? field.enum_type()->full_name() : field.type_name();
}

void AddEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(absl::StrFormat("%s.%s = %d", type.full_name(), type.value(i)->name(), type.value(i)->number()));
  }
}

// The name counts too: JSON and YAML files have it.
void AddMessageType(const Descriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    lines.insert(absl::StrFormat("%s.%s = %d %s%s", type.full_name(), field.name(), field.number(),
                                 field.is_repeated() ? "repeated " : "", TypeOf(field)));
  }
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessageType(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i), lines);
}

void AddFile(const FileDescriptor& file, std::set<std::string>& lines) {
  for (int i = 0; i < file.message_type_count(); ++i) AddMessageType(*file.message_type(i), lines);
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), lines);
}

std::set<std::string> Protocol() {
  std::set<const FileDescriptor*> files = {v1::GradeReport::descriptor()->file(), v1::LoadReport::descriptor()->file(),
                                           v1::Curve::descriptor()->file()};
  // Of a lab's server, and of a load's leader.
  std::vector<const MethodDescriptor*> methods = AllMethods();
  methods.push_back(v1::GeneratorSays::descriptor()->file()->service(0)->method(0));
  std::set<std::string> lines;
  for (const MethodDescriptor* method : methods) {
    files.insert(method->file());
    lines.insert(absl::StrFormat("%s %s%s -> %s%s", PathOf(*method), method->client_streaming() ? "stream " : "",
                                 method->input_type()->full_name(), method->server_streaming() ? "stream " : "",
                                 method->output_type()->full_name()));
  }
  for (const FileDescriptor* file : files) AddFile(*file, lines);
  return lines;
}

TEST(Api, IsWhatItWasAndWhatIsNewIsWrittenDown) {
  const std::set<std::string> now = Protocol();
  if (std::getenv("ALLOCLAB_WRITE_API") != nullptr) {
    std::ofstream file(kFile);
    for (const std::string& line : now) file << line << '\n';
    ASSERT_TRUE(file.flush());
  }
  std::set<std::string> before, gone, added;
  std::ifstream file(kFile);
  for (std::string line; std::getline(file, line);) before.insert(line);
  EXPECT_GT(before.size(), 100u);
  std::set_difference(before.begin(), before.end(), now.begin(), now.end(), std::inserter(gone, gone.end()));
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::inserter(added, added.end()));
  EXPECT_THAT(gone, IsEmpty()) << "clients of an older version would not be understood any more, or not understand";
  EXPECT_THAT(added, IsEmpty()) << "new: see the head of this file";
}

}  // namespace
}  // namespace alloclab
