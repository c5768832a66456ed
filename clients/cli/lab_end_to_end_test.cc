// The rest: what the server is and offers, completion, and a server that is not there.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_split.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/workload.pb.h"
#include "clients/cli/end_to_end.h"
#include "server/testing/eventually.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A port on which nobody answers: connections are accepted by the kernel and never served. Closed: nobody listens at all.
class SilentPort {
 public:
  explicit SilentPort(bool closed) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(closed ? 0 : listen(socket_, 4), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    name_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  }
  ~SilentPort() { close(socket_); }
  const std::string& name() const { return name_; }

 private:
  int socket_;
  std::string name_;
};

using LabEndToEnd = EndToEnd;

TEST_F(LabEndToEnd, Catalog) {
  const v1::Catalog catalog = Json<v1::Catalog>({"catalog"});
  EXPECT_EQ(catalog.page_allocators(0).name(), "page-runs");
  EXPECT_EQ(catalog.heap_allocators(0).name(), "implicit-heap");
  EXPECT_THAT(Out({"catalog"}), HasSubstr("heap.engine"));
  // Of every allocator each thing that it declares, with its meaning.
  for (const auto* allocators : {&catalog.page_allocators(), &catalog.heap_allocators()}) {
    for (const v1::AllocatorInfo& allocator : *allocators) {
      const std::string shown = Out({"catalog", allocator.name(), "-o", "csv"});
      if (allocator.name() == "none") continue;
      EXPECT_THAT(shown, AllOf(HasSubstr("where it ran,"), HasSubstr("good at,"), HasSubstr("bad at,"))) << allocator.name();
      for (const v1::ParameterInfo& parameter : allocator.parameters()) EXPECT_THAT(shown, HasSubstr(parameter.name()));
      for (const v1::CounterInfo& counter : allocator.counters()) EXPECT_THAT(shown, HasSubstr(counter.help()));
      for (const v1::FigureInfo& figure : allocator.figures()) EXPECT_THAT(shown, HasSubstr(figure.help()));
      for (const v1::FigureInfo& field : allocator.block_fields()) EXPECT_THAT(shown, HasSubstr(field.help()));
    }
  }
  EXPECT_THAT(Out({"catalog", "machine"}), HasSubstr("page_faults"));
  const ProcessResult typo = Run({"catalog", "page-run"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_EQ(typo.err, "alloclab: NAME: unknown allocator \"page-run\"; did you mean \"page-runs\"?\n");
}

TEST_F(LabEndToEnd, Workloads) {
  const v1::ListBuiltinsResponse list = Json<v1::ListBuiltinsResponse>({"workload", "list"});
  EXPECT_GE(list.builtins_size(), 6);
  for (const v1::Builtin& builtin : list.builtins()) {
    EXPECT_THAT(Out({"workload", "show", builtin.name()}), StartsWith("# " + builtin.name() + ": "));
  }
  const ProcessResult unknown = Run({"workload", "show", "larsn"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"larson\"?"));
}

TEST_F(LabEndToEnd, ServerAndVersion) {
  EXPECT_THAT(Out({"server"}), HasSubstr("address            " + server_.address()));
  EXPECT_EQ(Json<v1::Server>({"server"}).cost_model(), "i386-v1");
  EXPECT_THAT(Out({"version"}), StartsWith("alloclab  "));
  EXPECT_EQ(Out({"server", "-q"}), server_.address() + "\n");
  EXPECT_THAT(Out({"version"}), HasSubstr(Out({"version", "-q"})));
  EXPECT_THAT(Out({"--version"}), StartsWith("alloclab "));
}

TEST_F(LabEndToEnd, HelpGoesToStdoutAndErrorsToStderr) {
  EXPECT_THAT(Out({}), StartsWith("Example:\n"));
  EXPECT_THAT(Out({"submit", "--help"}), HasSubstr("Usage: alloclab submit WORKLOAD [OPTIONS]"));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{}, {"submit"}, {"compare"}, {"load"}}) {
    std::vector<std::string> command = words;
    command.push_back("--help");
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(Out(command), '\n'))) {
      EXPECT_TRUE(line.size() <= 80 || line.starts_with("  alloclab ")) << line;  // an example is left as it is
    }
  }
  const ProcessResult wrong = Run({"instnce"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.out, "");
  EXPECT_EQ(wrong.err, "alloclab: unknown command 'instnce'; did you mean 'instance'?\nSee `alloclab --help`.\n");
}

