// Every refusal of a request: its code, and that the sentence names the offender.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "server/limits.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

struct Refusal {
  std::string name;
  std::function<grpc::Status(Stubs&)> call;
  StatusCode code;
  std::string says;
};

// Cases are checked against one server that has the instances "a" (with a heap) and "pages" (without) and no runs.
class Refusals : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new TestServer;
    server_->Create("a");
    server_->Create("pages", [](v1::InstanceConfig& config) {
      config.set_heap_allocator("none");
      config.clear_parameters();
    });
  }
  static void TearDownTestSuite() { delete server_; }

  void Check(const std::vector<Refusal>& refusals) {
    for (const Refusal& refusal : refusals) {
      SCOPED_TRACE(refusal.name);
      const grpc::Status status = refusal.call(server_->stubs());
      EXPECT_EQ(status.error_code(), refusal.code) << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr(refusal.says));
    }
  }

  static TestServer* server_;
};
TestServer* Refusals::server_ = nullptr;

// --- Lab ---

std::function<grpc::Status(Stubs&)> Create(const std::string& name,
                                           const std::function<void(v1::CreateInstanceRequest&)>& change = nullptr) {
  return [=](Stubs& stubs) {
    v1::CreateInstanceRequest request;
    request.set_name(name);
    if (change) change(request);
    v1::Instance reply;
    return With([&](auto& context) { return stubs.lab->CreateInstance(&context, request, &reply); });
  };
}

std::function<grpc::Status(Stubs&)> List(std::uint32_t size, const std::string& token) {
  return [=](Stubs& stubs) {
    v1::ListInstancesRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    v1::ListInstancesResponse reply;
    return With([&](auto& context) { return stubs.lab->ListInstances(&context, request, &reply); });
  };
}

TEST_F(Refusals, LabRefusesAndNamesTheField) {
  const auto get = [](const std::string& name) {
    return [=](Stubs& stubs) {
      v1::GetInstanceRequest request;
      request.set_instance(name);
      v1::Instance reply;
      return With([&](auto& context) { return stubs.lab->GetInstance(&context, request, &reply); });
    };
  };
  const auto remove = [](const std::string& name) {
    return [=](Stubs& stubs) {
      v1::DeleteInstanceRequest request;
      request.set_instance(name);
      v1::DeleteInstanceResponse reply;
      return With([&](auto& context) { return stubs.lab->DeleteInstance(&context, request, &reply); });
    };
  };
  const auto ram = [](std::uint64_t bytes) {
    return [=](v1::CreateInstanceRequest& r) { r.mutable_config()->set_ram_bytes(bytes); };
  };
  const auto parameter = [](const std::string& name, const std::string& value) {
    return [=](v1::CreateInstanceRequest& r) { (*r.mutable_config()->mutable_parameters())[name] = value; };
  };
  Check({
      {"capital letters", Create("Lab"), StatusCode::INVALID_ARGUMENT, "name: \"Lab\""},
      {"leading dash", Create("-a"), StatusCode::INVALID_ARGUMENT, "name: \"-a\""},
      {"digits only", Create("17"), StatusCode::INVALID_ARGUMENT, "not only digits"},
      {"33 letters", Create(std::string(33, 'x')), StatusCode::INVALID_ARGUMENT, "name: "},
      {"a quote", Create("a\"b"), StatusCode::INVALID_ARGUMENT, "name: "},
      {"the sum's name", Create("other"), StatusCode::INVALID_ARGUMENT, "reserved"},
      {"a run's name", Create("run-7"), StatusCode::INVALID_ARGUMENT, "reserved"},
      {"taken", Create("a"), StatusCode::ALREADY_EXISTS, "\"a\""},
      {"RAM too small", Create("b", ram(4096)), StatusCode::INVALID_ARGUMENT, "ram_bytes"},
      {"RAM too large", Create("b", ram((1ull << 32) + 4096)), StatusCode::INVALID_ARGUMENT, "ram_bytes"},
      {"RAM no multiple", Create("b", ram((1 << 20) + 1)), StatusCode::INVALID_ARGUMENT, "ram_bytes"},
      {"RAM smaller than its page tables",
       Create("b",
              [](auto& r) {
                r.mutable_config()->set_ram_bytes(1 << 20);
                (*r.mutable_config()->mutable_parameters())["heap.limit_bytes"] = "1016Mi";
              }),
       StatusCode::INVALID_ARGUMENT, "ram_bytes"},
      {"unknown page allocator", Create("b", [](auto& r) { r.mutable_config()->set_page_allocator("budy"); }),
       StatusCode::INVALID_ARGUMENT, "budy"},
      {"unknown heap allocator", Create("b", [](auto& r) { r.mutable_config()->set_heap_allocator("implicit-hep"); }),
       StatusCode::INVALID_ARGUMENT, "implicit-heap"},
      {"unknown parameter", Create("b", parameter("heap.engin", "literal")), StatusCode::INVALID_ARGUMENT, "heap.engine"},
      {"bad value", Create("b", parameter("heap.engine", "fast")), StatusCode::INVALID_ARGUMENT, "fast"},
      {"long request_id", Create("b", [](auto& r) { r.set_request_id(std::string(65, 'x')); }), StatusCode::INVALID_ARGUMENT,
       "request_id"},
      {"get nothing", get(""), StatusCode::INVALID_ARGUMENT, "instance"},
      {"get unknown", get("nope"), StatusCode::NOT_FOUND, "\"nope\""},
      {"get unknown id", get("999999"), StatusCode::NOT_FOUND, "999999"},
      {"delete unknown", remove("nope"), StatusCode::NOT_FOUND, "\"nope\""},
      {"list too many", List(1001, ""), StatusCode::INVALID_ARGUMENT, "page_size"},
      {"list with a wrong token", List(1, "x"), StatusCode::INVALID_ARGUMENT, "page_token"},
  });
}

