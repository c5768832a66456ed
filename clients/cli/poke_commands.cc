// One operation by hand: malloc, calloc, realloc, free, pages alloc|free.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "alloclab/v1/heap.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/cli/instance_config.h"
#include "clients/cli/operation_view.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

// What the simulated program got is data, whatever it is: the command succeeds.
CommandResult ShowReply(Session& session, const absl::StatusOr<v1::OperationReply>& reply, const std::string& instance) {
  if (!reply.ok()) return WithInstanceNames(reply.status(), instance, session.connection());
  return Done(session.Show(*reply, OperationDocument(*reply), Address(reply->address()) + "\n"));
}

// What stands on the command line; each command uses some of it.
struct Arguments {
  std::string instance;
  std::uint32_t address = 0, count = 0, bytes = 0;
};

// A command whose run makes a request of the arguments and calls `method` of the data plane with it.
template <typename Request>
CLI::App* AddOperation(CLI::App& parent, const char* name, const char* description, const char* example, Command& chosen,
                       const std::shared_ptr<Arguments>& arguments,
                       grpc::Status (v1::Heap::Stub::*method)(grpc::ClientContext*, const Request&, v1::OperationReply*),
                       void (*fill)(const Arguments&, Request&)) {
  CLI::App* command = AddCommand(parent, name, description, example, chosen, [arguments, method, fill](Session& session) {
    Request request;
    request.set_instance(arguments->instance);
    fill(*arguments, request);
    return ShowReply(session, session.connection().Call(method, request), arguments->instance);
  });
  command->add_option("INSTANCE", arguments->instance, "Name or id")->required()->type_name("INSTANCE");
  return command;
}

void RegisterHeap(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* malloc = AddOperation<v1::MallocRequest>(
      app, "malloc", "Allocate a heap block: prints its address and what it cost", "alloclab malloc demo 100", chosen, given,
      &v1::Heap::Stub::Malloc, [](const Arguments& a, v1::MallocRequest& request) { request.set_bytes(a.bytes); });
  AddBytes32(*malloc, "BYTES", given->bytes, "Size of the payload")->required();

  CLI::App* calloc = AddOperation<v1::CallocRequest>(app, "calloc", "Allocate zeroed heap memory for COUNT elements",
                                                     "alloclab calloc demo 10 8", chosen, given, &v1::Heap::Stub::Calloc,
                                                     [](const Arguments& a, v1::CallocRequest& request) {
                                                       request.set_count(a.count);
                                                       request.set_bytes(a.bytes);
                                                     });
  AddBytes32(*calloc, "COUNT", given->count, "Elements")->required()->type_name("COUNT");
  AddBytes32(*calloc, "BYTES", given->bytes, "Size of one element")->required();

  CLI::App* realloc = AddOperation<v1::ReallocRequest>(
      app, "realloc", "Move a heap block into one of another size", "alloclab realloc demo 0xC0400008 200", chosen, given,
      &v1::Heap::Stub::Realloc, [](const Arguments& a, v1::ReallocRequest& request) {
        request.set_address(a.address);
        request.set_bytes(a.bytes);
      });
  AddAddress(*realloc, "ADDRESS", given->address, "What malloc gave; 0 is null")->required();
  AddBytes32(*realloc, "BYTES", given->bytes, "New size of the payload")->required();

  CLI::App* free = AddOperation<v1::FreeRequest>(
      app, "free", "Free a heap block", "alloclab free demo 0xC0400008", chosen, given, &v1::Heap::Stub::Free,
      [](const Arguments& a, v1::FreeRequest& request) { request.set_address(a.address); });
  AddAddress(*free, "ADDRESS", given->address, "What malloc gave; any other is worth trying")->required();
}

void RegisterPages(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "pages", "Pages of an instance by hand", "alloclab pages alloc demo 8Ki");
  const auto given = std::make_shared<Arguments>();
  CLI::App* alloc = AddOperation<v1::AllocatePagesRequest>(
      *group, "alloc", "Allocate a block of pages: prints its physical address and what it cost",
      "alloclab pages alloc demo 8Ki", chosen, given, &v1::Heap::Stub::AllocatePages,
      [](const Arguments& a, v1::AllocatePagesRequest& request) { request.set_bytes(a.bytes); });
  AddBytes32(*alloc, "BYTES", given->bytes, "Length, a multiple of 4096 (others are refused by the allocator)")->required();

  CLI::App* free = AddOperation<v1::FreePagesRequest>(
      *group, "free", "Free a block of pages, or a part of one", "alloclab pages free demo 0x1FFFE000 8Ki", chosen, given,
      &v1::Heap::Stub::FreePages, [](const Arguments& a, v1::FreePagesRequest& request) {
        request.set_address(a.address);
        request.set_bytes(a.bytes);
      });
  AddAddress(*free, "ADDRESS", given->address, "Physical address")->required();
  AddBytes32(*free, "BYTES", given->bytes, "Length, a multiple of 4096")->required();
}

}  // namespace

void RegisterPoke(CLI::App& app, Command& chosen) {
  RegisterHeap(app, chosen);
  RegisterPages(app, chosen);
}

}  // namespace alloclab::client
