// What is left of a line while it is taken apart.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CURSOR_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CURSOR_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace alloclab {

struct Cursor {
  std::string_view rest;

  bool empty() const { return rest.empty(); }
  void SkipSpace() {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  }
  bool Take(std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
  }
  // What stands behind the next such word; nothing changes if there is none.
  bool SkipTo(std::string_view word) {
    const std::size_t at = rest.find(word);
    if (at == rest.npos) return false;
    rest.remove_prefix(at + word.size());
    return true;
  }
  // Up to a space or the end.
  std::string_view Word() {
    SkipSpace();
    std::size_t size = 0;
    while (size < rest.size() && rest[size] != ' ' && rest[size] != '\t') ++size;
    const std::string_view word = rest.substr(0, size);
    rest.remove_prefix(size);
    return word;
  }
  // Digits in that base, as many as there are; nothing if there are none or too many for 64 bits.
  std::optional<std::uint64_t> Digits(int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (error != std::errc{}) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  }
  // As C writes it: 0x1f, 31; (nil) and (null) are 0; #31 is a number that stands for an address.
  std::optional<std::uint64_t> Number() {
    if (Take("0x") || Take("0X")) return Digits(16);
    if (Take("#")) return Digits(10);
    if (Take("(nil)") || Take("(null)") || Take("nil")) return 0;
    return Digits(10);
  }
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_CURSOR_H_
