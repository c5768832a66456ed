// Callers that want too much of a server's memory and time, one scenario per call; memory.sh starts a server for each. Prints
// what was counted, judges nothing. As the lab's clients do, it speaks TLS if ALLOCLAB_CA names who signs the server's
// certificate, and shows the token of ALLOCLAB_TOKEN.
//
//   memory_abuse SCENARIO ADDRESS PID
#define ZLIB_CONST  // next_in points to const bytes
#include <zlib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "alloclab/v1/heap.grpc.pb.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/common/channel_credentials.h"
#include "clients/common/connection.h"

namespace alloclab::server {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }
void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

class Target {
 public:
  Target(const std::string& address, std::string pid) : connection_({.server = address}), pid_(std::move(pid)) {}

  std::unique_ptr<grpc::ClientContext> MakeContext(double seconds) const {
    return connection_.MakeContext(std::chrono::milliseconds(static_cast<int>(seconds * 1000)));
  }
  template <class Call>
  grpc::Status With(double seconds, Call call) const {
    return call(*MakeContext(seconds));
  }

  template <class Service>
  std::unique_ptr<typename Service::Stub> Stub() const {
    return Service::NewStub(connection_.channel());
  }
  // "VmRSS" or "VmHWM", in MiB.
  std::uint64_t Status(const std::string& field) const {
    std::ifstream file("/proc/" + pid_ + "/status");
    std::string word;
    std::uint64_t kib = 0;
    while (file >> word) {
      if (word == field + ":") file >> kib;
    }
    return kib >> 10;
  }
  double CpuSeconds() const {
    std::ifstream file("/proc/" + pid_ + "/stat");
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> words = absl::StrSplit(line.substr(line.rfind(')') + 2), ' ');
    double user = 0, system = 0;
    return absl::SimpleAtod(words[11], &user) && absl::SimpleAtod(words[12], &system) ? (user + system) / 100 : 0;
  }
  // Processor time that it uses from now until it is idle.
  double CpuUntilIdle() const {
    const double start = CpuSeconds();
    for (double last = -1, now = start; now - last > 0.02; now = CpuSeconds()) {
      last = now;
      Sleep(1);
    }
    return CpuSeconds() - start;
  }

 private:
  client::Connection connection_;
  std::string pid_;
};

std::string NameOf(const grpc::Status& status) {
  return status.ok() ? "OK" : std::to_string(status.error_code()) + " (" + status.error_message().substr(0, 150) + ")";
}

void Create(const Target& target, const std::string& name, std::uint64_t ram,
            const std::map<std::string, std::string>& parameters) {
  v1::CreateInstanceRequest request;
  request.set_name(name);
  request.mutable_config()->set_ram_bytes(ram);
  for (const auto& [key, value] : parameters) (*request.mutable_config()->mutable_parameters())[key] = value;
  v1::Instance instance;
  const grpc::Status status =
      target.With(60, [&](auto& context) { return target.Stub<v1::Lab>()->CreateInstance(&context, request, &instance); });
  if (!status.ok()) std::printf("  create %s: %s\n", name.c_str(), NameOf(status).c_str());
}

void Delete(const Target& target, const std::string& name) {
  v1::DeleteInstanceRequest request;
  request.set_instance(name);
  v1::DeleteInstanceResponse reply;
  target.With(60, [&](auto& context) { return target.Stub<v1::Lab>()->DeleteInstance(&context, request, &reply); });
}

std::uint64_t Operations(const Target& target, const std::string& name) {
  v1::GetInstanceRequest request;
  request.set_instance(name);
  v1::Instance reply;
  target.With(60, [&](auto& context) { return target.Stub<v1::Lab>()->GetInstance(&context, request, &reply); });
  return reply.operations();
}

grpc::Status Mallocs(const Target& target, const std::string& name, std::uint32_t count, std::uint32_t bytes, double seconds,
                     v1::BatchReply& reply) {
  v1::Batch batch;
  batch.set_instance(name);
  batch.set_quiet(true);
  for (std::uint32_t i = 0; i < count; ++i) {
    batch.mutable_kinds()->push_back(static_cast<char>(v1::MALLOC));
    batch.add_blocks(0);
    batch.add_sizes(bytes);
  }
  return target.With(seconds, [&](auto& context) { return target.Stub<v1::Heap>()->Apply(&context, batch, &reply); });
}

