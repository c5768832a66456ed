// What allocators declare (the catalogue's counters, figures and block fields) as names and values for people.
#ifndef ALLOCLAB_CLIENTS_CLI_DECLARATIONS_H_
#define ALLOCLAB_CLIENTS_CLI_DECLARATIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "alloclab/v1/lab.pb.h"
#include "clients/common/connection.h"
#include "clients/common/document.h"

namespace alloclab::client {

// "words_loaded" -> "words loaded".
std::string PlainName(std::string_view name);

// A counter's unit is the last word of its name.
bool InBytes(std::string_view counter);

// The units of all declared figures and block fields, by name. Without a catalogue, or of an unknown name: COUNT.
class FigureUnits {
 public:
  FigureUnits() = default;
  explicit FigureUnits(const v1::Catalog& catalog);

  v1::FigureInfo::Unit Of(const std::string& name) const;

 private:
  std::map<std::string, v1::FigureInfo::Unit> units_;
};

// "1,234", "1.5 KiB" or "0xC0400000".
Cell FigureCell(std::uint64_t value, v1::FigureInfo::Unit unit);

// The server's catalogue; empty if it does not give one: then names and values show without units.
v1::Catalog CatalogOrNothing(const Connection& connection);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_DECLARATIONS_H_
