#!/usr/bin/python3
"""Users' programs: a good one serves as its twin does; changed, cut and overlapping ones are refused by the name of the fault,
or run and die on the simulated machine, and the server goes on.

usage: hostile_programs.py [PROGRAMS] [SEED]        2,000 and 1 by default
"""

import collections
import pathlib
import random
import struct
import sys
import time

import wire
from lab import STATUS, Report, Server, field, fields

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent.parent / "allocators/guest/testdata/programs"
GUESTS, RUNS, LAB, HEAP = (f"/alloclab.v1.{name}/" for name in ("Guests", "Runs", "Lab", "Heap"))
LOOK = 100  # programs between two looks at the server's health
SUCCEEDED, CANCELLED = 3, 5
ELF_HEADER, PROGRAM_HEADER = 52, 32


def machine(heap, steps=100_000, pages=""):
    parameters = b"".join(field(5, field(1, f"{part}.steps_max") + field(2, str(steps)))
                          for part, allocator in (("heap", heap), ("pages", pages)) if allocator.startswith("guest:"))
    return field(1, (16 if pages else 64) << 20) + field(2, pages) + field(3, heap) + parameters


def builtin(name, operations=0):
    return field(1, field(1, name) + field(3, operations))


def one_malloc(size):
    return field(2, field(1, "one") + field(3, field(2, 1) + field(3, 1) + field(4, field(1, size))))


def value(message, *path):
    for number in path:
        message = next((value for key, value in fields(message) if key == number), b"")
    return message


class Client:
    def __init__(self, server):
        self.peer = wire.Peer(server.grpc)

    def call(self, path, body):
        status, text, reply = self.peer.call(path, body)
        return (None if status is None else STATUS[status]), text, reply

    def upload(self, name, data):
        status, text, reply = self.call(GUESTS + "UploadGuest", field(1, name) + field(2, data))
        return status, text, value(reply, 1).decode() if status == "OK" else ""

    def submit(self, workload, heap, steps=100_000, pages=""):
        return self.call(RUNS + "SubmitRun", field(1, workload) + field(2, machine(heap, steps, pages)))

    def await_end(self, run):
        while True:
            status, text, reply = self.call(RUNS + "GetRun", field(1, run))
            if status != "OK" or value(reply, 2) >= SUCCEEDED:
                return reply
            time.sleep(0.002)

    def run(self, workload, heap, steps=20_000_000, pages=""):
        status, text, reply = self.submit(workload, heap, steps, pages)
        if status != "OK":
            sys.exit(f"SubmitRun on {heap} {pages}: {status} {text}")
        return value(self.await_end(value(reply, 1)), 12, 1)  # what is exact of its result

    def delete(self, heap):
        for _ in range(200):  # the machine of a run that has ended may still be taken down
            status, text, _ = self.call(GUESTS + "DeleteGuest", field(1, heap))
            if status != "FAILED_PRECONDITION":
                break
            time.sleep(0.01)
        return status


