// Checks of what must be true whoever calls: preconditions and invariants. They stay in every build. A failed check is a defect
// of this program, never a matter of its input: it prints one line to stderr and aborts.
//
//   ALLOCLAB_CHECK(machine.has_heap());
//   ALLOCLAB_CHECK_LT(slot, kSlots);      // prints  max_table.h:28: check failed: slot < kSlots (16 against 16)
//
// A check that holds costs a comparison and a branch that is never taken. Integers compare by value, whatever their signs;
// operands are evaluated once. May be used in constexpr functions. Thread safe.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_CHECK_H_
#define ALLOCLAB_ALLOCATORS_COMMON_CHECK_H_

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#define ALLOCLAB_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::alloclab::check::Fail(#condition, __FILE__, __LINE__))

#define ALLOCLAB_CHECK_EQ(a, b) ::alloclab::check::Compare<::std::equal_to<>>(a, b, #a " == " #b, __FILE__, __LINE__)
#define ALLOCLAB_CHECK_NE(a, b) ::alloclab::check::Compare<::std::not_equal_to<>>(a, b, #a " != " #b, __FILE__, __LINE__)
#define ALLOCLAB_CHECK_LT(a, b) ::alloclab::check::Compare<::std::less<>>(a, b, #a " < " #b, __FILE__, __LINE__)
#define ALLOCLAB_CHECK_LE(a, b) ::alloclab::check::Compare<::std::less_equal<>>(a, b, #a " <= " #b, __FILE__, __LINE__)
#define ALLOCLAB_CHECK_GT(a, b) ::alloclab::check::Compare<::std::greater<>>(a, b, #a " > " #b, __FILE__, __LINE__)
#define ALLOCLAB_CHECK_GE(a, b) ::alloclab::check::Compare<::std::greater_equal<>>(a, b, #a " >= " #b, __FILE__, __LINE__)

namespace alloclab::check {

// Print and abort. `what` is the text of the condition; `values`, if any, what its operands were.
[[noreturn, gnu::cold, gnu::noinline]] void Fail(std::string_view what, std::string_view file, int line);
[[noreturn, gnu::cold, gnu::noinline]] void Fail(std::string_view what, std::string_view file, int line,
                                                 std::string_view values);

std::string HexText(unsigned long long value);  // "0xC0400008"
std::string Quoted(std::string_view text);

// An operand as text: numbers in decimal, addresses in hexadecimal, texts in quotes; "?" for other types.
template <class T>
std::string Text(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    return value == nullptr ? "null" : "not null";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return Quoted(value);
  } else if constexpr (requires { HexText(value.raw()); }) {
    return HexText(value.raw());
  } else if constexpr (requires { std::to_string(value.number); }) {
    return std::to_string(value.number);
  } else {
    return "?";
  }
}

template <class A, class B>
[[noreturn, gnu::cold, gnu::noinline]] void FailComparison(const A& a, const B& b, std::string_view what, std::string_view file,
                                                           int line) {
  Fail(what, file, line, Text(a) + " against " + Text(b));
}

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <class Comparison, class A, class B>
constexpr bool Holds(const A& a, const B& b) {
  if constexpr (!Integer<A> || !Integer<B> || std::is_signed_v<A> == std::is_signed_v<B>) {
    return Comparison{}(a, b);
  } else if constexpr (std::is_signed_v<A>) {
    return a < 0 ? Comparison{}(0, 1) : Comparison{}(static_cast<std::make_unsigned_t<A>>(a), b);
  } else {
    return b < 0 ? Comparison{}(1, 0) : Comparison{}(a, static_cast<std::make_unsigned_t<B>>(b));
  }
}

template <class Comparison, class A, class B>
[[gnu::always_inline]] constexpr void Compare(const A& a, const B& b, const char* what, const char* file, int line) {
  if (!Holds<Comparison>(a, b)) [[unlikely]]
    FailComparison(a, b, what, file, line);
}

}  // namespace alloclab::check

#endif  // ALLOCLAB_ALLOCATORS_COMMON_CHECK_H_
