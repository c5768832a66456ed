#include "allocators/workload/import/heaptrack_sites.h"

#include <algorithm>
#include <optional>

#include "allocators/workload/alloctrace_codec.h"

namespace alloclab {
namespace {

constexpr std::uint64_t kSizedStringsVersion = 3;
constexpr std::size_t kModulesMax = 65'536, kTextsMax = 4 * kSiteFramesMax;
constexpr std::size_t kStepsMax = 8 * kSiteDepthMax;  // down a stack, calls that are not known included

// A number that an optional field has; 0: it is not there.
std::uint32_t Number(Cursor& line) {
  line.SkipSpace();
  const std::optional<std::uint64_t> number = line.Digits(16);
  return number && *number <= 0xFFFFFFFF ? static_cast<std::uint32_t>(*number) : 0;
}

}  // namespace

void HeaptrackSites::AddLine(char letter, std::string_view rest) {
  Cursor line{rest};
  switch (letter) {
    case 'v':
      Number(line);
      version_ = Number(line);
      return;
    case 'x':
      raw_ = true;
      program_ = AddText(Text(line, true));
      return;
    case 'm':
      return AddModule(line);
    case 's':
      AddText(Text(line, true));
      return;
    case 'i':
      return AddAddress(line);
    case 't':
      return AddStack(line);
    default:
      return;
  }
}

std::string_view HeaptrackSites::Text(Cursor& line, bool last) const {
  if (version_ < kSizedStringsVersion) return last ? line.rest : line.Word();
  const std::size_t size = Number(line);
  line.Take(" ");
  const std::string_view text = line.rest.substr(0, size);
  line.rest.remove_prefix(text.size());
  return text;
}

// A text for which there is no room is numbered too, and empty.
std::uint32_t HeaptrackSites::AddText(std::string_view text) {
  if (texts_.size() >= kTextsMax) return 0;
  std::string kept = alloctrace::FitText(text, kFrameTextMax);
  if (text_bytes_ + kept.size() > kSiteTableBytesMax) kept.clear();
  text_bytes_ += kept.size();
  texts_.push_back(std::move(kept));
  return static_cast<std::uint32_t>(texts_.size());
}

void HeaptrackSites::AddModule(Cursor line) {
  raw_ = true;
  const std::string name(Text(line, false));
  if (name == "-") return modules_.clear();
  line.SkipSpace();
  const std::optional<std::uint64_t> begin = line.Digits(16);
  if (!begin || modules_.size() >= kModulesMax || module_names_.size() >= kModulesMax) return;
  std::uint64_t bytes = 0;
  while (!line.empty()) {
    const std::uint64_t address = Number(line), size = Number(line);
    if (size == 0) break;
    bytes = std::max(bytes, address + size);
  }
  std::uint32_t text = program_;
  if (name != "x") {  // they are told again after each dlopen
    const auto [known, fresh] = module_names_.try_emplace(name.substr(0, kFrameTextMax), 0);
    if (fresh) known->second = AddText(name);
    text = known->second;
  }
  modules_[*begin] = {*begin + bytes, text};
}

// Of what is inlined the innermost is told first.
void HeaptrackSites::AddAddress(Cursor line) {
  Frame frame;
  const std::optional<std::uint64_t> address = line.Digits(16);
  frame.offset = address.value_or(0);
  frame.module = Number(line);
  frame.function = Number(line);
  frame.source = Number(line);
  frame.line = Number(line);
  if (frames_.size() < kSiteFramesMax) frames_.push_back(frame);
}

std::uint32_t HeaptrackSites::FrameAt(std::uint64_t address) {
  Frame frame{.offset = address};
  const auto after = modules_.upper_bound(address);
  if (after != modules_.begin() && address < std::prev(after)->second.end) {
    frame.module = std::prev(after)->second.text;
    frame.offset -= std::prev(after)->first;
  }
  const std::pair key{frame.module, frame.offset};
  const auto known = frame_at_.find(key);
  if (known != frame_at_.end()) return known->second;
  if (frames_.size() >= kSiteFramesMax) return 0;
  frames_.push_back(frame);
  return frame_at_[key] = static_cast<std::uint32_t>(frames_.size());
}

void HeaptrackSites::AddStack(Cursor line) {
  const std::optional<std::uint64_t> call = line.Digits(16);
  Stack stack;
  stack.parent = Number(line);
  if (stacks_.size() >= kStacksMax) return;
  if (stack.parent > stacks_.size()) stack.parent = 0;  // of one that is not there yet: a stack that never ends
  if (call) stack.frame = raw_ ? FrameAt(*call) : *call <= frames_.size() ? static_cast<std::uint32_t>(*call) : 0;
  stacks_.push_back(stack);
}

std::uint32_t HeaptrackSites::SiteOf(std::uint64_t stack) {
  if (stack == 0 || stack > stacks_.size()) return 0;
  std::uint32_t& site = stacks_[stack - 1].site;
  if (site == 0 && sites_.size() < kSitesMax) {
    sites_.push_back(static_cast<std::uint32_t>(stack));
    site = static_cast<std::uint32_t>(sites_.size());
  }
  return site;
}

// Texts that would be too much are left out.
CallFrame HeaptrackSites::Told(const Frame& frame, std::size_t& text_bytes) const {
  CallFrame told{.module = {}, .offset = frame.offset, .function = {}, .source = {}, .line = frame.line};
  const std::pair<std::uint32_t, std::string*> texts[] = {
      {frame.module, &told.module}, {frame.function, &told.function}, {frame.source, &told.source}};
  for (const auto& [number, text] : texts) {
    if (number == 0 || number > texts_.size() || text_bytes + texts_[number - 1].size() > kSiteTableBytesMax) continue;
    *text = texts_[number - 1];
    text_bytes += text->size();
  }
  return told;
}

SiteTable HeaptrackSites::Table() const {
  SiteTable table;
  std::size_t text_bytes = 0;
  std::vector<std::uint32_t> numbers(frames_.size() + 1);  // in the table, from 1 on
  for (const std::uint32_t last : sites_) {
    std::vector<std::uint32_t> calls;
    std::uint32_t at = last;
    for (std::size_t step = 0; at != 0 && step < kStepsMax && calls.size() < kSiteDepthMax; ++step) {
      const std::uint32_t frame = stacks_[at - 1].frame;
      at = stacks_[at - 1].parent;
      if (frame == 0) continue;
      if (numbers[frame] == 0) {
        table.frames.push_back(Told(frames_[frame - 1], text_bytes));
        numbers[frame] = static_cast<std::uint32_t>(table.frames.size());
      }
      calls.push_back(numbers[frame] - 1);
    }
    table.sites.push_back(std::move(calls));
  }
  return table;
}

std::uint64_t HeaptrackSites::host_bytes() const {
  constexpr std::uint64_t kGrowth = 3;  // a table that grows is in memory twice, one of them twice as large
  constexpr std::uint64_t kNodeBytes = 64, kCalls = kSiteDepthMax * sizeof(std::uint32_t);
  const std::uint64_t tables = stacks_.capacity() * sizeof(Stack) + frames_.capacity() * sizeof(Frame) +
                               sites_.capacity() * sizeof(sites_[0]) + texts_.capacity() * sizeof(std::string) +
                               frame_at_.capacity() * sizeof(*frame_at_.begin());
  const std::uint64_t told = frames_.size() * sizeof(CallFrame) + sites_.size() * (sizeof(std::vector<int>) + kCalls);
  return kGrowth * (tables + told) + 4 * text_bytes_ + modules_.size() * (sizeof(Module) + kNodeBytes) +
         module_names_.size() * (kFrameTextMax + kNodeBytes);
}

}  // namespace alloclab
