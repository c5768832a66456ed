#!/usr/bin/python3
"""The rules of the house that no compiler checks. Prints every breach as FILE:LINE: what; exit code 1 if there is any."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 400
MAX_COLUMNS = 128

# Dependencies point one way: a folder may include itself, those listed before it, and the files that lie beside the folders.
ORDER = {
    "allocators": ["common", "machine", "pages", "heap", "guest", "catalog", "workload", "trial", "testing"],
    "server": ["access", "http", "entities", "converters", "store", "collections", "handlers", "metrics", "web", "server", "robustness", "testing"],
    "clients": ["common", "load", "record", "cli"],
}
TESTING = "testing"  # a folder for tests: every test may include it, and nothing else may
# What the allocators must never know about, and what server and clients must not take from each other.
FORBIDDEN = {
    "allocators": re.compile(r"^(server/|clients/|grpc|google/|prometheus/|civetweb|sqlite3|.*\.pb\.h)"),
    "proto": re.compile(r"^(server/|clients/)"),
    # Little more than the C library: of the project the numbers of operations.
    "native": re.compile(r"^(server/|clients/|grpc|google/|absl/|fmt/|.*\.pb\.h|allocators/(?!workload/operation\.h))"),
    # The C library alone: it runs in the programs of strangers.
    "recorder": re.compile(r"^(server/|clients/|proto/|grpc|google/|absl/|fmt/|.*\.pb\.h|allocators/|native/)"),
    "server": re.compile(r"^clients/"),
    "clients": re.compile(r"^server/"),
}
# What clients may take from the server all the same, and what knows nothing of the rest of the server: certificates, the HTTP server, what the
# tests of both ends share.
SHARED = re.compile(r"^server/(errors\.|access/|http/|testing/(eventually|http_client|postgres_server|process|temporary_directory)\.)")
# Trials of the server: clients as strangers would write them, with the credentials of ours.
TRIALS = ("server", "robustness")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
PROMISE = re.compile(r"\b(TODO|FIXME|XXX)\b")


def sources():
    """Every C++ file of the project, as (path relative to the root, lines)."""
    for folder in FORBIDDEN:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path.relative_to(ROOT), path.read_text().splitlines()


def includes(lines):
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            yield number, match.group(1)


def check_includes(path, lines):
    folder = path.parts[0]
    for number, target in includes(lines):
        if FORBIDDEN[folder].match(target) and not (folder == "clients" and SHARED.match(target)) and path.parts[:2] != TRIALS:
            yield number, f"{folder}/ may not include {target}"
        if SHARED.match(path.as_posix()) and target.startswith("server/") and not SHARED.match(target):
            yield number, f"clients use {path}: it may not include {target}"
        if what := breaks_order(path, pathlib.PurePath(target)):
            yield number, what


def breaks_order(path, target):
    """Why the file may not include `target`, if so."""
    order = ORDER.get(path.parts[0])
    is_test, is_program = path.stem.endswith(("_test", "_bench", "_fuzz")), path.stem == "main"
    if order is None or path.parts[0] != target.parts[0] or len(target.parts) < 3 or (len(path.parts) < 3 and (is_test or is_program)):
        return None
    here, other = path.parts[1] if len(path.parts) > 2 else f"{path.parts[0]}/", target.parts[1]
    for folder in (here, other):
        if folder not in order and folder != f"{path.parts[0]}/":
            return f"{path.parts[0]}/{folder} has no place in the order of folders"
    if other == TESTING:
        return None if is_test or here == TESTING else f"{path.parts[0]}/{TESTING} is for tests"
    if here not in order or order.index(other) > order.index(here):
        return f"{path.parts[0]}/{here} comes before {path.parts[0]}/{other} and may not include it"
    return None


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if "reinterpret_cast" in line and path.parts[0] in ("allocators", "server"):
            yield number, "reinterpret_cast is forbidden here"
        if "//" in line and len(line) > MAX_COLUMNS:  # clang-format leaves comments as they are
            yield number, f"a comment of {len(line)} columns, expected at most {MAX_COLUMNS}"
        if match := PROMISE.search(line):
            yield number, f"{match.group()}: do it or leave it"
    if len(lines) > MAX_LINES:
        yield MAX_LINES + 1, f"{len(lines)} lines are more than {MAX_LINES}: this is two files"


def check_home(path, lines):
    """What a header declares is found in the files that are named after it: x.h in x.cc, and if that is too long in x_part.cc."""
    name, commands = path.stem, path.parts[:2] == ("clients", "cli") and re.search(r"_commands?$", path.stem)
    is_program = name.endswith(("_test", "_bench", "_fuzz")) or any(re.search(r"^(int main\(|TEST)", line) for line in lines)
    preloaded = path.parts[1] == TESTING and path.parts[0] in ("native", "recorder") or path.stem == "preload"  # on their own
    if path.suffix == ".cc" and not is_program and not commands and not preloaded:  # the commands are in commands.h
        parts = name.split("_")
        if not any((ROOT / path.parent / ("_".join(parts[:n]) + ".h")).exists() for n in range(1, len(parts) + 1)):
            yield 1, "not named after a header beside it"


def check_registered(path, lines):
    """A test that is not in the build is not a test. The folders of allocators are taken into it whole, but for fuzzers."""
    allocator = len(path.parts) == 4 and path.parts[1] in ("heap", "pages")
    if re.search(r"_fuzz\.cc$" if allocator else r"_(test|bench|fuzz)\.cc$", path.name):
        makefile = next(folder / "CMakeLists.txt" for folder in (ROOT / path).parents if (folder / "CMakeLists.txt").exists())
        name = (ROOT / path).relative_to(makefile.parent).as_posix()
        text = re.sub(r"#.*", "", makefile.read_text())
        if not re.search(rf"(?<![\w/-]){re.escape(name)}(?!\w)", text):
            yield 1, f"not named in {makefile.relative_to(ROOT)}"


def main():
    breaches = count = 0
    for path, lines in sources():
        count += 1
        for check in (check_includes, check_text, check_home, check_registered):
            for number, what in check(path, lines):
                print(f"{path}:{number}: {what}")
                breaches += 1
    print(f"{count} files, {breaches} breaches")
    return 1 if breaches or not count else 0


if __name__ == "__main__":
    sys.exit(main())
