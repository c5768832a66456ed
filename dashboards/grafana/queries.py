"""Every PromQL expression about heaps, as a function named for what it asks. Its docstring is the panel's description.

All take the instances and runs chosen in $lab_instance, $heap_allocator and $page_allocator, so that the same question can be asked of
all of them or of one. (Prometheus keeps the label `instance` for the process that it scrapes.)
"""

import dataclasses
import functools
import inspect

MACHINES = 'lab_instance=~"$lab_instance", heap_allocator=~"$heap_allocator", page_allocator=~"$page_allocator"'
RATE = "[$__rate_interval]"


@dataclasses.dataclass(frozen=True)
class Target:
    """One expression and how its series are named in the legend."""

    expr: str
    legend: str = "__auto"


@dataclasses.dataclass(frozen=True)
class Query:
    targets: list
    definition: str


def query(function):
    """Turns a function that returns targets into one that returns a Query."""

    @functools.wraps(function)
    def made(*args):
        targets = function(*args)
        targets = [targets] if isinstance(targets, Target) else targets
        return Query(targets, " ".join(inspect.getdoc(function).split()))

    return made


def selected(metric, *matchers):
    return f"{metric}{{{', '.join((MACHINES, *matchers))}}}"


def rate(metric, by, *matchers):
    return f"sum by ({by}) (rate({selected(metric, *matchers)}{RATE}))"


def ratio(numerator, denominator):
    """Absent rather than NaN where the denominator is zero."""
    return f"{numerator} / ({denominator} > 0)"


def mean(histogram, by):
    return ratio(rate(f"{histogram}_sum", by), rate(f"{histogram}_count", by))


def quantile(q, histogram, by):
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', f'le, {by}')})"


# --- Verdict ---


@query
def instances():
    """Simulated machines that live in the server now; runs are not counted."""
    return Target(f"count({selected('alloclab_machine_info', 'lab_instance!~%s' % QUOTED_RUNS)}) or vector(0)")


@query
def operations_now():
    """Operations per second over all selected instances and runs."""
    return Target(f"sum(rate({selected('alloclab_heap_operations_total')}{RATE}))")


@query
def failure_share_now():
    """Share of the operations that the simulation refused: out of memory, fragmented, limit reached, or invalid use."""
    failed = f"sum(rate({selected('alloclab_heap_operations_total', RESULT_FAIL)}{RATE}))"
    return Target(ratio(failed, f"sum(rate({selected('alloclab_heap_operations_total')}{RATE}))"))


@query
def worst_external_fragmentation():
    """The highest external fragmentation of the selected instances and runs: 1 - largest free block / free bytes."""
    return Target(f"max({EXTERNAL_FRAGMENTATION})")


@query
def check_failures():
    """Broken invariants that checks of both allocators found, since the server began. Must stay 0."""
    return Target(f"sum({selected('alloclab_machine_violations_total')})")


@query
def utilisation_now():
    """Live requested bytes / heap size, at this moment."""
    return Target(UTILISATION, "{{lab_instance}}")


@query
def peak_utilisation():
    """Peak of the live requested bytes / peak of the heap's size; the two peaks may be at different operations."""
    return Target(
        ratio(selected("alloclab_heap_live_requested_peak_bytes"), selected("alloclab_heap_size_peak_bytes")), "{{lab_instance}}"
    )


# --- Rate, errors, duration ---


@query
def operation_rate():
    """Operations per second by kind."""
    return Target(rate("alloclab_heap_operations_total", "lab_instance, operation"), "{{lab_instance}} {{operation}}")


@query
def failure_share():
    """Refused operations / all operations."""
    failed = rate("alloclab_heap_operations_total", "lab_instance", RESULT_FAIL)
    return Target(ratio(failed, rate("alloclab_heap_operations_total", "lab_instance")), "{{lab_instance}}")


@query
def failures_by_cause():
    """Refused operations by outcome. fragmented: the free bytes would hold the request, the largest block does not."""
    return Target(
        f"sum by (lab_instance, outcome) (increase({selected('alloclab_heap_failures_total')}{RATE}))", "{{lab_instance}} {{outcome}}"
    )


