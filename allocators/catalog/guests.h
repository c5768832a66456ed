// Users' programs as heap and as page allocators, beside the catalogue. Their names are "guest:LABEL@DIGITS": the first digits
// of the SHA-256 of the ELF file say which one, the label only helps whoever reads the name. A machine's configuration has all
// digits; people see and type fewer. Who has programs is a source; as
// names say what is in the file, it does not matter which source a program is from.
//
// Thread safety: all functions may be called from any thread.
#ifndef ALLOCLAB_ALLOCATORS_CATALOG_GUESTS_H_
#define ALLOCLAB_ALLOCATORS_CATALOG_GUESTS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "allocators/guest/elf_program.h"
#include "allocators/heap/heap_allocator_info.h"
#include "allocators/pages/page_allocator_info.h"

namespace alloclab {

inline constexpr std::string_view kGuestPrefix = "guest:";
// So many digits of the digest are in a name that the lab shows; somebody may name a program by fewer.
inline constexpr std::size_t kGuestDigits = 12, kGuestDigitsMin = 8, kGuestDigitsMax = 64;
inline constexpr std::size_t kGuestLabelMax = 24;
inline constexpr std::size_t kGuestsListed = 100;

inline bool IsGuest(std::string_view allocator) { return allocator.starts_with(kGuestPrefix); }
// Whether the machine runs a program: as its heap, its page allocator, or both.
struct InstanceConfig;
bool RunsProgram(const InstanceConfig& config);

struct GuestName {
  std::string label;   // empty: not said
  std::string digits;  // kGuestDigitsMin to kGuestDigitsMax

  // "guest:LABEL@DIGITS", "guest:DIGITS". INVALID_ARGUMENT saying what is expected, in the field that has the name.
  static absl::StatusOr<GuestName> Parse(std::string_view name, std::string_view field = "heap_allocator");
  std::string ToString() const;
};
// The name of any allocator, as people see it: that of a program with no more than kGuestDigits digits.
std::string ShownName(const std::string& allocator);
// Of a file: its name without folders and ".elf", as far as its letters may be in a label.
std::string GuestLabel(std::string_view file_name);

struct GuestProgram {
  std::string label, sha256;
  std::shared_ptr<const ElfProgram> program;
};

struct GuestListed {
  GuestName name;
  std::shared_ptr<const ElfProgram> program;  // null: it is not in memory, as nothing is made of it
  bool allocates_pages = false;               // it is a page allocator, not a heap
};

class GuestSource {
 public:
  // The program whose digest begins so. NOT_FOUND: it has none; INVALID_ARGUMENT: several; other errors end the search.
  virtual absl::StatusOr<GuestProgram> FindProgram(const std::string& digits) = 0;
  // Of the newest kGuestsListed.
  virtual std::vector<GuestListed> ListPrograms() = 0;

 protected:
  ~GuestSource() = default;
  // From one to the other it is asked, from any thread, by one at a time. Leave() waits for a question under way.
  void Enter();
  void Leave();
};

// The entry of the allocator of that name, with all digits in its own. INVALID_ARGUMENT: it is no name of a program;
// else the errors of sources.
absl::StatusOr<HeapAllocatorInfo> FindGuest(std::string_view name);
absl::StatusOr<PageAllocatorInfo> FindPageGuest(std::string_view name);

// The newest programs of all sources, to be described: nothing can be made of those that are not in memory, and whether they
// show their blocks is not known.
std::vector<HeapAllocatorInfo> ListGuests();
std::vector<PageAllocatorInfo> ListPageGuests();

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_CATALOG_GUESTS_H_