TEST_F(LabEndToEnd, CompletionAsksTheServer) {
  Out({"instance", "create", "demo", "--ram", "1Mi", "-q"});
  Out({"instance", "create", "second", "--ram", "1Mi", "-q"});
  // Where nobody answers in a completion's patience it is empty: on a busy machine it is asked for again.
  const auto complete = [this](const std::vector<std::string>& words) {
    std::string said;
    for (int tries = 0; tries < 20 && said.empty(); ++tries) said = Out(words);
    return said;
  };
  EXPECT_EQ(complete({"__complete", "malloc", ""}), "demo\nsecond\n");
  EXPECT_EQ(complete({"__complete", "inspect", "heap", "de"}), "demo\n");
  EXPECT_EQ(complete({"__complete", "submit", "lar"}), "larson\n");
  EXPECT_EQ(complete({"__complete", "submit", "--heap-allocator", "implicit-h"}), "implicit-heap\n");
  EXPECT_EQ(Out({"__complete", "--server", "127.0.0.1:1", "malloc", ""}), "");
  EXPECT_EQ(complete({"__complete", "submit", "x", "--param", "heap.e"}), "heap.engine=\n");
  EXPECT_EQ(complete({"__complete", "submit", "x", "--param", "heap.engine="}), "heap.engine=indexed\nheap.engine=literal\n");
  EXPECT_EQ(complete({"__complete", "submit", "x", "--param", "heap.engine=l"}), "heap.engine=literal\n");
  EXPECT_EQ(Out({"__complete", "submit", "x", "--heap-allocator", "none", "--param", "heap."}), "");
  EXPECT_EQ(complete({"__complete", "submit", "x", "--param", "heap.limit"}), "heap.limit_bytes=\n")
      << "once, whoever has it too";
  EXPECT_EQ(Out({"__complete", "submit", "x", "--heap-allocator", "bump", "--param", "heap.e"}), "");
  EXPECT_EQ(Out({"__complete", "submit", "x", "--heap-allocator=bump", "--param", "heap.e"}), "");
  EXPECT_EQ(complete({"__complete", "runs", "list", "--allocator", "page"}), "page-runs\n");
}

TEST_F(LabEndToEnd, CompletionDoesNotWaitForASilentServer) {
  const SilentPort silent(false);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Out({"__complete", "--server", silent.name(), "malloc", ""}), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(LabEndToEnd, CompletionScripts) {
  for (const char* shell : {"bash", "zsh", "fish"}) EXPECT_THAT(Out({"completion", shell}), HasSubstr("alloclab __complete"));
  const std::string script = folder_.Write("completion.bash", Out({"completion", "bash"}));
  EXPECT_EQ(Process({"/bin/bash", "-n", script}).Wait(), 0);
  const auto completed = [&](const std::string& line) {
    const std::string use = fmt::format(
        "PATH={}/bin:$PATH; source {}; COMP_LINE='{}'; COMP_POINT=${{#COMP_LINE}}; _alloclab; echo \"${{COMPREPLY[@]}}\"",
        ALLOCLAB_BINARY_DIR, script, line);
    return Finish(Process({"/bin/bash", "-c", use}, Environment())).out;
  };
  EXPECT_EQ(completed("alloclab runs d"), "delete diff\n");
  EXPECT_EQ(completed("alloclab runs "), "list show watch cancel delete pin unpin label compare diff open seek\n");
  EXPECT_EQ(completed("alloclab submit larson --param heap.engine=l"), "literal\n") << "bash cuts words at =";
  EXPECT_EQ(Run({"completion", "tcsh"}).exit_code, 2);
}

TEST_F(LabEndToEnd, AClosedPort) {
  const SilentPort closed(true);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"server"}, {"instance", "list"}, {"submit", "larson"}, {"runs", "watch", "1"}, {"inspect", "heap", "demo"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--server", closed.name()});
    const ProcessResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 3) << fmt::format("{}", fmt::join(command, " "));
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err,
                StartsWith(fmt::format("alloclab: cannot reach a server at {}: connection refused\nStart one with `./lab up`",
                                       closed.name())));
  }
}

