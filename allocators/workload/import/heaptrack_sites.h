// The call stacks of heaptrack's recordings, as call sites of a trace. Lines that say something of them, numbers hexadecimal:
//
//   t IP PARENT                 a stack, numbered from 1 on: a call on top of another stack, 0: of none. In a raw file IP is
//                               an address, in an interpreted one the number of an `i` line
//   x STRING                    raw: the program's path
//   m STRING ADDRESS SEGMENTS   raw: a module and where it is; "x" is the program, "-" forgets all of them
//   s STRING                    interpreted: a text, numbered from 1 on
//   i IP MODULE [FUNCTION [FILE LINE INLINED...]]    interpreted: an address, numbered from 1 on, and the texts of it
//
// From version 3 on a STRING is its length and so many bytes. Of an interpreted file the offset of a call is the address that
// it had in that process, as nothing says where its module was.
//
// Bounds: kStacksMax stacks and the limits of call_sites.h; what is beyond has no site, or no frame.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_HEAPTRACK_SITES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_HEAPTRACK_SITES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "allocators/workload/call_sites.h"
#include "allocators/workload/import/cursor.h"

namespace alloclab {

class HeaptrackSites {
 public:
  static constexpr std::size_t kStacksMax = 1 << 21;

  // Takes a line apart, its letter and what follows a space behind it. A line in another form than expected says nothing.
  void AddLine(char letter, std::string_view rest);
  // The site of a stack; 0: none is known. Sites are numbered in the order in which they are first asked for.
  std::uint32_t SiteOf(std::uint64_t stack);
  // Whether the file tells any stack.
  bool any() const { return !stacks_.empty(); }

  SiteTable Table() const;
  // What the tables hold, and the one that Table() makes of them.
  std::uint64_t host_bytes() const;

 private:
  struct Stack {
    std::uint32_t frame = 0;   // from 1 on; 0: not known
    std::uint32_t parent = 0;  // a stack
    std::uint32_t site = 0;
  };
  struct Frame {
    std::uint64_t offset = 0;
    std::uint32_t module = 0, function = 0, source = 0, line = 0;  // texts from 1 on; 0: not known
  };
  struct Module {
    std::uint64_t end = 0;
    std::uint32_t text = 0;
  };

  std::string_view Text(Cursor& line, bool last) const;  // `last`: nothing follows it
  std::uint32_t AddText(std::string_view text);
  void AddModule(Cursor line);
  void AddAddress(Cursor line);
  void AddStack(Cursor line);
  std::uint32_t AddFrame(const Frame& frame);
  std::uint32_t FrameAt(std::uint64_t address);
  CallFrame Told(const Frame& frame, std::size_t& text_bytes) const;

  std::uint64_t version_ = 0;
  bool raw_ = false;
  std::vector<std::string> texts_;
  std::size_t text_bytes_ = 0;
  std::uint32_t program_ = 0;                                                             // a text
  std::map<std::uint64_t, Module> modules_;                                               // raw: by where they begin
  absl::flat_hash_map<std::string, std::uint32_t> module_names_;                          // raw: their texts
  absl::flat_hash_map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> frame_at_;  // raw: by module's text and offset
  std::vector<Frame> frames_;
  std::vector<Stack> stacks_;
  std::vector<std::uint32_t> sites_;  // the stack of each
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_IMPORT_HEAPTRACK_SITES_H_
