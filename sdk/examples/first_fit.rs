//! First fit over all blocks in memory, in Rust without its standard library: a header of two words in front of each block, and
//! free neighbours joined by the search that passes them. Its interface is `cmu`. docs/guest.md has how it is built.
#![no_std]

use core::ptr;

extern "C" {
    fn sbrk(bytes: isize) -> *mut u8;
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe { abort() }
}

#[repr(C)]
struct Block {
    bytes: usize, // behind the header; a multiple of 8
    used: u32,
}
const HEADER: usize = core::mem::size_of::<Block>();

// The heap; both are the same as long as it is empty.
static mut FIRST: *mut Block = ptr::null_mut();
static mut END: *mut Block = ptr::null_mut();

unsafe fn payload(block: *mut Block) -> *mut u8 {
    (block as *mut u8).add(HEADER)
}
unsafe fn behind(block: *mut Block) -> *mut Block {
    payload(block).add((*block).bytes) as *mut Block
}

unsafe fn join_with_free_ones_behind(block: *mut Block) {
    while behind(block) != END && (*behind(block)).used == 0 {
        (*block).bytes += HEADER + (*behind(block)).bytes;
    }
}

unsafe fn find(bytes: usize) -> Option<*mut Block> {
    let mut block = FIRST;
    while block != END {
        if (*block).used == 0 {
            join_with_free_ones_behind(block);
            if (*block).bytes >= bytes {
                return Some(block);
            }
        }
        block = behind(block);
    }
    None
}

unsafe fn grow(bytes: usize) -> Option<*mut Block> {
    let block = sbrk((HEADER + bytes) as isize) as *mut Block;
    if block as isize == -1 {
        return None;
    }
    (*block).bytes = bytes;
    END = behind(block);
    Some(block)
}

unsafe fn split(block: *mut Block, bytes: usize) {
    let left = (*block).bytes - bytes;
    if left >= HEADER + 8 {
        (*block).bytes = bytes;
        let rest = behind(block);
        (*rest).bytes = left - HEADER;
        (*rest).used = 0;
    }
}

#[no_mangle]
pub unsafe extern "C" fn mm_init() -> i32 {
    FIRST = sbrk(0) as *mut Block;
    END = FIRST;
    0
}

#[no_mangle]
pub unsafe extern "C" fn mm_malloc(bytes: usize) -> *mut u8 {
    if bytes == 0 || bytes > isize::MAX as usize / 2 {
        return ptr::null_mut();
    }
    let rounded = (bytes + 7) & !7;
    match find(rounded).or_else(|| grow(rounded)) {
        Some(block) => {
            split(block, rounded);
            (*block).used = 1;
            payload(block)
        }
        None => ptr::null_mut(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn mm_free(address: *mut u8) {
    if !address.is_null() {
        (*(address.sub(HEADER) as *mut Block)).used = 0;
    }
}
