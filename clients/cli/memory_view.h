// Views of single words: bytes in hex, page-table entries decoded.
#ifndef ALLOCLAB_CLIENTS_CLI_MEMORY_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_MEMORY_VIEW_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "alloclab/v1/inspect.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// Rows of 16 bytes at round addresses: "address", "bytes" (or 32-bit words), "text".
Document MemoryDocument(const v1::ReadMemoryReply& reply, bool as_words);

// "P RW US A D" of a page directory or page table entry (Intel 80386 Programmer's Reference Manual, 5.2.4), without what is not
// set: "not present", "P RO S".
std::string EntryBits(std::uint32_t entry);

// The walk from a virtual address through directory and table to the physical one.
Document TranslationDocument(const v1::Translation& translation);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_MEMORY_VIEW_H_