def mutate(rng, good):
    data, how = bytearray(good), rng.randrange(5)
    if how == 0:
        return bytes(data[:rng.randrange(len(data))])
    if how == 1:  # a word of the headers
        at = 16 + 4 * rng.randrange((ELF_HEADER + 4 * PROGRAM_HEADER - 16) // 4)
        data[at:at + 4] = struct.pack("<I", rng.choice((0, 1, 4096, 0x7FFFFFFF, 0x80000000, 0xBFFFF000, 0xFFFFFFFF)))
    elif how == 2:  # two segments at one address
        first = ELF_HEADER + PROGRAM_HEADER * rng.randrange(4)
        data[first + 8:first + 12] = data[ELF_HEADER + PROGRAM_HEADER + 8:ELF_HEADER + PROGRAM_HEADER + 12]
    elif how == 3:  # a segment's sizes
        at = ELF_HEADER + PROGRAM_HEADER * rng.randrange(4) + rng.choice((16, 20))
        data[at:at + 4] = struct.pack("<I", rng.choice((0, 1, 1 << 26, (1 << 26) + 1, 1 << 31, 0xFFFFFFFF)))
    else:  # its code
        for _ in range(rng.choice((1, 2, 8, 64))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def serve(report, client):
    good = {name: client.upload(name + ".elf", (PROGRAMS / (name + ".elf")).read_bytes())
            for name in ("kr", "implicit", "segregated")}
    report.check(all(status == "OK" for status, _, _ in good.values()), f"taken: {', '.join(name for _, _, name in good.values())}")
    guest, twin = (client.run(builtin("sqlite"), heap) for heap in (good["kr"][2], "knr"))
    report.check(value(guest, 19) == value(twin, 19) != b"" and not value(guest, 11),
                 f"sqlite on kr.elf: peak RAM {value(guest, 19)}, on its twin knr {value(twin, 19)}; "
                 f"broken invariants {value(guest, 11) or 0}")
    again = client.run(builtin("sqlite"), good["kr"][2])
    # 4: with a map, in any order
    exact = [[(number, value) for number, value in fields(result) if number != 4] for result in (guest, again)]
    report.check(exact[0] == exact[1], "once more: the same, byte for byte")


def die(report, client):
    _, _, heap = client.upload("misbehaves.elf", (PROGRAMS / "misbehaves.elf").read_bytes())
    for size, word in ((1, "read at 0x00000004: a null pointer"), (6, "not back after"), (11, "neither in the heap")):
        notes = [note.decode() for number, note in fields(client.run(one_malloc(size), heap)) if number == 14]
        report.check(any(word in note for note in notes), f"says of what it died: {notes}")
    report.check(client.delete(heap) == "OK", "deleted")


def die_with_pages(report, client):
    """Page allocators that go wrong, below heaps of the catalogue and alone."""
    for name, word in (("pages_misbehave", "the program died: "), ("gives_none", "one of these was promised")):
        _, _, pages = client.upload(name + ".elf", (PROGRAMS / (name + ".elf")).read_bytes())
        notes = []
        for heap, workload in (("none", "fork-exec-exit"), ("implicit-heap", "sqlite"), ("tlsf", "sqlite"), ("slab-caches", "sqlite")):
            notes += [note.decode() for number, note in fields(client.run(builtin(workload), heap, pages=pages)) if number == 14]
        report.check(any(word in note for note in notes), f"{name}: {sorted(set(notes))[:3]}")
        report.check(client.delete(pages) == "OK", "deleted")


def cancel(report, client):
    """A program in a loop for ever, left in the middle of an operation."""
    _, _, heap = client.upload("misbehaves.elf", (PROGRAMS / "misbehaves.elf").read_bytes())
    took, states = [], collections.Counter()
    for _ in range(5):
        _, _, reply = client.submit(one_malloc(6), heap, 200_000_000)
        time.sleep(0.05)
        began = time.monotonic()
        _, _, reply = client.call(RUNS + "CancelRun", field(1, value(reply, 1)))
        took.append(time.monotonic() - began)
        states[value(reply, 2)] += 1
    report.check(states[CANCELLED] == len(took), f"cancelled in the middle of an operation: {states[CANCELLED]} of {len(took)}")
    report.check_time(max(took) <= 0.05, f"slowest: {max(took) * 1000:.1f} ms (at most 50)")
    report.check(client.delete(heap) == "OK", "deleted")


def main():
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    report = Report(f"Hostile programs: {count}, seed {seed}")
    rng = random.Random(seed)
    heaps, page_allocators = ([(PROGRAMS / (name + ".elf")).read_bytes() for name in names]
                              for names in (("implicit", "kr", "segregated"), ("kalloc", "buddy_pages")))
    files = heaps + page_allocators
    uploads, runs, wrong, kept, sick, slow = collections.Counter(), collections.Counter(), collections.Counter(), 0, 0, 0.0
    with Server("--log-level", "error") as server:
        client = Client(server)
        serve(report, client)
        die(report, client)
        die_with_pages(report, client)
        cancel(report, client)
        for number in range(count):
            good = rng.choice(files)
            file = mutate(rng, good)
            status, text, heap = client.upload("hostile.elf", file)
            uploads[status] += 1
            if status not in ("OK", "INVALID_ARGUMENT"):
                wrong[f"{status}: {text}"] += 1
            if status == "OK" and file not in heaps:  # those stay
                allocators = {"heap": "implicit-heap", "pages": heap} if good in page_allocators else {"heap": heap}
                submitted, text, reply = client.submit(builtin("steady-state", 200), **allocators)
                if submitted == "OK":
                    ended = client.await_end(value(reply, 1))
                    runs["died" if value(ended, 12, 1, 11) else "served"] += 1
                    if value(ended, 2) != SUCCEEDED:
                        wrong[f"run ended as {value(ended, 2)}: {value(ended, 11)}"] += 1
                else:
                    runs["refused"] += 1
                    if submitted != "INVALID_ARGUMENT":
                        wrong[f"SubmitRun {submitted}: {text}"] += 1
                kept += client.delete(heap) != "OK"
            if number % LOOK == LOOK - 1:
                ok, seconds = server.healthy()
                sick, slow = sick + (not ok), max(slow, seconds)
        report.say("uploads: " + ", ".join(f"{name} {times}" for name, times in uploads.most_common())
                   + "; runs: " + ", ".join(f"{name} {times}" for name, times in runs.most_common()))
        report.check(server.alive(), "0 crashes")
        report.check(not wrong, f"{sum(wrong.values())} other answers {dict(wrong.most_common(5))}")
        report.check(not kept, f"{kept} programs that could not be deleted")
        _, _, listed = client.call(GUESTS + "ListGuests", b"")
        report.check(len(list(fields(listed))) == 3, f"{len(list(fields(listed)))} programs in the end; the good ones are 3")
        report.check(sick == 0, f"health after each {LOOK}: {sick} times not SERVING")
        report.check_time(slow <= 1, f"slowest answer of that: {slow * 1000:.0f} ms (at most 1,000)")
        _, code = server.stop()
        report.check(code == 0, f"ends as asked: exit code {code}")
    report.end()


if __name__ == "__main__":
    main()
