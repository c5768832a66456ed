#include "allocators/heap/live_starts.h"

#include <algorithm>
#include <iterator>

namespace alloclab {

LiveStarts& LiveStarts::operator=(const LiveStarts& other) {
  if (this == &other) return *this;
  first_ = other.first_;
  made_ = other.made_;
  pages_.clear();
  for (const auto& page : other.pages_) pages_.push_back(page ? std::make_unique<Page>(*page) : nullptr);
  return *this;
}

LiveStarts::Page& LiveStarts::MakePage(std::uint32_t page) {
  if (pages_.empty()) first_ = page;
  if (page < first_) {  // blocks of an allocator that fills its range from the top
    const std::uint32_t more = std::max(first_ - page, std::min(first_, static_cast<std::uint32_t>(pages_.size())));
    std::vector<std::unique_ptr<Page>> pages(more);
    std::move(pages_.begin(), pages_.end(), std::back_inserter(pages));
    pages_ = std::move(pages);
    first_ -= more;
  }
  if (const std::uint32_t i = page - first_; i >= pages_.size()) pages_.resize(i + 1);
  ++made_;
  return *(pages_[page - first_] = std::make_unique<Page>());
}

}  // namespace alloclab