// Nothing of gRPC's own words.
TEST_F(LabEndToEnd, WhatIsNoServerIsSaidInPlainWords) {
  const ProcessResult nowhere = Run({"server", "--server", "unix:" + (folder_.path() / "nowhere").string()});
  EXPECT_EQ(nowhere.exit_code, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("/nowhere: no such socket\nStart one with `./lab up`"));
  // A port of HTTP: that of the load generator's own metrics.
  Process load(CommandOf({"load", "steady-state", "--rate", "100", "--repeat", "forever", "--metrics-listen", "127.0.0.1:0"}),
               Environment());
  int port = 0;
  ASSERT_TRUE(
      Eventually([&] { return std::sscanf(load.err().c_str(), "Metrics at http://127.0.0.1:%d/metrics\n", &port) == 1; }));
  const std::string address = fmt::format("127.0.0.1:{}", port);
  EXPECT_THAT(Run({"server", "--server", address}).err, StartsWith("alloclab: cannot reach a server at " + address +
                                                                   ": what listens there speaks HTTP, not gRPC, as the web "
                                                                   "page and /metrics do\nStart one with `./lab up`"));
  load.Signal(SIGINT);
  load.Wait();
}

TEST_F(LabEndToEnd, AServerThatIsSilentIsGivenUpAfterTheDeadline) {
  const SilentPort silent(false);
  const ProcessResult result = Run({"server", "--server", silent.name(), "--timeout", "200ms"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("cannot reach a server at " + silent.name() + ": no connection in time"));
  const ProcessResult waited = Run({"server", "--server", silent.name(), "--timeout", "100ms", "--wait", "200ms"});
  EXPECT_EQ(waited.exit_code, 3);
  EXPECT_THAT(waited.err, HasSubstr("within 0.2 s"));
}

TEST_F(LabEndToEnd, HelpIsACommandToo) {
  EXPECT_EQ(Out({"help"}), Out({"--help"}));
  EXPECT_EQ(Out({"help", "runs", "list"}), Out({"runs", "list", "--help"}));
  const ProcessResult wrong = Run({"help", "runs", "lst"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.err, "alloclab: unknown command 'lst'; did you mean 'list'?\nSee `alloclab runs --help`.\n");
}

TEST_F(LabEndToEnd, WaitingIsSaid) {
  const SilentPort silent(false);
  const ProcessResult waited = Run({"server", "--server", silent.name(), "--timeout", "100ms", "--wait", "300ms"});
  EXPECT_EQ(waited.exit_code, 3);
  EXPECT_THAT(waited.err, StartsWith("Waiting up to 0.3 s for a server at " + silent.name() + "\n"));
  EXPECT_EQ(Run({"server", "--wait", "10s"}).err, "") << "a server that is there is not waited for";
}

TEST_F(LabEndToEnd, QuietListsAreNames) {
  EXPECT_THAT(Out({"workload", "list", "-q"}), StartsWith("steady-state\nramp-and-drain\n"));
  const v1::Catalog catalog = Json<v1::Catalog>({"catalog"});
  std::string names;
  for (const v1::AllocatorInfo& allocator : catalog.page_allocators()) names += allocator.name() + "\n";
  for (const v1::AllocatorInfo& allocator : catalog.heap_allocators()) names += allocator.name() + "\n";
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) names += native.name() + "\n";
  EXPECT_EQ(Out({"catalog", "-q"}), names);
  EXPECT_THAT(names, StartsWith("page-runs\n"));
}

TEST_F(LabEndToEnd, AFullDiskIsAnError) {
  const std::string script = fmt::format("exec {}/bin/alloclab catalog > /dev/full", ALLOCLAB_BINARY_DIR);
  const ProcessResult result = Finish(Process({"/bin/bash", "-c", script}, Environment()));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write to standard output: No space left on device"));
}

}  // namespace
}  // namespace alloclab::client
