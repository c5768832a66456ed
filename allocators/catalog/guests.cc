#include "allocators/catalog/guests.h"

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "allocators/catalog/instance.h"
#include "allocators/common/mutex.h"
#include "allocators/common/printable.h"
#include "allocators/guest/guest_heap.h"
#include "allocators/guest/guest_pages.h"

namespace alloclab {
namespace {

bool IsLabelLetter(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; }

struct Sources {
  Mutex mutex;
  std::vector<GuestSource*> sources ABSL_GUARDED_BY(mutex);
};
Sources& AllSources() {
  static Sources& all = *new Sources;
  return all;
}

absl::StatusOr<GuestProgram> AskSources(const std::string& digits, std::string_view field) {
  Sources& all = AllSources();
  const MutexLock lock(all.mutex);
  for (GuestSource* source : all.sources) {
    absl::StatusOr<GuestProgram> found = source->FindProgram(digits);
    if (!absl::IsNotFound(found.status())) return found;
  }
  return absl::NotFoundError(absl::StrFormat("%s: no program's sha256 begins with %s; upload its file", field, digits));
}

std::vector<GuestListed> ListPrograms() {
  Sources& all = AllSources();
  const MutexLock lock(all.mutex);
  std::vector<GuestListed> listed;
  for (GuestSource* source : all.sources) {
    for (GuestListed& program : source->ListPrograms()) listed.push_back(std::move(program));
  }
  return listed;
}

// Calls make(whole name, program).
template <class Info, class Make>
absl::StatusOr<Info> Find(std::string_view name, std::string_view field, Make make) {
  const absl::StatusOr<GuestName> parsed = GuestName::Parse(name, field);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<GuestProgram> found = AskSources(parsed->digits, field);
  if (!found.ok()) return found.status();
  const GuestName whole{parsed->label.empty() ? found->label : parsed->label, found->sha256};
  return make(whole.ToString(), std::move(found->program));
}

}  // namespace

absl::StatusOr<GuestName> GuestName::Parse(std::string_view name, std::string_view field) {
  std::string_view rest = name.substr(std::min(kGuestPrefix.size(), name.size()));
  const std::size_t at = rest.find('@');
  const bool labelled = at != std::string_view::npos;
  GuestName parsed{std::string(rest.substr(0, labelled ? at : 0)), std::string(rest.substr(labelled ? at + 1 : 0))};
  const std::string &label = parsed.label, &digits = parsed.digits;
  const bool good_label =
      labelled == !label.empty() && label.size() <= kGuestLabelMax && std::all_of(label.begin(), label.end(), IsLabelLetter);
  if (IsGuest(name) && good_label && digits.size() >= kGuestDigitsMin && digits.size() <= kGuestDigitsMax &&
      digits.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return parsed;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: \"%s\" names no program; expected guest:LABEL@DIGITS or guest:DIGITS, with at least the first %d "
                      "digits of the sha256 of its file",
                      field, Printable(name), kGuestDigitsMin));
}

std::string GuestName::ToString() const { return std::string(kGuestPrefix) + label + (label.empty() ? "" : "@") + digits; }

std::string ShownName(const std::string& allocator) {
  absl::StatusOr<GuestName> name = IsGuest(allocator) ? GuestName::Parse(allocator) : absl::NotFoundError("");
  if (!name.ok()) return allocator;
  name->digits.resize(std::min(name->digits.size(), kGuestDigits));
  return name->ToString();
}

std::string GuestLabel(std::string_view file_name) {
  const std::size_t slash = file_name.find_last_of('/');
  if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
  if (file_name.ends_with(".elf")) file_name.remove_suffix(4);
  std::string label(file_name.substr(0, kGuestLabelMax));
  std::replace_if(
      label.begin(), label.end(), [](char c) { return !IsLabelLetter(c); }, '_');
  return label.empty() ? "program" : label;
}

void GuestSource::Enter() {
  Sources& all = AllSources();
  const MutexLock lock(all.mutex);
  all.sources.push_back(this);
}

void GuestSource::Leave() {
  Sources& all = AllSources();
  const MutexLock lock(all.mutex);
  std::erase(all.sources, this);
}

bool RunsProgram(const InstanceConfig& config) { return IsGuest(config.heap_allocator) || IsGuest(config.page_allocator); }

std::vector<HeapAllocatorInfo> ListGuests() {
  std::vector<HeapAllocatorInfo> infos;
  for (const GuestListed& listed : ListPrograms()) {
    if (!listed.allocates_pages) infos.push_back(GuestHeapInfo(listed.name.ToString(), listed.program));
  }
  return infos;
}

std::vector<PageAllocatorInfo> ListPageGuests() {
  std::vector<PageAllocatorInfo> infos;
  for (const GuestListed& listed : ListPrograms()) {
    if (listed.allocates_pages) infos.push_back(GuestPagesInfo(listed.name.ToString(), listed.program));
  }
  return infos;
}

absl::StatusOr<HeapAllocatorInfo> FindGuest(std::string_view name) {
  return Find<HeapAllocatorInfo>(name, "heap_allocator", GuestHeapInfo);
}

absl::StatusOr<PageAllocatorInfo> FindPageGuest(std::string_view name) {
  return Find<PageAllocatorInfo>(name, "page_allocator", GuestPagesInfo);
}

}  // namespace alloclab
