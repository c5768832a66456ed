#include "server/store/page_checksums.h"

#include <sqlite3.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "allocators/common/check.h"

namespace alloclab::server {
namespace {

constexpr int kContentBytes = kPageBytes - kPageReserve;
constexpr int kHeaderBytes =
    512;  // what is shorter is the header of the file, which SQLite reads before it knows the size of a page

struct Sum {
  std::uint32_t value, complement;
};
static_assert(sizeof(Sum) == kPageReserve);

Sum SumOf(const unsigned char* page, sqlite3_int64 offset) {
  std::array<unsigned char, sizeof offset> place;
  std::memcpy(place.data(), &offset, sizeof offset);
  const uLong sum = crc32(crc32(0, place.data(), place.size()), page, kContentBytes);
  return {static_cast<std::uint32_t>(sum), ~static_cast<std::uint32_t>(sum)};
}

bool IsWhole(const unsigned char* page, sqlite3_int64 offset) {
  const Sum sum = SumOf(page, offset);
  return std::memcmp(page + kContentBytes, &sum, sizeof sum) == 0;
}

// What SQLite sees of a database file; the file itself, as the VFS below opened it, lies behind.
struct File {
  sqlite3_file base;
  bool verify;
};
File& FileOf(sqlite3_file* file) { return *static_cast<File*>(static_cast<void*>(file)); }
sqlite3_file* Below(sqlite3_file* file) { return static_cast<sqlite3_file*>(static_cast<void*>(&FileOf(file) + 1)); }

int Close(sqlite3_file* file) { return Below(file)->pMethods->xClose(Below(file)); }

int Read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
  const int code = Below(file)->pMethods->xRead(Below(file), to, bytes, offset);
  if (code != SQLITE_OK || bytes < kHeaderBytes || !FileOf(file).verify) return code;
  if (bytes != kPageBytes || offset % kPageBytes != 0) return SQLITE_IOERR_DATA;  // the header states another size of pages
  return IsWhole(static_cast<const unsigned char*>(to), offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int Write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  if (bytes != kPageBytes) return Below(file)->pMethods->xWrite(Below(file), from, bytes, offset);
  std::array<unsigned char, kPageBytes> page;
  std::memcpy(page.data(), from, kContentBytes);
  const Sum sum = SumOf(page.data(), offset);
  std::memcpy(page.data() + kContentBytes, &sum, sizeof sum);
  return Below(file)->pMethods->xWrite(Below(file), page.data(), bytes, offset);
}

// Everything else is handed on.
template <auto Method>
struct HandOn;
template <class... Arguments, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Arguments...)>
struct HandOn<Method> {
  static int Call(sqlite3_file* file, Arguments... arguments) {
    return (Below(file)->pMethods->*Method)(Below(file), arguments...);
  }
};
void ShmBarrier(sqlite3_file* file) { Below(file)->pMethods->xShmBarrier(Below(file)); }

const sqlite3_io_methods* Methods() {
  using M = sqlite3_io_methods;
  static const M methods = [] {
    M made{};
    made.iVersion = 2;  // without mapping the file into memory: what is mapped is not read through here
    made.xClose = Close;
    made.xRead = Read;
    made.xWrite = Write;
    made.xTruncate = HandOn<&M::xTruncate>::Call;
    made.xSync = HandOn<&M::xSync>::Call;
    made.xFileSize = HandOn<&M::xFileSize>::Call;
    made.xLock = HandOn<&M::xLock>::Call;
    made.xUnlock = HandOn<&M::xUnlock>::Call;
    made.xCheckReservedLock = HandOn<&M::xCheckReservedLock>::Call;
    made.xFileControl = HandOn<&M::xFileControl>::Call;
    made.xSectorSize = HandOn<&M::xSectorSize>::Call;
    made.xDeviceCharacteristics = HandOn<&M::xDeviceCharacteristics>::Call;
    made.xShmMap = HandOn<&M::xShmMap>::Call;
    made.xShmLock = HandOn<&M::xShmLock>::Call;
    made.xShmBarrier = ShmBarrier;
    made.xShmUnmap = HandOn<&M::xShmUnmap>::Call;
    return made;
  }();
  return &methods;
}

// A VFS of ours: the one below, but for how it opens databases.
struct Vfs {
  sqlite3_vfs vfs;
  sqlite3_vfs* below;
  bool verify;
};

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  const auto& own = *static_cast<Vfs*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return own.below->xOpen(own.below, name, file, flags, flags_out);
  FileOf(file).verify = own.verify;
  file->pMethods = nullptr;  // not open, unless the next line opens it
  const int code = own.below->xOpen(own.below, name, Below(file), flags, flags_out);
  if (Below(file)->pMethods != nullptr) file->pMethods = Methods();
  return code;
}

const char* Register(Vfs& own, const char* name, const char* below, bool verify) {
  own.below = sqlite3_vfs_find(below);
  ALLOCLAB_CHECK(own.below != nullptr);
  own.vfs = *own.below;
  own.vfs.zName = name;
  own.vfs.szOsFile = static_cast<int>(sizeof(File)) + own.below->szOsFile;
  own.vfs.pAppData = &own;
  own.vfs.pNext = nullptr;
  own.vfs.xOpen = Open;
  own.verify = verify;
  ALLOCLAB_CHECK_EQ(sqlite3_vfs_register(&own.vfs, /*makeDflt=*/0), SQLITE_OK);
  return name;
}

}  // namespace

const char* PageChecksumVfs(PageReads reads) {
  static Vfs verified, as_they_are, alone;
  static const std::array<const char*, 3> names{Register(verified, "alloclab", nullptr, true),
                                                Register(as_they_are, "alloclab-as-is", nullptr, false),
                                                Register(alone, "alloclab-alone", "unix-none", true)};
  return names[static_cast<std::size_t>(reads)];
}

}  // namespace alloclab::server
