#include "allocators/guest/native_processor.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_THREAD__)

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cstddef>

namespace alloclab {
namespace {

constexpr std::size_t kBytes = 2 * kPageBytes;
constexpr std::uint32_t kWindowPage = i386::kWindow & ~(kPageBytes - 1);

// What the code below reads and writes; it knows the layout.
struct Context {
  std::array<std::uint32_t, 8> registers;
  std::uint64_t flags;
};

std::byte* code = nullptr;
std::byte* window = nullptr;
std::array<std::byte, 65536> signal_stack;
volatile sig_atomic_t fault = 0;

void HandleFault(int signal, siginfo_t*, void* context) {
  fault = signal;
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RIP] = registers[REG_R12];  // where the sequence goes on when it is done
}

void Call(Context& context) {
  Context* in = &context;
  std::byte* target = code;
  asm volatile(
      "lea -128(%%rsp), %%rsp\n"  // the red zone
      "push %%rbp\n"
      "push %%rbx\n"
      "mov %%rdi, %%r15\n"
      "mov %%rsi, %%r13\n"
      "mov %%rsp, %%r14\n"
      "lea 1f(%%rip), %%r12\n"
      "pushq 32(%%r15)\n"
      "popfq\n"
      "mov 0(%%r15), %%eax\n"
      "mov 4(%%r15), %%ecx\n"
      "mov 8(%%r15), %%edx\n"
      "mov 12(%%r15), %%ebx\n"
      "mov 16(%%r15), %%esp\n"
      "mov 20(%%r15), %%ebp\n"
      "mov 24(%%r15), %%esi\n"
      "mov 28(%%r15), %%edi\n"
      "jmp *%%r13\n"
      "1:\n"
      "mov %%eax, 0(%%r15)\n"
      "mov %%ecx, 4(%%r15)\n"
      "mov %%edx, 8(%%r15)\n"
      "mov %%ebx, 12(%%r15)\n"
      "mov %%esp, 16(%%r15)\n"
      "mov %%ebp, 20(%%r15)\n"
      "mov %%esi, 24(%%r15)\n"
      "mov %%edi, 28(%%r15)\n"
      "mov %%r14, %%rsp\n"
      "pushfq\n"
      "popq 32(%%r15)\n"
      "cld\n"
      "pop %%rbx\n"
      "pop %%rbp\n"
      "lea 128(%%rsp), %%rsp\n"
      : "+D"(in), "+S"(target)
      :
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory");
}

}  // namespace

std::unique_ptr<NativeProcessor> NativeProcessor::Create(std::string& why_not) {
  const auto map = [](std::uint32_t at, int protection, int flags) {
    void* place = nullptr;
    const std::uintptr_t number = at;
    std::memcpy(&place, &number, sizeof(place));
    void* mapped = mmap(place, kBytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
  };
  window = map(kWindowPage, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
  code = map(0, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
  if (window == nullptr || code == nullptr) {
    why_not = "the system gives no memory that can be written and executed, or none at the addresses of the window";
    return nullptr;
  }
  stack_t stack{};
  stack.ss_sp = signal_stack.data();
  stack.ss_size = signal_stack.size();
  struct sigaction action {};
  action.sa_sigaction = HandleFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ALLOCLAB_CHECK_EQ(sigaltstack(&stack, nullptr), 0);
  for (const int signal : {SIGFPE, SIGSEGV, SIGILL, SIGBUS}) ALLOCLAB_CHECK_EQ(sigaction(signal, &action, nullptr), 0);
  return std::unique_ptr<NativeProcessor>(new NativeProcessor);
}

NativeProcessor::~NativeProcessor() {
  for (const int signal : {SIGFPE, SIGSEGV, SIGILL, SIGBUS}) ::signal(signal, SIG_DFL);
  munmap(window, kBytes);
  munmap(code, kBytes);
}

Scene NativeProcessor::Run(const Scene& before, std::string_view native_code) {
  Context context{before.registers, before.eflags | 2 | i386::kInterrupts};
  std::byte* const place = window + i386::kWindow % kPageBytes;
  std::memcpy(place, before.window.data(), before.window.size());
  std::memcpy(code, native_code.data(), native_code.size());
  constexpr unsigned char kJumpToR12[] = {0x41, 0xFF, 0xE4};
  std::memcpy(code + native_code.size(), kJumpToR12, sizeof(kJumpToR12));
  fault = 0;
  Call(context);
  ALLOCLAB_CHECK(fault == 0 || fault == SIGFPE);
  Scene after;
  after.registers = context.registers;
  after.eflags = static_cast<std::uint32_t>(context.flags);
  after.divide_error = fault == SIGFPE;
  std::memcpy(after.window.data(), place, after.window.size());
  return after;
}

}  // namespace alloclab

#else

namespace alloclab {

std::unique_ptr<NativeProcessor> NativeProcessor::Create(std::string& why_not) {
  why_not = "it is built for a host that is no x86-64 under Linux, or with ThreadSanitizer";
  return nullptr;
}
NativeProcessor::~NativeProcessor() = default;
Scene NativeProcessor::Run(const Scene&, std::string_view) { ALLOCLAB_CHECK(false); }

}  // namespace alloclab

#endif
