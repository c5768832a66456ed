#include "server/store/row_sum.h"

#include <zlib.h>

#include <array>

namespace alloclab::server {

RowSum& RowSum::Add(Kind kind, std::uint64_t number, std::string_view bytes) {
  const std::array<std::uint64_t, 3> head{static_cast<std::uint64_t>(kind), number, bytes.size()};
  const auto add = [this](const void* from, std::size_t size) {
    value_ = static_cast<std::uint32_t>(crc32_z(value_, static_cast<const Bytef*>(from), size));
  };
  add(head.data(), sizeof head);
  if (!bytes.empty()) add(bytes.data(), bytes.size());  // never a null pointer, which would reset it
  return *this;
}

}  // namespace alloclab::server
