#!/usr/bin/python3
"""Programs of users by the real command line: each interface once, each misbehaviour once, the SDK's examples built, run, profiled
and graded, and marks that are the same again.

    guest_test.py ALLOCLAB

Says SKIPPED where no compiler for the i386 is."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
GUESTS = HERE / "testdata" / "guests"
PROGRAMS = HERE.parent.parent / "allocators" / "guest" / "testdata" / "programs"
EXAMPLES = HERE.parent.parent / "sdk" / "examples"
HEAPS = [source for source in sorted(EXAMPLES.iterdir()) if source.suffix in (".c", ".cc") and source.name != "kalloc.c"]
ALLOCLAB = sys.argv.pop(1)

# A few hundred operations of every kind, in the dialect of the newer kits of the CMU malloc lab.
OPERATIONS = (
    [f"a {i} {16 + 24 * (i % 13)}" for i in range(200)]
    + [f"r {i} {8 + 40 * (i % 7)}" for i in range(0, 200, 3)]
    + [f"f {i}" for i in range(1, 200, 2)]
    + [f"a {i} {100 + i}" for i in range(1, 200, 2)]
    + [f"f {i}" for i in range(67)]
    + [f"a {i} 48" for i in range(67)]
)
TRACE = "\n".join(["1", "200", str(len(OPERATIONS)), "1", *OPERATIONS]) + "\n"

RIGHT = {
    "cmu_right": ["--check", "mm_checkheap"],
    "malloc_right": [],
    "freertos_right": [],
    "kmalloc_right": [],
    "tlsf_right": ["--alignment", "4"],
    "o1heap_right": ["--alignment", "16"],
    "zephyr_right": [],
}
WRONG = {
    "misaligned": ["operation 99 (line 104), malloc", "expected a multiple of 8"],
    "overlap": ["overlap the live block"],
    "outside": ["neither in the heap", "mm_malloc gave"],
    "tramples": ["of a live block has changed", "by mm_free", "(tramples.c:4)", "; other block 0x"],
    "lossy_realloc": ["realloc lost the contents"],
    "gives_up": ["was refused"],
    "null_pointer": ["a null pointer", "(null_pointer.c:5)"],
    "endless": ["not back after", "(endless.c:"],
    "asserts": ["abort()"],
    "exits": ["exit(3)"],
    "recurses": ["the stack is full", "(recurses.c:4)"],
    "floats": ["invalid opcode", "(floats.c:4)"],
}


def run(*arguments, code=0):
    ended = subprocess.run([ALLOCLAB, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if ended.returncode != code:
        raise AssertionError(f"{arguments}: exit code {ended.returncode}, not {code}\n{ended.stdout}{ended.stderr}")
    return ended.stdout + ended.stderr


class GuestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.directory = pathlib.Path(cls.scratch.name)
        cls.trace = cls.directory / "small.rep"
        cls.trace.write_text(TRACE)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_each_interface_is_right(self):
        for name, options in RIGHT.items():
            with self.subTest(name):
                program = self.directory / f"{name}.elf"
                interface = name.removesuffix("_right")
                self.assertIn(f"interface {interface},", run("guest", "build", GUESTS / f"{name}.c", "-o", program))
                self.assertIn(": right", run("guest", "run", program, self.trace, *options))

    def test_each_misbehaviour_is_named(self):
        for name, expected in WRONG.items():
            with self.subTest(name):
                said = " ".join(run("guest", "run", GUESTS / f"{name}.c", self.trace, code=5).split())
                for words in expected:
                    self.assertIn(words, said)

    def test_calloc_that_does_not_clear_is_named(self):
        workload = self.directory / "calloc.yaml"
        workload.write_text(
            "name: calloc\nphases: [{operations: 10, live_blocks: 10, size: {fixed: 64}, mix: {malloc: 0, calloc: 1}}]\n"
        )
        said = run("guest", "run", GUESTS / "dirty_calloc.c", workload, code=5)
        self.assertIn("calloc gave a block whose byte 0 is not 0", " ".join(said.split()))

    def test_what_does_not_build_says_why(self):
        self.assertIn("does_not_compile.c:2", run("guest", "build", GUESTS / "does_not_compile.c", "-o", "/dev/null", code=1))
        self.assertIn("exports no allocator", run("guest", "build", GUESTS / "exports_nothing.c", "-o", "/dev/null", code=1))
        self.assertIn("no such file", run("guest", "build", "missing.c", code=4).lower())

    def test_the_last_instructions_before_a_fault(self):
        said = run("guest", "run", GUESTS / "null_pointer.c", self.trace, "--print-instructions", 2, code=5)
        last = said.rstrip().split("\n")[-2]
        self.assertRegex(last, r"mov .*\[.*mm_malloc.* null_pointer\.c:5")
        self.assertRegex(said.rstrip().split("\n")[-1], r"^ +eax [0-9a-f]{8} ecx ")

    def test_examples_are_right_and_are_profiled(self):
        for source in HEAPS:
            with self.subTest(source.name):
                self.assertIn(": right", run("guest", "run", source, "sqlite", "--operations", "3k"))
                page = self.directory / "profile.html"
                profile = json.loads(
                    run("guest", "profile", source, "sqlite", "--operations", "500", "--output", "json", "--html", page)
                )
                lines = {line["name"]: int(line["instructions"]) for line in profile["line"]}
                self.assertTrue(any(name.startswith(source.name) for name in lines), lines)
                self.assertEqual(sum(lines.values()), sum(int(f["instructions"]) for f in profile["function"]))
                self.assertIn(source.name, page.read_text())

    def test_marks_are_the_same_again_and_one_bad_program_stops_nobody(self):
        assignment = self.directory / "assignment.yaml"
        assignment.write_text(
            "name: small\ncorrectness: {points: 10}\nutilisation: {points: 50}\nspeed: {points: 40, full_at_percent: 20}\n"
            f"traces: [{{workload: small.rep}}, {{workload: sqlite, operations: 2k, weight: 2}}, {{sha256: {'0' * 64}}}]\n"
        )
        programs = [*HEAPS, *(GUESTS / f"{n}.c" for n in ("tramples", "endless", "does_not_compile"))]
        junit = self.directory / "junit.xml"
        common = ["grade", *programs, "--assignment", assignment, "--output", "json"]
        one = json.loads(run(*common, "--jobs", 1, "--junit", junit, code=5))
        many = json.loads(run(*common, "--jobs", 4, code=5))
        self.assertEqual(one, many)
        grades = {pathlib.Path(grade["program"]).name: grade for grade in one["grades"]}
        for source in HEAPS:
            self.assertEqual(grades[source.name]["correctness"], 10, grades[source.name])
            self.assertGreater(grades[source.name]["total"], 20)
            self.assertFalse(grades[source.name]["traces"][2]["run"])
        self.assertEqual(grades["endless.c"]["total"], 0)
        self.assertIn("does not compile", grades["does_not_compile.c"]["error"])
        suites = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual([suite.get("failures") for suite in suites], ["0"] * 5 + ["2", "2", "3"])

    def test_results_for_gradescope_and_autolab(self):
        results = self.directory / "results.json"
        said = run("grade", EXAMPLES / "next_fit.c", "--autolab", "--gradescope", results, "--assignment", self.small())
        scores = json.loads(said.strip().split("\n")[-1])["scores"]
        gradescope = json.loads(results.read_text())
        self.assertEqual(gradescope["tests"][0]["visibility"], "visible")
        self.assertAlmostEqual(sum(scores.values()), gradescope["score"], 3)
        self.assertNotIn("-0.000", said)

    def small(self, **more):
        path = self.directory / "one.yaml"
        path.write_text(json.dumps({"speed": {"points": 10}, "traces": [{"workload": "small.rep"}], **more}))
        return path

    def test_wrong_fields_of_an_assignment_are_named(self):
        wrong = [
            ({"speeed": {}}, "unknown key 'speeed'; did you mean 'speed'?"),
            ({"alignment": 12}, "alignment: 12; expected 4, 8 or 16"),
            ({"reference": "tslf"}, "reference: "),
            ({"interface": "posix"}, "interface: 'posix'; expected one of cmu, "),
            ({"heap_bytes_max": 1}, "heap_bytes_max: 1; expected from 4096 to"),
            ({"traces": []}, "traces: none"),
            ({"traces": [{"workload": "no-such"}]}, "traces[0].workload: "),
            ({"traces": [{"workload": "sqlite", "sha256": "abc"}]}, "traces[0].sha256: 'abc'; expected 64 hexadecimal digits"),
            ({"traces": [{"workload": "sqlite", "sha256": "0" * 64}]}, "traces[0].sha256: the trace's is "),
            ({"traces": [{"workload": "fork-exec-exit"}]}, "operations on pages"),
            ({"traces": [{}]}, "traces[0]: neither a workload nor a sha256"),
            ({"utilisation": {"points": 1, "none_at_percent": 90, "full_at_percent": 80}}, "utilisation.none_at_percent: 90; expected"),
        ]
        for fields, expected in wrong:
            with self.subTest(expected):
                said = " ".join(run("grade", EXAMPLES / "next_fit.c", "--assignment", self.small(**fields), code=4).split())
                self.assertIn("one.yaml:1:", said)
                self.assertIn(expected, said)

    def test_hidden_traces_are_found_by_digest(self):
        digest = run("grade", "--digests", "--assignment", self.small()).split()[0]
        path = self.small(traces=[{"sha256": digest, "label": "secret"}])
        self.assertIn("not run", run("grade", EXAMPLES / "next_fit.c", "--assignment", path))
        self.assertIn("yes", run("grade", EXAMPLES / "next_fit.c", "--assignment", path, "--traces", self.directory))

    def test_the_makefile_fragment_builds_the_same_code(self):
        sdk = self.directory / "sdk"
        run("guest", "sdk", sdk)
        (self.directory / "Makefile").write_text("ALLOCLAB_SDK = sdk\ninclude sdk/lab.mk\n")
        (self.directory / "mm.c").write_text((EXAMPLES / "next_fit.c").read_text())
        subprocess.run(["make", "-s", "-C", self.directory, "mm.elf"], check=True)
        run("guest", "build", self.directory / "mm.c", "-o", self.directory / "own.elf", "--compiler", "gcc")
        counts = [
            json.loads(run("guest", "run", self.directory / elf, self.trace, "--output", "json"))["instructions"]
            for elf in ("mm.elf", "own.elf")
        ]
        self.assertEqual(counts[0], counts[1])

    def test_page_allocators_are_built_where_ram_is(self):
        for name, interface in (("kalloc", "kalloc"), ("kalloc_xv6", "kalloc"), ("buddy_pages", "free_pages"), ("runs", "palloc")):
            with self.subTest(name):
                source = next(path for path in (EXAMPLES / f"{name}.c", GUESTS / f"{name}.c", PROGRAMS / f"{name}.c") if path.exists())
                for compiler in ("gcc", "clang"):
                    program = self.directory / f"{name}-{compiler}.elf"
                    said = run("guest", "build", source, "-o", program, "--compiler", compiler)
                    self.assertIn(f"interface {interface},", said)
                    self.assertIn("operations on a heap; expected one of pages", run("guest", "run", program, "sqlite", code=2))
        self.assertIn("is none that the lab knows", run("guest", "build", EXAMPLES / "kalloc.c", "--interface", "posix", "-o", "/dev/null", code=1))


    def single_pages(self):
        path = self.directory / "single.yaml"
        path.write_text("name: single\nphases: [{operations: 3000, live_blocks: 300, size: {fixed: 1}, pages: true}]\n")
        return path

    def test_page_allocators_are_run_and_profiled(self):
        for source, workload in (
            (EXAMPLES / "kalloc.c", self.single_pages()),
            (GUESTS / "kalloc_xv6.c", self.single_pages()),
            (GUESTS / "runs.c", "kernel-pages"),
            (PROGRAMS / "buddy_pages.c", "kernel-pages"),
        ):
            with self.subTest(source.name):
                options = [] if workload != "kernel-pages" else ["--operations", "2k"]
                said = run("guest", "run", source, workload, *options, "--poison")
                self.assertIn(": right", " ".join(said.split()))  # however long the path is
                self.assertIn("peak arena", said)
                profile = json.loads(run("guest", "profile", source, workload, *options, "--output", "json"))
                self.assertTrue(any(line["name"].startswith(source.name) for line in profile["line"]), profile["line"])
        said = " ".join(run("guest", "run", EXAMPLES / "kalloc.c", "kernel-pages", code=2).split())
        self.assertIn("interface kalloc gives single pages", said)
        small = run("guest", "run", EXAMPLES / "kalloc.c", self.single_pages(), "--heap-max", "64Ki", "--print-instructions", 2, code=5)
        self.assertRegex(small.rstrip().split("\n")[-1], r"^ +eax [0-9a-f]{8} ecx ")
        self.assertIn("allocate_pages of 4096 bytes was refused, with 0 of 65536 bytes not in use", " ".join(small.split()))

    def test_page_allocators_are_graded(self):
        fields = {"reference": "binary-buddy", "speed": {"points": 10, "full_at_percent": 20}, "utilisation": {"points": 10}}
        assignment = self.small(**fields, traces=[{"workload": "kernel-pages", "operations": 3000}, {"workload": "single.yaml"}])
        self.single_pages()
        programs = [PROGRAMS / "buddy_pages.c", GUESTS / "runs.c", EXAMPLES / "kalloc.c", EXAMPLES / "next_fit.c"]
        junit, results = self.directory / "junit.xml", self.directory / "results.json"
        grade = ["grade", *programs, "--assignment", assignment, "--output", "json", "--junit", junit]
        report = json.loads(run(*grade, code=5))
        self.assertEqual(report, json.loads(run(*grade, "--jobs", 1, code=5)))
        buddy, runs, kalloc, heap = report["grades"]
        for one in (buddy, runs):
            self.assertTrue(all(trace["valid"] for trace in one["traces"]), one)
            self.assertGreater(one["utilisation"], 1)
            self.assertGreater(one["speed"], 0)
        self.assertEqual([trace["valid"] for trace in kalloc["traces"]], [False, True])
        self.assertIn("gives single pages", kalloc["traces"][0]["violation"])
        self.assertIn("exports no page allocator", heap["traces"][0]["violation"])
        suites = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual([suite.get("failures") for suite in suites], ["0", "0", "1", "2"])
        said = run("grade", programs[0], "--assignment", assignment, "--autolab", "--gradescope", results, "--output", "markdown")
        self.assertIn("| kernel-pages", said)
        scores = json.loads(said.strip().split("\n")[-1])["scores"]
        self.assertAlmostEqual(sum(scores.values()), json.loads(results.read_text())["score"], 3)

    def test_what_an_assignment_of_page_allocators_may_not_say(self):
        pages = {"reference": "page-runs", "traces": [{"workload": "fork-exec-exit", "operations": 100}]}
        for fields, expected in (
            ({"alignment": 8}, "alignment: of a heap; expected none"),
            ({"interface": "cmu"}, "reference: page-runs and interface cmu; expected both"),
            ({"traces": [{"workload": "small.rep"}]}, "traces[0]: it has operations on a heap"),
            ({"traces": [{"workload": "process-mix", "operations": 100}]}, "traces[0]: it has operations on a heap"),
            ({"reference": "xv6-kalloc"}, "traces[0]: the reference xv6-kalloc refuses"),
            ({"heap_bytes_max": 1}, "heap_bytes_max: 1; expected from 4096 to"),
            ({"instructions_max": 300_000_000}, "instructions_max: 300000000; expected from 1 to 200000000"),
        ):
            with self.subTest(expected):
                path = self.small(**{**pages, **fields})
                self.assertIn(expected, " ".join(run("grade", PROGRAMS / "buddy_pages.c", "--assignment", path, code=4).split()))


class RustTest(unittest.TestCase):
    """A case of its own: it needs what few have installed, and builds Rust's core library."""

    def test_rust(self):
        if shutil.which("rustc") is None or not list(pathlib.Path("/usr/src").glob("rustc-*/library/core/src/lib.rs")):
            print("SKIPPED: Rust for the i386 needs rustc and rust-src", file=sys.stderr)
            self.skipTest("no rustc, or no sources of its core library")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        sdk = pathlib.Path(folder.name)
        run("guest", "sdk", sdk)
        (sdk / "Makefile").write_text("ALLOCLAB_SDK = .\ninclude lab.mk\n")
        (sdk / "first_fit.rs").write_text((EXAMPLES / "first_fit.rs").read_text())
        subprocess.run(["make", "-s", "-C", sdk, "first_fit.elf"], check=True)
        self.assertIn(": right", run("guest", "run", sdk / "first_fit.elf", "sqlite", "--operations", "3k"))


if __name__ == "__main__":
    tried = subprocess.run([ALLOCLAB, "guest", "build", "--show-command"], capture_output=True, text=True)
    if tried.returncode != 0:
        print(f"SKIPPED: {tried.stderr}")
        sys.exit(0)
    unittest.main()
