// Instructions of a program as text, by Zydis.
#ifndef ALLOCLAB_CLIENTS_CLI_DISASSEMBLY_H_
#define ALLOCLAB_CLIENTS_CLI_DISASSEMBLY_H_

#include <cstdint>
#include <string>

#include "allocators/guest/elf_program.h"

namespace alloclab::client {

// In Intel's syntax, from the program's file; "?" where it has no code.
std::string Disassemble(const ElfProgram& program, std::uint32_t address);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_DISASSEMBLY_H_
