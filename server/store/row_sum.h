// A CRC-32 over the values of a row, their kinds and lengths: what the checksums of both stores are.
#ifndef ALLOCLAB_SERVER_STORE_ROW_SUM_H_
#define ALLOCLAB_SERVER_STORE_ROW_SUM_H_

#include <cstdint>
#include <string_view>

namespace alloclab::server {

class RowSum {
 public:
  // The numbers are those of SQLite's types, and stand in databases.
  enum class Kind : std::int64_t { kInteger = 1, kText = 3, kBytes = 4, kNull = 5 };

  RowSum& Add(std::uint64_t number) { return Add(Kind::kInteger, number, {}); }
  RowSum& Add(std::string_view bytes) { return Add(Kind::kBytes, 0, bytes); }
  RowSum& AddNull() { return Add(Kind::kNull, 0, {}); }
  RowSum& Add(Kind kind, std::uint64_t number, std::string_view bytes);

  std::uint32_t value() const { return value_; }

 private:
  std::uint32_t value_ = 0;  // as crc32 begins
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_ROW_SUM_H_
