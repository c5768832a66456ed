// What the call sites of a recording are: from the table that the programs filled, and the files of their code.
#ifndef ALLOCLAB_CLIENTS_RECORD_SITE_NAMER_H_
#define ALLOCLAB_CLIENTS_RECORD_SITE_NAMER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/workload/call_sites.h"
#include "clients/record/module_symbols.h"
#include "recorder/layout.h"

namespace alloclab::client {

class SiteNamer {
 public:
  explicit SiteNamer(const recorder::Memory& memory) : memory_(memory) {}

  // `places` in the table, from 1 on, which become site 1, 2, ... A module's symbols are read once.
  SiteTable Tell(const std::vector<std::uint32_t>& places);

 private:
  void Name(SiteTable& table);

  const recorder::Memory& memory_;
  std::map<std::string, ModuleSymbols> modules_;  // by path
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_SITE_NAMER_H_
