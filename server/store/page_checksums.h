// A layer between SQLite and the file system that keeps a checksum in every page of a database and verifies it whenever a page
// is read: whatever was changed on the disk, structure included, is an error and never an answer.
//
// The last kPageReserve bytes of a page are left free by SQLite (SQLITE_FCNTL_RESERVE_BYTES) and hold a CRC-32 of the rest and
// of the place of the page, and its complement. The write-ahead log has checksums of its own.
//
// Thread safety: PageChecksumVfs may be called from any thread; a file is used as SQLite uses it.
#ifndef ALLOCLAB_SERVER_STORE_PAGE_CHECKSUMS_H_
#define ALLOCLAB_SERVER_STORE_PAGE_CHECKSUMS_H_

namespace alloclab::server {

inline constexpr int kPageBytes = 4096;
inline constexpr int kPageReserve = 8;

enum class PageReads {
  kVerified,       // a damaged page is SQLITE_IOERR_DATA
  kAsTheyAre,      // to save what can be saved: rows have checksums of their own
  kVerifiedAlone,  // verified, and without locks: for a directory that cannot be written and that is locked otherwise
};

// The name of the layer, for sqlite3_open_v2. It stands on the VFS that is SQLite's default at the first call (on "unix-none"
// for kVerifiedAlone).
const char* PageChecksumVfs(PageReads reads);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_STORE_PAGE_CHECKSUMS_H_