// --- Heap ---

std::function<grpc::Status(Stubs&)> Apply(const v1::Batch& batch) {
  return [=](Stubs& stubs) {
    v1::BatchReply reply;
    return With([&](auto& context) { return stubs.heap->Apply(&context, batch, &reply); });
  };
}
v1::Batch Changed(const std::function<void(v1::Batch&)>& change) {
  v1::Batch batch = BatchBuilder("a").Add(v1::MALLOC, 0, 16).Add(v1::FREE, 0).batch();
  change(batch);
  return batch;
}

TEST_F(Refusals, HeapRefusesAndNamesTheField) {
  const std::uint32_t null = 0xFFFFFFFF;
  Check({
      {"no instance", Apply(Changed([](auto& b) { b.clear_instance(); })), StatusCode::INVALID_ARGUMENT, "instance: not set"},
      {"unknown instance", Apply(Changed([](auto& b) { b.set_instance("nope"); })), StatusCode::NOT_FOUND, "nope"},
      {"too few blocks", Apply(Changed([](auto& b) { b.mutable_blocks()->RemoveLast(); })), StatusCode::INVALID_ARGUMENT,
       "blocks: 1 elements, but kinds has 2"},
      {"too many sizes", Apply(Changed([](auto& b) { b.add_sizes(1); })), StatusCode::INVALID_ARGUMENT, "sizes: 3"},
      {"some extras", Apply(Changed([](auto& b) { b.mutable_extras()->RemoveLast(); })), StatusCode::INVALID_ARGUMENT,
       "extras: 1"},
      {"unknown kind", Apply(Changed([](auto& b) { (*b.mutable_kinds())[1] = 7; })), StatusCode::INVALID_ARGUMENT,
       "kinds[1]: 7"},
      {"large kind", Apply(Changed([](auto& b) { (*b.mutable_kinds())[0] = '\xff'; })), StatusCode::INVALID_ARGUMENT,
       "kinds[0]: 255"},
      {"large handle", Apply(Changed([](auto& b) { b.set_blocks(1, kHandlesPerInstanceMax); })), StatusCode::INVALID_ARGUMENT,
       "blocks[1]"},
      {"no handle for malloc", Apply(Changed([=](auto& b) { b.set_blocks(0, null); })), StatusCode::INVALID_ARGUMENT,
       "blocks[0]"},
      {"no handle for a page free", Apply(BatchBuilder("a").Add(v1::FREE_PAGES, null).batch()), StatusCode::INVALID_ARGUMENT,
       "blocks[0]"},
      {"large old handle", Apply(BatchBuilder("a").Add(v1::REALLOC, 1, 8, kHandlesPerInstanceMax).batch()),
       StatusCode::INVALID_ARGUMENT, "extras[0]"},
      {"too many operations", Apply(Changed([](auto& b) { b.mutable_kinds()->resize(kBatchOperationsMax + 1); })),
       StatusCode::INVALID_ARGUMENT, "kinds: 65537"},
      {"message above the limit", Apply(Changed([](auto& b) { b.mutable_kinds()->resize(std::size_t{kMessageBytesMax} + 1); })),
       StatusCode::RESOURCE_EXHAUSTED, "larger than max"},
  });
  v1::GetInstanceRequest request;
  request.set_instance("a");
  v1::Instance a;
  ASSERT_TRUE(With([&](auto& context) { return (*server_)->lab->GetInstance(&context, request, &a); }).ok());
  EXPECT_EQ(a.operations(), 0u) << "a refused batch changed the instance";
}

