// A text file as words between white space, with the line that each stands on.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_WORDS_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {

class Words {
 public:
  explicit Words(TraceBytes& bytes) : bytes_(bytes) {}

  // The next word; empty at the end, and once the input is damaged. Good until another one is looked for. A word longer than
  // TraceBytes::kLookahead comes in pieces.
  std::string_view Peek() {
    if (!found_) Find();
    return word_;
  }
  void Take() {
    bytes_.Consume(word_.size());
    found_ = false;
  }

  // Of the word that was looked at last, counted from 1.
  std::uint64_t line() const { return line_; }
  // Bytes before it, as inflated.
  std::uint64_t offset() const { return offset_; }
  // Of the input.
  const absl::Status& status() const { return status_; }

 private:
  static bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  void Find() {
    SkipSpace();
    offset_ = bytes_.Offset();
    const std::string_view window = status_.ok() ? bytes_.Window() : std::string_view{};
    std::size_t size = 0;
    while (size < window.size() && !IsSpace(window[size])) ++size;
    word_ = window.substr(0, size);
    found_ = true;
  }

  void SkipSpace() {
    while (true) {
      if (bytes_.NeedsFill()) status_ = bytes_.Fill();
      if (!status_.ok()) return;
      const std::string_view window = bytes_.Window();
      std::size_t size = 0;
      for (; size < window.size() && IsSpace(window[size]); ++size) line_ += window[size] == '\n';
      bytes_.Consume(size);
      if (size == 0 || !bytes_.NeedsFill()) return;
    }
  }

  TraceBytes& bytes_;
  absl::Status status_;
  std::string_view word_;
  bool found_ = false;
  std::uint64_t line_ = 1, offset_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_WORDS_H_
