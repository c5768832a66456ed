#include "clients/cli/declarations.h"

#include "absl/strings/str_replace.h"
#include "alloclab/v1/lab.grpc.pb.h"

namespace alloclab::client {

std::string PlainName(std::string_view name) { return absl::StrReplaceAll(std::string(name), {{"_", " "}}); }

bool InBytes(std::string_view counter) { return counter.ends_with("_bytes"); }

FigureUnits::FigureUnits(const v1::Catalog& catalog) {
  const auto add = [this](const auto& figures) {
    for (const v1::FigureInfo& figure : figures) units_.emplace(figure.name(), figure.unit());
  };
  for (const auto* allocators : {&catalog.page_allocators(), &catalog.heap_allocators()}) {
    for (const v1::AllocatorInfo& allocator : *allocators) {
      add(allocator.figures());
      add(allocator.block_fields());
    }
  }
  add(catalog.machine_figures());
}

v1::FigureInfo::Unit FigureUnits::Of(const std::string& name) const {
  const auto found = units_.find(name);
  return found == units_.end() ? v1::FigureInfo::COUNT : found->second;
}

Cell FigureCell(std::uint64_t value, v1::FigureInfo::Unit unit) {
  switch (unit) {
    case v1::FigureInfo::BYTES:
      return BytesCell(value);
    case v1::FigureInfo::ADDRESS:
    case v1::FigureInfo::WORD:
      return AddressCell(static_cast<std::uint32_t>(value));
    default:
      return CountCell(value);
  }
}

v1::Catalog CatalogOrNothing(const Connection& connection) {
  return connection.Call(&v1::Lab::Stub::GetCatalog, v1::GetCatalogRequest()).value_or(v1::Catalog());
}

}  // namespace alloclab::client