TEST_F(Refusals, SingleOperationsRefuseAndNameTheField) {
  const auto malloc_on = [](const std::string& name) {
    return [=](Stubs& stubs) {
      v1::MallocRequest request;
      request.set_instance(name);
      v1::OperationReply reply;
      return With([&](auto& context) { return stubs.heap->Malloc(&context, request, &reply); });
    };
  };
  const auto free_pages_on = [](const std::string& name) {
    return [=](Stubs& stubs) {
      v1::FreePagesRequest request;
      request.set_instance(name);
      v1::OperationReply reply;
      return With([&](auto& context) { return stubs.heap->FreePages(&context, request, &reply); });
    };
  };
  Check({
      {"malloc nowhere", malloc_on(""), StatusCode::INVALID_ARGUMENT, "instance: not set"},
      {"malloc on unknown", malloc_on("nope"), StatusCode::NOT_FOUND, "nope"},
      {"free pages on unknown", free_pages_on("nope"), StatusCode::NOT_FOUND, "nope"},
  });
}

// --- Inspect ---

std::function<grpc::Status(Stubs&)> ReadMemory(const std::string& name, std::uint32_t address, std::uint32_t bytes,
                                               bool physical) {
  return [=](Stubs& stubs) {
    v1::ReadMemoryRequest request;
    request.set_instance(name);
    request.set_address(address);
    request.set_bytes(bytes);
    request.set_physical(physical);
    v1::ReadMemoryReply reply;
    return With([&](auto& context) { return stubs.inspect->ReadMemory(&context, request, &reply); });
  };
}

TEST_F(Refusals, InspectRefusesAndNamesTheField) {
  const auto walk_of = [](const std::string& name, v1::AllocatorKind allocator) {
    return [=](Stubs& stubs) {
      v1::WalkBlocksRequest request;
      request.set_instance(name);
      request.set_allocator(allocator);
      return With([&](auto& context) { return stubs.inspect->WalkBlocks(&context, request)->Finish(); });
    };
  };
  const auto walk = [&](const std::string& name) { return walk_of(name, v1::HEAP); };
  const auto walk_pages = [&](const std::string& name) { return walk_of(name, v1::PAGES); };
  const auto translate = [](const std::string& name) {
    return [=](Stubs& stubs) {
      v1::TranslateRequest request;
      request.set_instance(name);
      v1::Translation reply;
      return With([&](auto& context) { return stubs.inspect->Translate(&context, request, &reply); });
    };
  };
  Check({
      {"no bytes", ReadMemory("a", 0, 0, true), StatusCode::INVALID_ARGUMENT, "bytes: 0"},
      {"too many bytes", ReadMemory("a", 0, 65537, true), StatusCode::INVALID_ARGUMENT, "bytes: 65537"},
      {"beyond RAM", ReadMemory("a", (16 << 20) - 4, 8, true), StatusCode::OUT_OF_RANGE, "0x00fffffc"},
      {"wraps", ReadMemory("a", 0xFFFFFFFC, 8, true), StatusCode::OUT_OF_RANGE, "0xfffffffc"},
      {"not present", ReadMemory("a", 0x1000, 4, false), StatusCode::OUT_OF_RANGE, "0x00001000"},
      {"no heap to read", ReadMemory("pages", 0x1000, 4, false), StatusCode::FAILED_PRECONDITION, "\"pages\""},
      {"read of unknown", ReadMemory("nope", 0, 4, true), StatusCode::NOT_FOUND, "nope"},
      {"walk unknown", walk("nope"), StatusCode::NOT_FOUND, "nope"},
      {"walk no heap", walk("pages"), StatusCode::FAILED_PRECONDITION, "no heap"},
      {"walk runs of unknown", walk_pages("nope"), StatusCode::NOT_FOUND, "nope"},
      {"translate without a heap", translate("pages"), StatusCode::FAILED_PRECONDITION, "no heap"},
      {"translate unknown", translate("nope"), StatusCode::NOT_FOUND, "nope"},
  });
}

