/* For page allocators in the style of xv6 on RISC-V: of the processor they use the size of its pages. */
#include <mmu.h>
