// Something about each page of an address space, by the page's number: host memory only for pages that have it. A page that was
// not asked for has none; one that is touched begins as `Record{}`.
//
// Thread safety: none; the owner serialises calls.
#ifndef ALLOCLAB_ALLOCATORS_HEAP_PAGE_RECORDS_H_
#define ALLOCLAB_ALLOCATORS_HEAP_PAGE_RECORDS_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace alloclab {

template <class Record>
class PageRecords {
 public:
  PageRecords() = default;
  PageRecords(const PageRecords& other) { *this = other; }
  PageRecords& operator=(const PageRecords& other) {
    if (this == &other) return *this;
    first_ = other.first_;
    made_ = other.made_;
    pages_.clear();
    for (const auto& page : other.pages_) pages_.push_back(page ? std::make_unique<Record>(*page) : nullptr);
    return *this;
  }

  // Null: it has none.
  const Record* Find(std::uint32_t page) const {
    const std::uint32_t i = page - first_;
    return i < pages_.size() ? pages_[i].get() : nullptr;
  }
  Record* Find(std::uint32_t page) { return const_cast<Record*>(std::as_const(*this).Find(page)); }
  Record& Touch(std::uint32_t page) {
    const std::uint32_t i = page - first_;
    return i < pages_.size() && pages_[i] ? *pages_[i] : Make(page);
  }

  std::uint64_t host_bytes() const { return pages_.capacity() * sizeof(pages_[0]) + made_ * sizeof(Record); }

 private:
  [[gnu::cold, gnu::noinline]] Record& Make(std::uint32_t page) {
    if (pages_.empty()) first_ = page;
    if (page < first_) {  // blocks of an allocator that fills its range from the top
      const std::uint32_t more = std::max(first_ - page, std::min(first_, static_cast<std::uint32_t>(pages_.size())));
      std::vector<std::unique_ptr<Record>> pages(more);
      std::move(pages_.begin(), pages_.end(), std::back_inserter(pages));
      pages_ = std::move(pages);
      first_ -= more;
    }
    if (const std::uint32_t i = page - first_; i >= pages_.size()) pages_.resize(i + 1);
    ++made_;
    return *(pages_[page - first_] = std::make_unique<Record>());
  }

  std::uint32_t first_ = 0;  // number of the page of pages_[0]
  std::vector<std::unique_ptr<Record>> pages_;
  std::uint64_t made_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_HEAP_PAGE_RECORDS_H_