// --- Runs and workloads ---

std::function<grpc::Status(Stubs&)> Submit(const std::function<void(v1::SubmitRunRequest&)>& change) {
  return [=](Stubs& stubs) {
    v1::SubmitRunRequest request = SmallRun();
    change(request);
    v1::Run reply;
    return With([&](auto& context) { return stubs.runs->SubmitRun(&context, request, &reply); });
  };
}
std::function<grpc::Status(Stubs&)> SubmitPhase(const std::function<void(v1::Phase&)>& change) {
  return Submit([=](auto& r) { change(*r.mutable_workload()->mutable_spec()->mutable_phases(0)); });
}

TEST_F(Refusals, SubmitRunRefusesAndNamesTheField) {
  Check({
      {"no workload", Submit([](auto& r) { r.clear_workload(); }), StatusCode::INVALID_ARGUMENT, "workload: not set"},
      {"unknown built-in", Submit([](auto& r) { r.mutable_workload()->mutable_builtin()->set_name("stedy-state"); }),
       StatusCode::NOT_FOUND, "stedy-state"},
      {"no digest", Submit([](auto& r) { r.mutable_workload()->set_trace_sha256("abc"); }), StatusCode::INVALID_ARGUMENT,
       "workload.trace_sha256: \"abc\""},
      {"unknown trace", Submit([](auto& r) { r.mutable_workload()->set_trace_sha256(std::string(64, '0')); }),
       StatusCode::NOT_FOUND, "trace_sha256"},
      {"no size", SubmitPhase([](auto& p) { p.clear_size(); }), StatusCode::INVALID_ARGUMENT,
       "workload.spec.phases[0].size: not set"},
      {"min above max", SubmitPhase([](auto& p) { p.mutable_size()->mutable_uniform()->set_min(999); }),
       StatusCode::INVALID_ARGUMENT, "workload.spec.phases[0].size.uniform"},
      {"unknown order", SubmitPhase([](auto& p) { p.set_free_order(static_cast<v1::FreeOrder>(9)); }),
       StatusCode::INVALID_ARGUMENT, "workload.spec.phases[0].free_order"},
      {"no weights", SubmitPhase([](auto& p) { p.mutable_mix(); }), StatusCode::INVALID_ARGUMENT,
       "workload.spec.phases[0]: mix"},
      {"too long", SubmitPhase([](auto& p) { p.set_operations(kWorkloadOperationsMax + 1); }), StatusCode::INVALID_ARGUMENT,
       "33554433"},
      {"no phases", Submit([](auto& r) { r.mutable_workload()->mutable_spec()->clear_phases(); }), StatusCode::INVALID_ARGUMENT,
       "workload.spec.phases"},
      {"seed of a recording", Submit([](auto& r) {
         r.mutable_workload()->mutable_builtin()->set_name("sqlite");
         r.mutable_workload()->mutable_builtin()->set_seed(3);
       }),
       StatusCode::INVALID_ARGUMENT, "workload.builtin.seed: sqlite is recorded and has no seed"},
      {"nothing without a heap",
       Submit([](auto& r) { r.mutable_config()->clear_parameters(), r.mutable_config()->set_heap_allocator("none"); }),
       StatusCode::INVALID_ARGUMENT, "config.heap_allocator: none, but every operation of this workload needs a heap"},
      {"digests without a heap", Submit([](auto& r) {
         r.mutable_config()->clear_parameters(), r.mutable_config()->set_heap_allocator("none");
         r.set_digest_at("1/2");
       }),
       StatusCode::INVALID_ARGUMENT, "digest_at: a machine without a heap has no metadata to digest"},
      {"bad RAM", Submit([](auto& r) { r.mutable_config()->set_ram_bytes(5); }), StatusCode::INVALID_ARGUMENT, "ram_bytes"},
      {"bad digest_at", Submit([](auto& r) { r.set_digest_at("1/4,x"); }), StatusCode::INVALID_ARGUMENT, "digest_at"},
      {"long digest_at", Submit([](auto& r) { r.set_digest_at(std::string(1025, '1')); }), StatusCode::INVALID_ARGUMENT,
       "digest_at"},
      {"label with an escape", Submit([](auto& r) { r.set_label("a\x1b[2J"); }), StatusCode::INVALID_ARGUMENT,
       R"(label: "a\x1b[2J" has control characters)"},
      {"specification whose name is two lines", Submit([](auto& r) { r.mutable_workload()->mutable_spec()->set_name("a\rb"); }),
       StatusCode::INVALID_ARGUMENT, R"(workload.spec.name: "a\x0db")"},
      {"long label", Submit([](auto& r) { r.set_label(std::string(129, 'x')); }), StatusCode::INVALID_ARGUMENT, "label"},
      {"long request_id", Submit([](auto& r) { r.set_request_id(std::string(65, 'x')); }), StatusCode::INVALID_ARGUMENT,
       "request_id"},
  });
}

TEST_F(Refusals, RunsRefusesAndNamesTheRun) {
  const auto get = [](Stubs& stubs) {
    v1::Run reply;
    v1::GetRunRequest request;
    request.set_id(99);
    return With([&](auto& context) { return stubs.runs->GetRun(&context, request, &reply); });
  };
  const auto watch = [](Stubs& stubs) {
    v1::WatchRunRequest request;
    request.set_id(99);
    return With([&](auto& context) { return stubs.runs->WatchRun(&context, request)->Finish(); });
  };
  const auto cancel = [](Stubs& stubs) {
    v1::Run reply;
    v1::CancelRunRequest request;
    request.set_id(99);
    return With([&](auto& context) { return stubs.runs->CancelRun(&context, request, &reply); });
  };
  const auto remove = [](Stubs& stubs) {
    v1::DeleteRunResponse reply;
    v1::DeleteRunRequest request;
    request.set_id(99);
    return With([&](auto& context) { return stubs.runs->DeleteRun(&context, request, &reply); });
  };
  const auto diff = [](Stubs& stubs) {
    v1::DiffRunsReply reply;
    v1::DiffRunsRequest request;
    request.set_a(99);
    return With([&](auto& context) { return stubs.runs->DiffRuns(&context, request, &reply); });
  };
  const auto list = [](std::uint32_t size, const std::string& token) {
    return [=](Stubs& stubs) {
      v1::ListRunsResponse reply;
      v1::ListRunsRequest request;
      request.set_page_size(size);
      request.set_page_token(token);
      return With([&](auto& context) { return stubs.runs->ListRuns(&context, request, &reply); });
    };
  };
  Check({
      {"get", get, StatusCode::NOT_FOUND, "run 99"},
      {"watch", watch, StatusCode::NOT_FOUND, "run 99"},
      {"cancel", cancel, StatusCode::NOT_FOUND, "run 99"},
      {"delete", remove, StatusCode::NOT_FOUND, "run 99"},
      {"diff", diff, StatusCode::NOT_FOUND, "run 99"},
      {"list too many", list(501, ""), StatusCode::INVALID_ARGUMENT, "page_size: 501"},
      {"list with a wrong token", list(1, "-3"), StatusCode::INVALID_ARGUMENT, "page_token"},
  });
}

std::function<grpc::Status(Stubs&)> Upload(const std::string& name, const std::string& data) {
  return [=](Stubs& stubs) {
    return With([&](auto& context) {
      v1::TraceInfo reply;
      const auto writer = stubs.workloads->UploadTrace(&context, &reply);
      v1::UploadTraceRequest chunk;
      chunk.set_name(name);
      chunk.set_data(data);
      writer->Write(chunk);
      writer->WritesDone();
      return writer->Finish();
    });
  };
}

TEST_F(Refusals, UploadTraceRefusesAndNamesTheFile) {
  Check({
      {"nothing", Upload("empty.rep", ""), StatusCode::INVALID_ARGUMENT, "empty.rep"},
      {"cut in the middle", Upload("cut.rep", "20000000\n2\n4\n1\na 0 100\na 1 50\nf"), StatusCode::INVALID_ARGUMENT,
       "cut.rep:7"},
      {"too few lines", Upload("few.rep", "20000000\n2\n4\n1\na 0 100\n"), StatusCode::INVALID_ARGUMENT, "few.rep"},
      {"half a gzip", Upload("half.gz", std::string("\x1f\x8b\x08\x00\x00", 5)), StatusCode::INVALID_ARGUMENT, "half.gz"},
      {"a long name", Upload(std::string(256, 'n'), "x"), StatusCode::INVALID_ARGUMENT, "name: 256"},
  });
}

}  // namespace
}  // namespace alloclab::server
