"""Every PromQL expression about heaps, as a function named for what it asks. Its docstring is the panel's description.

All take the heaps chosen in $heap and $allocator, so that the same question can be asked of all heaps or of one.
"""

import dataclasses
import functools
import inspect

HEAPS = 'heap=~"$heap", allocator=~"$allocator"'
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
    return f"{metric}{{{', '.join((HEAPS, *matchers))}}}"


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
    return Target(f"count({selected('alloclab_heap_info', 'heap!~%s' % QUOTED_RUNS)}) or vector(0)")


@query
def operations_now():
    """Operations per second over all selected heaps."""
    return Target(f"sum(rate({selected('alloclab_heap_operations_total')}{RATE}))")


@query
def failure_share_now():
    """Share of the operations that the simulation refused: out of memory, fragmented, limit reached, or invalid use."""
    failed = f"sum(rate({selected('alloclab_heap_operations_total', RESULT_FAIL)}{RATE}))"
    return Target(ratio(failed, f"sum(rate({selected('alloclab_heap_operations_total')}{RATE}))"))


@query
def worst_external_fragmentation():
    """The highest external fragmentation of the selected heaps: 1 - largest free block / free bytes."""
    return Target(f"max({EXTERNAL_FRAGMENTATION})")


@query
def check_failures():
    """Broken invariants found by checks of the heaps, since the server began. Must stay 0."""
    return Target(f"sum({selected('alloclab_heap_check_failures_total')})")


@query
def utilisation_now():
    """Live requested bytes / heap size, at this moment."""
    return Target(UTILISATION, "{{heap}}")


@query
def peak_utilisation():
    """Peak of the live requested bytes / peak of the heap's size; the two peaks may be at different operations."""
    return Target(
        ratio(selected("alloclab_heap_live_requested_peak_bytes"), selected("alloclab_heap_size_peak_bytes")), "{{heap}}"
    )


# --- Rate, errors, duration ---


@query
def operation_rate():
    """Operations per second by kind."""
    return Target(rate("alloclab_heap_operations_total", "heap, op"), "{{heap}} {{op}}")


@query
def failure_share():
    """Refused operations / all operations."""
    failed = rate("alloclab_heap_operations_total", "heap", RESULT_FAIL)
    return Target(ratio(failed, rate("alloclab_heap_operations_total", "heap")), "{{heap}}")


@query
def failures_by_cause():
    """Refused operations by cause. Fragmentation: the free bytes would hold the request, the largest block does not."""
    return Target(f"sum by (heap, reason) (increase({selected('alloclab_heap_failures_total')}{RATE}))", "{{heap}} {{reason}}")


@query
def requested_bytes_rate():
    """Payload bytes asked for per second."""
    return Target(rate("alloclab_heap_requested_bytes_total", "heap, op"), "{{heap}} {{op}}")


@query
def request_size_quantiles():
    """Half of the requests, and 99 in 100, are at most this large; the answer is the upper part of a power of two."""
    return [
        Target(quantile(0.5, "alloclab_heap_request_size_bytes", "heap"), "{{heap}} p50"),
        Target(quantile(0.99, "alloclab_heap_request_size_bytes", "heap"), "{{heap}} p99"),
    ]


# --- Shape of the heap ---


@query
def external_fragmentation():
    """1 - largest free block / free bytes. 0: all that is free is one block. Absent while nothing is free."""
    return Target(EXTERNAL_FRAGMENTATION, "{{heap}}")


@query
def internal_fragmentation():
    """1 - live requested bytes / live block bytes: the share of live blocks that is header and padding."""
    return Target(INTERNAL_FRAGMENTATION, "{{heap}}")


@query
def utilisation():
    """Live requested bytes / heap size, at the same moment."""
    return Target(UTILISATION, "{{heap}}")


@query
def free_and_largest():
    """Free bytes and the largest free block: the gap between the lines is external fragmentation."""
    return [
        Target(selected("alloclab_heap_free_bytes"), "{{heap}} free"),
        Target(selected("alloclab_heap_largest_free_block_bytes"), "{{heap}} largest block"),
    ]


@query
def live_bytes():
    """What programs asked for and hold, what their blocks take with headers and padding, and the whole heap."""
    return [
        Target(selected("alloclab_heap_live_requested_bytes"), "{{heap}} requested"),
        Target(selected("alloclab_heap_live_block_bytes"), "{{heap}} in blocks"),
        Target(selected("alloclab_heap_size_bytes"), "{{heap}} heap"),
    ]


@query
def heap_growth():
    """Size of the heap (its break), and the limit that it may not pass."""
    return [
        Target(selected("alloclab_heap_size_bytes"), "{{heap}} size"),
        Target(selected("alloclab_heap_size_limit_bytes"), "{{heap}} limit"),
    ]


@query
def heap_extension():
    """Bytes by which the heap was extended."""
    return Target(f"sum by (heap) (increase({selected('alloclab_heap_extend_bytes_total')}{RATE}))", "{{heap}}")


@query
def blocks():
    """Live and free blocks."""
    return [
        Target(selected("alloclab_heap_live_blocks"), "{{heap}} live"),
        Target(selected("alloclab_heap_free_blocks"), "{{heap}} free"),
    ]