@query
def requested_bytes_rate():
    """Payload bytes asked for per second."""
    return Target(rate("alloclab_heap_requested_bytes_total", "lab_instance, operation"), "{{lab_instance}} {{operation}}")


@query
def request_size_quantiles():
    """Half of the requests, and 99 in 100, are at most this large; the answer is the upper part of a power of two."""
    return [
        Target(quantile(0.5, "alloclab_heap_request_size_bytes", "lab_instance"), "{{lab_instance}} p50"),
        Target(quantile(0.99, "alloclab_heap_request_size_bytes", "lab_instance"), "{{lab_instance}} p99"),
    ]


# --- Shape of the heap ---


@query
def external_fragmentation():
    """1 - largest free block / free bytes. 0: all that is free is one block. Absent while nothing is free."""
    return Target(EXTERNAL_FRAGMENTATION, "{{lab_instance}}")


@query
def internal_fragmentation():
    """1 - live requested bytes / live block bytes: the share of live blocks that is header and padding."""
    return Target(INTERNAL_FRAGMENTATION, "{{lab_instance}}")


@query
def utilisation():
    """Live requested bytes / heap size, at the same moment."""
    return Target(UTILISATION, "{{lab_instance}}")


@query
def free_and_largest():
    """Free bytes and the largest free block: the gap between the lines is external fragmentation."""
    return [
        Target(selected("alloclab_heap_free_bytes"), "{{lab_instance}} free"),
        Target(selected("alloclab_heap_largest_free_block_bytes"), "{{lab_instance}} largest block"),
    ]


@query
def live_bytes():
    """What programs asked for and hold, what their blocks take with headers and padding, and the whole heap."""
    return [
        Target(selected("alloclab_heap_live_requested_bytes"), "{{lab_instance}} requested"),
        Target(selected("alloclab_heap_live_block_bytes"), "{{lab_instance}} in blocks"),
        Target(selected("alloclab_heap_size_bytes"), "{{lab_instance}} heap"),
    ]


@query
def heap_growth():
    """Size of the heap (its break), and the limit that it may not pass."""
    return [
        Target(selected("alloclab_heap_size_bytes"), "{{lab_instance}} size"),
        Target(selected("alloclab_heap_size_limit_bytes"), "{{lab_instance}} limit"),
    ]


@query
def grown_bytes():
    """Bytes by which the heap grew."""
    return Target(f"sum by (lab_instance) (increase({selected('alloclab_heap_grown_bytes_total')}{RATE}))", "{{lab_instance}}")


@query
def blocks():
    """Live and free blocks."""
    return [
        Target(selected("alloclab_heap_live_blocks"), "{{lab_instance}} live"),
        Target(selected("alloclab_heap_free_blocks"), "{{lab_instance}} free"),
    ]


@query
def free_blocks_by_size():
    """Free blocks of at most each size, as the heap is at the moment of the scrape."""
    sizes = f"sum by (up_to) ({selected('alloclab_heap_free_blocks_by_size')})"
    return Target(f'sum by (le) (label_replace({sizes}, "le", "$1", "up_to", "(.+)"))', "{{le}}")  # le is what a heatmap reads


# --- Cost, and why ---


@query
def search_mean():
    """Blocks that a search looks at until it has found a fit, or has not: mean."""
    return Target(mean("alloclab_heap_steps_per_search", "lab_instance"), "{{lab_instance}}")


@query
def search_p99():
    """99 in 100 searches look at no more than this many blocks."""
    return Target(quantile(0.99, "alloclab_heap_steps_per_search", "lab_instance"), "{{lab_instance}}")


@query
def search_lengths():
    """How many searches look at how many blocks."""
    return Target(f"sum by (le) (rate({selected('alloclab_heap_steps_per_search_bucket')}{RATE}))", "{{le}}")


@query
def merges_by_neighbour():
    """With which free neighbours blocks were merged, as shares: of frees, but also of what splits and grows left over."""
    return Target(
        f"{rate('alloclab_heap_merges_total', 'lab_instance, with')} / ignoring (with) group_left () "
        f"({rate('alloclab_heap_merges_total', 'lab_instance')} > 0)",
        "{{lab_instance}} with {{with}}",
    )