void Fill(const Target& target, const std::string& name, std::uint32_t chunks) {
  for (std::uint32_t done = 0; done < chunks; done += 50'000) {
    v1::BatchReply reply;
    const grpc::Status status = Mallocs(target, name, std::min(50'000u, chunks - done), 4, 600, reply);
    if (!status.ok()) return (void)std::printf("  fill: %s\n", NameOf(status).c_str());
  }
}

void Callocs(const Target& target) {
  for (int i = 0; i < 4; ++i) Create(target, "c" + std::to_string(i), 1ull << 30, {{"heap.limit_bytes", "1006632960"}});
  std::vector<std::thread> threads;
  std::vector<v1::OperationReply> replies(4);
  std::vector<grpc::Status> statuses(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      v1::CallocRequest request;
      request.set_instance("c" + std::to_string(i));
      request.set_count(900);
      request.set_bytes(1 << 20);
      statuses[i] =
          target.With(60, [&](auto& context) { return target.Stub<v1::Heap>()->Calloc(&context, request, &replies[i]); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const grpc::Status& status : statuses) std::printf("  calloc of 900 MiB: %s\n", NameOf(status).c_str());
  std::printf("  peak %lu MiB\n", target.Status("VmHWM"));
  for (int i = 0; i < 4; ++i) {
    v1::FreeRequest request;
    request.set_instance("c" + std::to_string(i));
    request.set_address(replies[i].address());
    v1::OperationReply reply;
    const grpc::Status status =
        target.With(60, [&](auto& context) { return target.Stub<v1::Heap>()->Free(&context, request, &reply); });
    std::printf("  free: %s\n", NameOf(status).c_str());
  }
}

std::string Gzip(const std::string& plain) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = static_cast<const Bytef*>(static_cast<const void*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(packed.data()));
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

grpc::Status Upload(const Target& target, const std::string& bytes, double seconds) {
  return target.With(seconds, [&](auto& context) {
    v1::TraceInfo reply;
    const auto stub = target.Stub<v1::Workloads>();
    const auto writer = stub->UploadTrace(&context, &reply);
    for (std::size_t at = 0; at < bytes.size(); at += 1 << 20) {
      v1::UploadTraceRequest request;
      request.set_name("abuse.rep");
      request.set_data(bytes.substr(at, 1 << 20));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  });
}

std::string SparseIds(std::uint64_t operations) {
  std::string text;
  for (std::uint64_t i = 0; i < operations; ++i) text += "a " + std::to_string(i * 1'000'003) + " 8\n";
  return Gzip(text);
}

void Uploads(const Target& target) {
  std::string flat = "a 0 1\n";
  while (flat.size() < (100u << 20)) flat += "f 0\na 0 1\n";
  std::string doubling;
  for (std::uint64_t id = 4000; id < 1ull << 31; id = 2 * id + 4000) doubling += "a " + std::to_string(id) + " 8\n";
  for (const auto& [name, bytes] : {std::pair{"4,000,000 far ids", SparseIds(4'000'000)},
                                    {"100 MiB of text in a small gzip", Gzip(flat)},
                                    {"20 ids that double", doubling}}) {
    const Clock::time_point start = Clock::now();
    std::vector<std::thread> threads;
    std::vector<std::string> ends(3);
    for (std::string& end : ends) threads.emplace_back([&, bytes = &bytes] { end = NameOf(Upload(target, *bytes, 300)); });
    for (std::thread& thread : threads) thread.join();
    std::printf("  three times %s, %zu KiB: %.1f s, peak %lu MiB\n", name, bytes.size() >> 10, SecondsSince(start),
                target.Status("VmHWM"));
    for (const std::string& end : ends) std::printf("    %s\n", end.c_str());
  }
}

void DeadUpload(const Target& target) {
  const std::string bytes = SparseIds(8'000'000);
  const grpc::Status status = Upload(target, bytes, 1);
  std::printf("  upload with a deadline of 1 s: %s; processor time after it ended %.2f s\n", NameOf(status).c_str(),
              target.CpuUntilIdle());
}

void DeadChecks(const Target& target) {
  Create(target, "big", 1ull << 30, {{"heap.limit_bytes", "536870912"}});
  Fill(target, "big", 2'000'000);
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([&] {
      v1::CheckInvariantsRequest request;
      request.set_instance("big");
      v1::CheckInvariantsReply reply;
      target.With(0.2, [&](auto& context) { return target.Stub<v1::Inspect>()->CheckInvariants(&context, request, &reply); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double ended = SecondsSince(start);
  std::printf(
      "  100 checks of 2,000,000 chunks with deadlines of 200 ms ended after %.2f s; processor time after that %.2f s\n", ended,
      target.CpuUntilIdle());
}

void LongBatch(const Target& target) {
  Create(target, "lit", 256u << 20, {{"heap.limit_bytes", "67108864"}, {"heap.engine", "literal"}});
  Fill(target, "lit", 20'000);
  const std::uint64_t before = Operations(target, "lit");
  v1::BatchReply reply;
  const grpc::Status status = Mallocs(target, "lit", 65'536, 8, 1, reply);
  const std::uint64_t after = Operations(target, "lit");
  const Clock::time_point start = Clock::now();
  v1::MallocRequest request;
  request.set_instance("lit");
  request.set_bytes(8);
  v1::OperationReply next;
  const grpc::Status next_status =
      target.With(60, [&](auto& context) { return target.Stub<v1::Heap>()->Malloc(&context, request, &next); });
  std::printf("  batch of 65,536 mallocs over 20,000 chunks with a deadline of 1 s: %s; next caller after %.2f s: %s\n",
              NameOf(status).c_str(), SecondsSince(start), NameOf(next_status).c_str());
  std::printf(
      "  operations before %lu, when the deadline had passed %lu, after the next caller %lu; processor time until idle %.2f "
      "s\n",
      before, after, Operations(target, "lit"), target.CpuUntilIdle());
  std::thread([&] { Mallocs(target, "lit", 65'536, 8, 600, reply); }).detach();
  Sleep(1);
  std::printf("  a batch without end is under way\n");
  std::fflush(stdout);
  std::_Exit(0);  // SIGTERM comes next
}

void Walks(const Target& target) {
  Create(target, "walked", 1ull << 30, {{"heap.limit_bytes", "536870912"}});
  Fill(target, "walked", 1'000'000);
  const std::uint64_t start = target.Status("VmRSS");
  const auto stub = target.Stub<v1::Inspect>();
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::BlockList>>> readers;
  v1::WalkBlocksRequest request;
  request.set_instance("walked");
  request.set_allocator(v1::HEAP);
  for (int i = 0; i < 80; ++i) {
    contexts.push_back(target.MakeContext(600));
    readers.push_back(stub->WalkBlocks(contexts.back().get(), request));
  }
  Sleep(3);
  std::printf("  80 walks that take no data: %lu MiB before, %lu MiB now\n", start, target.Status("VmRSS"));
  Delete(target, "walked");
  Sleep(3);
  std::printf("  the instance deleted: %lu MiB\n", target.Status("VmRSS"));
  Sleep(40);
  int ended = 0;
  for (std::size_t i = 0; i < readers.size(); ++i) {
    v1::BlockList list;
    int messages = 0;
    while (messages < 200 && readers[i]->Read(&list)) ++messages;
    if (messages < 200) ended += !readers[i]->Finish().ok();
    contexts[i]->TryCancel();
  }
  Sleep(3);
  std::printf("  40 s later %d of 80 were ended by the server; %lu MiB\n", ended, target.Status("VmRSS"));
}

// Cancels the run once it has done so many operations, or failed to.
void CancelAfter(const Target& target, const v1::SubmitRunRequest& request, std::uint64_t operations, const char* what) {
  v1::Run run;
  const auto stub = target.Stub<v1::Runs>();
  const grpc::Status submitted = target.With(60, [&](auto& context) { return stub->SubmitRun(&context, request, &run); });
  if (!submitted.ok()) return (void)std::printf("  submit: %s\n", NameOf(submitted).c_str());
  v1::GetRunRequest get;
  get.set_id(run.id());
  for (int i = 0; i < 6000 && run.state() <= v1::Run::RUNNING && run.operations_done() < operations; ++i) {
    Sleep(0.02);
    target.With(60, [&](auto& context) { return stub->GetRun(&context, get, &run); });
  }
  v1::CancelRunRequest cancel;
  cancel.set_id(run.id());
  const Clock::time_point start = Clock::now();
  v1::Run ended;
  target.With(60, [&](auto& context) { return stub->CancelRun(&context, cancel, &ended); });
  std::printf("  %s (state %d, %lu operations) cancelled in %.3f s, with%s result\n", what, run.state(), run.operations_done(),
              SecondsSince(start), ended.has_result() ? "" : "out");
}

void Cancel(const Target& target) {
  v1::SubmitRunRequest request;
  request.mutable_config()->set_ram_bytes(1ull << 31);
  (*request.mutable_config()->mutable_parameters())["heap.limit_bytes"] = "1065353216";
  v1::WorkloadSpec& spec = *request.mutable_workload()->mutable_spec();
  spec.set_name("abuse");
  v1::Phase& phase = *spec.add_phases();
  phase.set_name("only");
  phase.set_operations(12'000'000);
  phase.set_live_blocks(6'000'000);
  phase.mutable_size()->set_fixed(16);
  CancelAfter(target, request, 10'000'000, "a run with some 5,000,000 live blocks");
}

// Quick operations first, then a full heap of many blocks that is asked for more than it has.
void CancelRefused(const Target& target) {
  v1::SubmitRunRequest request;
  request.mutable_config()->set_ram_bytes(4ull << 20);
  request.mutable_config()->set_heap_allocator("segregated-fits");
  v1::WorkloadSpec& spec = *request.mutable_workload()->mutable_spec();
  spec.set_name("abuse");
  const auto add = [&](const char* name, std::uint64_t operations, std::uint32_t blocks, std::uint32_t bytes) {
    v1::Phase& phase = *spec.add_phases();
    phase.set_name(name);
    phase.set_operations(operations);
    phase.set_live_blocks(blocks);
    phase.mutable_size()->set_fixed(bytes);
  };
  add("quick", 2'000'000, 1000, 16);
  add("full", 120'000, 100'000, 16);
  add("refused", 2'000'000, 200'000, 1 << 20);
  CancelAfter(target, request, 2'121'000, "a run whose requests are refused, after a walk through the heap each,");
}

void Deletes(const Target& target) {
  Create(target, "first", 1 << 24, {{"heap.limit_bytes", "8388608"}});
  Delete(target, "first");
  const std::uint64_t start = target.Status("VmRSS");
  for (int i = 0; i < 10'000; ++i) Create(target, "d" + std::to_string(i), 1ull << 32, {});
  const std::uint64_t full = target.Status("VmRSS");
  for (int i = 0; i < 10'000; ++i) Delete(target, "d" + std::to_string(i));
  Sleep(3);
  std::printf("  %lu MiB at the start, %lu MiB with 10,000 instances, %lu MiB when they are deleted\n", start, full,
              target.Status("VmRSS"));
}

}  // namespace
}  // namespace alloclab::server

int main(int argc, char** argv) {
  using namespace alloclab::server;
  const std::map<std::string, std::function<void(const Target&)>> scenarios = {
      {"callocs", Callocs},        {"uploads", Uploads},      {"dead_upload", DeadUpload},
      {"dead_checks", DeadChecks}, {"long_batch", LongBatch}, {"walks", Walks},
      {"cancel", Cancel},          {"deletes", Deletes},      {"cancel_refused", CancelRefused}};
  const auto found = argc == 4 ? scenarios.find(argv[1]) : scenarios.end();
  if (found == scenarios.end()) {
    std::fprintf(stderr, "usage: memory_abuse SCENARIO ADDRESS PID\n");
    return 2;
  }
  if (const char* const authority = std::getenv("ALLOCLAB_CA"); authority != nullptr) {
    alloclab::client::TlsOfProcess().ca = authority;
  }
  found->second(Target(argv[2], argv[3]));
  return 0;
}