@query
def free_blocks_by_size():
    """Free blocks of at most each size, as the heap is at the moment of the scrape."""
    sizes = f"sum by (up_to) ({selected('alloclab_heap_free_blocks_by_size')})"
    return Target(f'sum by (le) (label_replace({sizes}, "le", "$1", "up_to", "(.+)"))', "{{le}}")  # le is what a heatmap reads


# --- Cost, and why ---


@query
def search_mean():
    """Blocks that the search visits until it has found a fit, or has not: mean."""
    return Target(mean("alloclab_heap_search_blocks", "heap"), "{{heap}}")


@query
def search_p99():
    """99 in 100 searches visit at most this many blocks."""
    return Target(quantile(0.99, "alloclab_heap_search_blocks", "heap"), "{{heap}}")


@query
def search_lengths():
    """How many searches visit how many blocks."""
    return Target(f"sum by (le) (rate({selected('alloclab_heap_search_blocks_bucket')}{RATE}))", "{{le}}")


@query
def coalesce_cases():
    """Frees by which neighbours were free too: the four cases of boundary tags, as shares."""
    return Target(
        f"{rate('alloclab_heap_coalesces_total', 'heap, merged')} / ignoring (merged) group_left () "
        f"({rate('alloclab_heap_coalesces_total', 'heap')} > 0)",
        "{{heap}} {{merged}}",
    )


@query
def splits_and_grows():
    """How often a block was split, and how often the heap had to grow, per operation."""
    operations = rate("alloclab_heap_operations_total", "heap")
    return [
        Target(ratio(rate("alloclab_heap_splits_total", "heap"), operations), "{{heap}} splits"),
        Target(ratio(rate("alloclab_heap_extends_total", "heap"), operations), "{{heap}} grows"),
    ]


@query
def cycles_per_operation():
    """Simulated cycles of a 386 per operation, by the cost model that alloclab_heap_info names."""
    return Target(mean("alloclab_heap_cost_cycles", "heap, op"), "{{heap}} {{op}}")


@query
def cycles_p99():
    """99 in 100 operations cost at most this many simulated cycles."""
    return Target(quantile(0.99, "alloclab_heap_cost_cycles", "heap, op"), "{{heap}} {{op}}")


@query
def memory_accesses_per_operation():
    """Words that the allocator itself loads and stores in simulated memory, per operation."""
    return Target(
        f"{rate('alloclab_heap_memory_accesses_total', 'heap, kind')} / ignoring (kind) group_left () "
        f"({rate('alloclab_heap_operations_total', 'heap')} > 0)",
        "{{heap}} {{kind}}",
    )


@query
def realloc_copies():
    """Reallocations that moved their block."""
    return Target(rate("alloclab_heap_realloc_copies_total", "heap"), "{{heap}}")


@query
def realloc_copied_bytes():
    """Bytes that reallocation copied per second."""
    return Target(rate("alloclab_heap_realloc_copied_bytes_total", "heap"), "{{heap}}")


# --- Virtual memory and page runs ---


@query
def faults_per_thousand():
    """Simulated page faults per thousand operations, by kind."""
    return Target(
        f"1000 * {rate('alloclab_vm_page_faults_total', 'heap, kind')} / ignoring (kind) group_left () "
        f"({rate('alloclab_heap_operations_total', 'heap')} > 0)",
        "{{heap}} {{kind}}",
    )


@query
def mapped_pages():
    """Pages with a frame behind them, and the frames taken by page tables."""
    return [
        Target(selected("alloclab_vm_mapped_pages"), "{{heap}} mapped"),
        Target(selected("alloclab_vm_page_table_pages"), "{{heap}} page tables"),
    ]


@query
def free_frames():
    """Page frames that the page allocator has left."""
    return Target(selected("alloclab_vm_frames_free"), "{{heap}}")


@query
def page_runs():
    """Free runs of page frames, and the length of the longest in pages."""
    return [
        Target(selected("alloclab_heap_page_runs"), "{{heap}} runs"),
        Target(selected("alloclab_heap_largest_page_run_pages"), "{{heap}} longest run"),
    ]


@query
def page_operations():
    """Allocations and frees of page runs by programs, per second."""
    return Target(rate("alloclab_pages_operations_total", "heap, op"), "{{heap}} {{op}}")


@query
def page_search_mean():
    """Free runs that one page operation visits: mean."""
    return Target(mean("alloclab_pages_search_runs", "heap"), "{{heap}}")


RESULT_FAIL = 'result="fail"'
QUOTED_RUNS = '"run-.*"'
EXTERNAL_FRAGMENTATION = (
    f"1 - {selected('alloclab_heap_largest_free_block_bytes')} / ({selected('alloclab_heap_free_bytes')} > 0)"
)
INTERNAL_FRAGMENTATION = (
    f"1 - {selected('alloclab_heap_live_requested_bytes')} / ({selected('alloclab_heap_live_block_bytes')} > 0)"
)
UTILISATION = ratio(selected("alloclab_heap_live_requested_bytes"), selected("alloclab_heap_size_bytes"))
