#!/usr/bin/python3
"""Importing logs: for each text format a log of so many operations is made and looked at by `alloclab trace show`; how fast it is read
and how much memory that takes at the most. The aims: 2 million operations a second, 100 MiB.

    import_speed.py [--operations 10000000] [--format mtrace,ltrace] [--aim-rate 2e6]"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RSS_MAX = 100 * 1024  # KiB


def address(i):
    return 0x55D0_0000_0000 + (i % 50_000) * 32


def pairs(operations):
    """Numbers of blocks: each is allocated, and freed 40,000 allocations later."""
    for i in range(operations // 2):
        yield i, i - 40_000


FORMATS = {
    "mtrace": ("= Start\n", lambda a, n: f"@ ./app:[0x{1193 + n:x}] + 0x{a:x} 0x{n:x}\n", lambda a: f"@ ./app:[0x12b0] - 0x{a:x}\n"),
    "valgrind": ("==7== Memcheck\n", lambda a, n: f"--7-- malloc({n}) = 0x{a:X}\n", lambda a: f"--7-- free(0x{a:X})\n"),
    "ltrace": ("", lambda a, n: f"4711 malloc({n})                                      = 0x{a:x}\n",
               lambda a: f"4711 free(0x{a:x})                             = <void>\n"),
    "heaptrack": ("v 10500 3\n", lambda a, n: f"+ {n:x} 1 {a:x}\n", lambda a: f"- {a:x}\n"),
    "kmem": ("", lambda a, n: f"  app  4711 [001] 6.948236: kmem:kmalloc: call_site=f+0x442 ptr=0x{a:x} bytes_req={n} bytes_alloc=256 "
             "gfp_flags=GFP_KERNEL node=-1 accounted=false\n",
             lambda a: f"  app  4711 [001] 6.948236: kmem:kfree: call_site=f+0x442 ptr=0x{a:x}\n"),
    "logalloc": ("", lambda a, n: f"7 7 malloc({n})=0x{a:x}\n", lambda a: f"7 7 free(0x{a:x})\n"),
    "device": ("", lambda a, n: f"traceMALLOC(0x{a:x}, {n})\n", lambda a: f"traceFREE(0x{a:x}, 0)\n"),
    "memleak": ("", lambda a, n: f"(b'app' 7 0 b'.' 1.5) alloc exited, size = {n}, result = {a:x}\n",
                lambda a: f"(b'app' 7 0 b'.' 1.5) free entered, address = {a:x}, size = 8\n"),
    "cmu-rep": ("", lambda a, n: f"a {a // 32 % 65536} {n}\n", lambda a: f"f {a // 32 % 65536}\n"),
}


def write(path, name, operations):
    start, allocation, free = FORMATS[name]
    with open(path, "w", buffering=1 << 20) as log:
        log.write(start)
        for now, old in pairs(operations):
            if old >= 0:
                log.write(free(address(old)))
            log.write(allocation(address(now), 16 + now % 97))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=10_000_000)
    parser.add_argument("--format", default=",".join(FORMATS))
    parser.add_argument("--aim-rate", type=float, default=2e6)
    given = parser.parse_args()
    program = os.environ.get("ALLOCLAB", str(ROOT / "build/release/bin/alloclab"))
    missed = 0
    print("format      operations   log MiB  seconds  million ops/s  peak RSS MiB")
    for name in given.format.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "log"
            write(path, name, given.operations)
            size = path.stat().st_size
            begin = time.monotonic()
            reader = subprocess.Popen([program, "trace", "lint", str(path), "--from", name], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(reader.pid, 0)
            seconds = time.monotonic() - begin
            reader.returncode = os.waitstatus_to_exitcode(status)
        rate = given.operations / seconds
        bad = reader.returncode != 0 or usage.ru_maxrss > RSS_MAX or rate < given.aim_rate
        missed += bad
        print(f"{name:<10} {given.operations:>11,} {size / 2**20:>9.1f} {seconds:>8.2f} {rate / 1e6:>14.2f} {usage.ru_maxrss / 1024:>13.1f}"
              + ("  missed" if bad else ""), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
