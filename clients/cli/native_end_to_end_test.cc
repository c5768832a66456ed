// Real allocators, from the command line to a process of their own and back. The C library's is on every host.
#include <google/protobuf/struct.pb.h>

#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using NativeEndToEnd = EndToEnd;

TEST_F(NativeEndToEnd, SubmitShowsWhatWasMeasuredAndHowToDoItAgain) {
  const std::string out = Out({"submit", "steady-state", "--operations", "2000", "--heap-allocator", "native:glibc", "--param",
                               "native.repeats=3", "--threshold", "native_ns: p99>0"});
  EXPECT_THAT(out, AllOf(HasSubstr("MEASURED TIME OF AN OPERATION"), HasSubstr("of 3 repeats"), HasSubstr("peak RSS"),
                         HasSubstr("libc.so"), Not(HasSubstr("cycles"))));
  EXPECT_THAT(out, HasSubstr("--heap-allocator native:glibc --param native.repeats=3"));
  EXPECT_THAT(Out({"runs", "list"}), HasSubstr("native:glibc"));
  EXPECT_THAT(Out({"runs", "show", "1"}), HasSubstr("MEASURED MEMORY"));
}

TEST_F(NativeEndToEnd, CompareHasATableOfItsOwnForThem) {
  const std::vector<std::string> command = {"compare", "steady-state", "--operations", "2000",  "--heap",  "tlsf,bump",
                                            "--ram",   "16Mi,64Mi",    "--native",     "glibc", "--param", "native.repeats=3"};
  const ProcessResult result = Run(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("STEADY-STATE, RAM 64 MIB"), HasSubstr("STEADY-STATE, MEASURED"), HasSubstr("time/op")));
  const auto json = Json<google::protobuf::Struct>(command);
  EXPECT_EQ(json.fields().at("runs").list_value().values_size(), 4);
  const auto& measured = json.fields().at("measured").list_value();
  ASSERT_EQ(measured.values_size(), 1) << "one for both sizes of RAM, which it does not have";
  const auto& figures = measured.values(0).struct_value().fields().at("figures").struct_value().fields();
  EXPECT_GT(figures.at("native_ns.mean").number_value(), 0);
  EXPECT_EQ(json.fields().at("runs").list_value().values(0).struct_value().fields().count("native_ns.mean"), 0u);
}

TEST_F(NativeEndToEnd, WhatDoesNotApplyIsRefused) {
  const ProcessResult ram = Run({"submit", "sqlite", "--heap-allocator", "native:glibc", "--ram", "64Mi"});
  EXPECT_EQ(ram.exit_code, 2) << ram.err;
  EXPECT_THAT(ram.err, HasSubstr("--ram: a real allocator has the memory of the host"));
  const ProcessResult name = Run({"compare", "sqlite", "--native", "glib"});
  EXPECT_THAT(name.err, HasSubstr("did you mean \"glibc\"?"));
  const ProcessResult instance = Run({"instance", "create", "x", "--heap-allocator", "native:glibc"});
  EXPECT_THAT(instance.err, HasSubstr("native:glibc is a real allocator, for runs alone"));
}

TEST_F(NativeEndToEnd, TheCatalogueSaysWhichAreHere) {
  EXPECT_THAT(Out({"catalog"}), AllOf(HasSubstr("REAL ALLOCATORS"), HasSubstr("native:mimalloc")));
  EXPECT_THAT(Out({"catalog", "native:glibc"}), AllOf(HasSubstr("measured here"), HasSubstr("native.repeats")));
}

TEST_F(NativeEndToEnd, ExactComparisonsRefuseThem) {
  ASSERT_EQ(Run({"submit", "steady-state", "--operations", "500", "--heap-allocator", "native:glibc"}).exit_code, 0);
  ASSERT_EQ(Run({"submit", "steady-state", "--operations", "500", "--ram", "16Mi"}).exit_code, 0);
  EXPECT_THAT(Run({"runs", "diff", "1", "2"}).err, HasSubstr("run 1 was measured on a real allocator"));
  EXPECT_EQ(Run({"runs", "compare", "1", "2"}).exit_code, 0) << "figures that only one has are no difference";
}

}  // namespace
}  // namespace alloclab::client
