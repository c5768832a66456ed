// A text file as lines.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_LINES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "allocators/workload/trace_bytes.h"

namespace alloclab {

class Lines {
 public:
  explicit Lines(TraceBytes& bytes) : bytes_(bytes) {}

  // False: the end, or the input is damaged. Of a line longer than TraceBytes::kLookaheadMax only the start is shown.
  bool Next() {
    Consume();
    std::size_t wanted = TraceBytes::kLookahead;
    while (true) {
      if (bytes_.NeedsFill(wanted)) status_ = bytes_.Fill(wanted);
      const std::string_view window = bytes_.Window();
      if (!status_.ok() || window.empty()) return false;
      const std::size_t end = window.find('\n');
      ended_ = end != window.npos;
      if (ended_ || wanted == TraceBytes::kLookaheadMax || !bytes_.NeedsFill(TraceBytes::kLookaheadMax)) {
        const std::size_t size = ended_ ? end : window.size();
        line_ = window.substr(0, size);
        taken_ = size + (ended_ ? 1 : 0);
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        rest_ = !ended_ && bytes_.NeedsFill(size + 1 <= TraceBytes::kLookaheadMax ? size + 1 : TraceBytes::kLookaheadMax);
        ++number_;
        return true;
      }
      wanted = TraceBytes::kLookaheadMax;
    }
  }

  std::string_view line() const { return line_; }
  std::uint64_t number() const { return number_; }  // from 1
  // It is the last one and has no end: it may have been cut off.
  bool cut() const { return !ended_ && !rest_; }
  const absl::Status& status() const { return status_; }

 private:
  // What was shown, and what is left of a line that is too long.
  void Consume() {
    bytes_.Consume(taken_);
    taken_ = 0;
    while (rest_) {
      if (bytes_.NeedsFill()) status_ = bytes_.Fill();
      const std::string_view window = bytes_.Window();
      const std::size_t end = window.find('\n');
      bytes_.Consume(end != window.npos ? end + 1 : window.size());
      rest_ = status_.ok() && !window.empty() && end == window.npos;
    }
  }

  TraceBytes& bytes_;
  absl::Status status_;
  std::string_view line_;
  std::size_t taken_ = 0;
  bool ended_ = false, rest_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_LINES_H_
