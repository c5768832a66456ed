// catalog [NAME]: the allocators there are; of one, everything it declares.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "allocators/common/suggestion.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/cli/catalog_view.h"
#include "clients/cli/commands.h"

namespace alloclab::client {
namespace {

constexpr std::string_view kMachine = "machine";

CommandResult Catalog(Session& session, const std::string& name) {
  const absl::StatusOr<v1::Catalog> catalog = session.connection().Call(&v1::Lab::Stub::GetCatalog, v1::GetCatalogRequest());
  if (!catalog.ok()) return catalog.status();
  std::vector<std::string_view> names;
  std::string lines;
  for (const auto* allocators : {&catalog->page_allocators(), &catalog->heap_allocators()}) {
    for (const v1::AllocatorInfo& allocator : *allocators) {
      if (allocator.name() == name) return Done(session.Show(allocator, AllocatorDocument(*catalog, allocator), name + "\n"));
      names.push_back(allocator.name());
      lines += allocator.name() + "\n";
    }
  }
  for (const v1::NativeAllocatorInfo& native : catalog->native_allocators()) {
    if (native.name() == name) return Done(session.Show(native, NativeDocument(native), name + "\n"));
    names.push_back(native.name());
    lines += native.name() + "\n";
  }
  if (name.empty()) return Done(session.Show(*catalog, CatalogDocument(*catalog), lines));
  if (name == kMachine) {
    v1::Catalog machine;
    *machine.mutable_machine_counters() = catalog->machine_counters();
    *machine.mutable_machine_figures() = catalog->machine_figures();
    return Done(session.Show(machine, MachineDocument(*catalog), name + "\n"));
  }
  names.push_back(kMachine);
  return absl::InvalidArgumentError("NAME: " + UnknownName("allocator", name, names));
}

}  // namespace

void RegisterCatalog(CLI::App& app, Command& chosen) {
  const auto name = std::make_shared<std::string>();
  CLI::App* catalog =
      AddCommand(app, "catalog", "The allocators; with a NAME the parameters, counters and fields of that one",
                 "alloclab catalog implicit-heap", chosen, [name](Session& session) { return Catalog(session, *name); });
  catalog->add_option("NAME", *name, "An allocator, or machine for what the simulated processor counts")
      ->type_name("ALLOCATOR");
}

}  // namespace alloclab::client
