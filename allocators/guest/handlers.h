// The handlers of all instructions, chosen by what was decoded. Where an instruction has a register or memory operand
// (`where`), a register is in Op::rm and memory is what base, index and displacement say.
//
// Source: Intel, 80386 Programmer's Reference Manual (1986), chapter 17; Intel 64 and IA-32 Architectures Software Developer's
// Manual, volume 2, for what the i486 to the Pentium Pro added.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_HANDLERS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_HANDLERS_H_

#include <cstdint>

#include "allocators/guest/flags.h"
#include "allocators/guest/op.h"

namespace alloclab::i386 {

// In the order of their codes; kTest is `and` that keeps no result, as kCmp is `sub`.
enum class Alu : std::uint8_t { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp, kTest };
enum class Shift : std::uint8_t { kRol, kRor, kRcl, kRcr, kShl, kShr, kSal, kSar };
enum class Unary : std::uint8_t { kNot, kNeg, kInc, kDec };
enum class Multiply : std::uint8_t { kMul, kImul, kDiv, kIdiv };
enum class BitTest : std::uint8_t { kBt, kBts, kBtr, kBtc };
enum class String : std::uint8_t { kMovs, kCmps, kStos, kLods, kScas };
enum class Repeat : std::uint8_t { kOnce, kRep, kRepne };  // for cmps and scas kRep is repe

enum class Where : std::uint8_t { kRegister, kBased, kMemory };  // kBased: memory without an index

// Destination and source.
enum class Operands : std::uint8_t { kRegisters, kRegisterImmediate, kRegisterMemory, kMemoryRegister, kMemoryImmediate };

Handler AluHandler(Alu alu, std::uint32_t bytes, Operands operands, bool indexed);
// Of cmp or test of words or bytes together with the jump on a condition that is the op behind it.
Handler FusedHandler(Alu alu, std::uint32_t bytes, Operands operands, bool indexed, Condition condition);
Handler UnaryHandler(Unary unary, std::uint32_t bytes, Where where);
Handler ShiftHandler(Shift shift, std::uint32_t bytes, Where where, bool by_cl);
Handler DoubleShiftHandler(bool left, std::uint32_t bytes, Where where, bool by_cl);

Handler MoveHandler(std::uint32_t bytes, Operands operands, bool indexed);
Handler ExtendHandler(bool sign, std::uint32_t from_bytes, std::uint32_t to_bytes, Where where);
Handler LeaHandler(std::uint32_t bytes, bool indexed);
Handler ExchangeHandler(std::uint32_t bytes, Where where);
Handler ConditionalMoveHandler(Condition condition, std::uint32_t bytes, Where where);
Handler SetOnConditionHandler(Condition condition, Where where);
Handler ConvertHandler(bool to_edx, std::uint32_t bytes);  // cbw, cwde; cwd, cdq
Handler XlatHandler();
Handler BswapHandler();

Handler PushHandler(std::uint32_t bytes, Where where);
Handler PushImmediateHandler(std::uint32_t bytes);
Handler PopHandler(std::uint32_t bytes, Where where);
// Of the first of several instructions that are done at once: pushes of words in registers, 1 to kRunMax; push ebp and
// mov ebp, esp and perhaps pushes behind them; pops of words into registers, 1 to kRunMax; pops and a return.
inline constexpr std::uint32_t kRunMax = 4;
Handler PushesHandler(std::uint32_t pushes);
Handler FrameHandler(std::uint32_t pushes);
Handler PopsHandler(std::uint32_t pops);
Handler PopsAndReturnHandler(std::uint32_t pops);
Handler PushAllHandler(std::uint32_t bytes);
Handler PopAllHandler(std::uint32_t bytes);
Handler PushFlagsHandler(std::uint32_t bytes);
Handler PopFlagsHandler(std::uint32_t bytes);
Handler EnterHandler();  // Op::immediate: bytes, Op::reg: level
Handler LeaveHandler();

Handler MultiplyHandler(Multiply multiply, std::uint32_t bytes, Where where);
Handler ImulHandler(std::uint32_t bytes, Where where, bool by_immediate);
Handler BitTestHandler(BitTest test, std::uint32_t bytes, Where where, bool by_immediate);
Handler BitScanHandler(bool reverse, std::uint32_t bytes, Where where);
Handler ExchangeAddHandler(std::uint32_t bytes, Where where);
Handler CompareExchangeHandler(std::uint32_t bytes, Where where);
Handler CompareExchange8Handler();

enum class FlagOp : std::uint8_t { kClc, kStc, kCmc, kCld, kStd, kLahf, kSahf, kNop };
Handler FlagOpHandler(FlagOp what);

Handler StringHandler(String string, std::uint32_t bytes, Repeat repeat);

// Op::immediate is the target.
Handler JumpIfHandler(Condition condition);
enum class Loop : std::uint8_t { kLoopne, kLoope, kLoop, kJecxz };
Handler LoopHandler(Loop loop);
// These end a block.
Handler JumpHandler();
Handler CallHandler();
Handler JumpIndirectHandler(Where where);
Handler CallIndirectHandler(Where where);
Handler ReturnHandler();      // Op::immediate: bytes of arguments to be popped
Handler InterruptHandler();   // Op::immediate: the vector; 3 is a breakpoint
Handler GoOnHandler();        // no instruction: the block goes on elsewhere
Handler LeaveBlockHandler();  // the block is void from here on

}  // namespace alloclab::i386

#endif  // ALLOCLAB_ALLOCATORS_GUEST_HANDLERS_H_
