#include "clients/cli/disassembly.h"

#include <Zydis/Zydis.h>

#include <array>

namespace alloclab::client {

std::string Disassemble(const ElfProgram& program, std::uint32_t address) {
  for (const ElfProgram::Segment& segment : program.segments()) {
    if (address < segment.address || address - segment.address >= segment.bytes.size()) continue;
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisDecodedInstruction instruction;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    const std::size_t offset = address - segment.address;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, segment.bytes.data() + offset, segment.bytes.size() - offset,
                                             &instruction, operands.data()))) {
      return "?";
    }
    std::array<char, 128> text{};
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands.data(),
                                                      instruction.operand_count_visible, text.data(), text.size(), address,
                                                      ZYAN_NULL))) {
      return "?";
    }
    return text.data();
  }
  return "?";
}

}  // namespace alloclab::client