@query
def splits_and_grows():
    """How often a block was split, and how often the heap had to grow, per operation."""
    operations = rate("alloclab_heap_operations_total", "lab_instance")
    return [
        Target(ratio(rate("alloclab_heap_splits_total", "lab_instance"), operations), "{{lab_instance}} splits"),
        Target(ratio(rate("alloclab_heap_grows_total", "lab_instance"), operations), "{{lab_instance}} grows"),
    ]


@query
def cycles_per_operation():
    """Simulated cycles of a 386 per operation, by the cost model that alloclab_machine_info names."""
    return Target(mean("alloclab_heap_cost_cycles", "lab_instance, operation"), "{{lab_instance}} {{operation}}")


@query
def cycles_p99():
    """99 in 100 operations cost at most this many simulated cycles."""
    return Target(quantile(0.99, "alloclab_heap_cost_cycles", "lab_instance, operation"), "{{lab_instance}} {{operation}}")


@query
def memory_accesses_per_operation():
    """Words that the allocator itself loads and stores in simulated memory, per operation."""
    operations = rate("alloclab_heap_operations_total", "lab_instance")
    return [
        Target(ratio(rate("alloclab_heap_words_loaded_total", "lab_instance"), operations), "{{lab_instance}} loaded"),
        Target(ratio(rate("alloclab_heap_words_stored_total", "lab_instance"), operations), "{{lab_instance}} stored"),
    ]


@query
def reallocations():
    """Reallocations that were served, per second."""
    return Target(rate("alloclab_heap_operations_total", "lab_instance", 'operation="realloc"', RESULT_OK), "{{lab_instance}}")


@query
def realloc_copied_bytes():
    """Bytes that reallocation copied per second."""
    return Target(rate("alloclab_heap_copied_bytes_total", "lab_instance"), "{{lab_instance}}")


# --- Virtual memory and pages ---


@query
def faults_per_thousand():
    """Simulated page faults per thousand operations, by kind."""
    return Target(
        f"1000 * {rate('alloclab_machine_page_faults_total', 'lab_instance, kind')} / ignoring (kind) group_left () "
        f"({rate('alloclab_heap_operations_total', 'lab_instance')} > 0)",
        "{{lab_instance}} {{kind}}",
    )


@query
def mapped_pages():
    """Pages with a frame behind them, and the frames taken by page tables."""
    return [
        Target(selected("alloclab_machine_mapped_frames"), "{{lab_instance}} mapped"),
        Target(selected("alloclab_machine_page_table_frames"), "{{lab_instance}} page tables"),
    ]


@query
def free_frames():
    """Page frames that the page allocator has left."""
    return Target(selected("alloclab_machine_free_frames"), "{{lab_instance}}")


@query
def free_page_blocks():
    """Free blocks of the page allocator, and the length of the longest in pages."""
    return [
        Target(selected("alloclab_pages_free_blocks"), "{{lab_instance}} blocks"),
        Target(f"{selected('alloclab_pages_largest_free_block_bytes')} / 4096", "{{lab_instance}} longest, in pages"),
    ]


@query
def page_operations():
    """Allocations and frees of pages by programs, per second."""
    return Target(rate("alloclab_pages_operations_total", "lab_instance, operation"), "{{lab_instance}} {{operation}}")


@query
def page_search_mean():
    """Blocks that one page operation looks at: mean."""
    return Target(mean("alloclab_pages_steps_per_search", "lab_instance"), "{{lab_instance}}")


RESULT_FAIL, RESULT_OK = 'result="failed"', 'result="ok"'
QUOTED_RUNS = '"run-.*"'
EXTERNAL_FRAGMENTATION = (
    f"1 - {selected('alloclab_heap_largest_free_block_bytes')} / ({selected('alloclab_heap_free_bytes')} > 0)"
)
INTERNAL_FRAGMENTATION = (
    f"1 - {selected('alloclab_heap_live_requested_bytes')} / ({selected('alloclab_heap_live_block_bytes')} > 0)"
)
UTILISATION = ratio(selected("alloclab_heap_live_requested_bytes"), selected("alloclab_heap_size_bytes"))
