"""The dashboards: which questions are asked, in which order. Verdict first, then rate and errors, shape, cost, memory, load, server."""

import dataclasses

import process_queries as p
import queries as q
from panels import DATASOURCE, WEB_URL, heatmap, lay_out, stat, timeseries

PROMETHEUS_URL = "http://127.0.0.1:9090/"  # docker/grafana.sh puts the port of .env in its place
RED_ABOVE_ZERO = ((None, "green"), (1, "red"))
FRAGMENTATION = ((None, "green"), (0.5, "orange"), (0.9, "red"))
REFUSALS = ((None, "green"), (0.01, "orange"), (0.1, "red"))


def verdict_of_all():
    return [
        stat("Server", p.server_up(), thresholds=((None, "red"), (1, "green")), names={0: "down", 1: "up"}, width=3),
        stat("Instances", q.instances(), thresholds=((None, "blue"),), width=3),
        stat("Operations", q.operations_now(), unit="ops", thresholds=((None, "blue"),)),
        stat("Refused", q.failure_share_now(), unit="percentunit", thresholds=REFUSALS),
        stat("Worst external fragmentation", q.worst_external_fragmentation(), unit="percentunit", thresholds=FRAGMENTATION),
        stat("Broken invariants", q.check_failures(), thresholds=RED_ABOVE_ZERO, width=3),
        stat("Alerts", p.alerts_firing(), thresholds=((None, "green"), (1, "orange")), width=3),
    ]


def verdict_of_one():
    return [
        stat("Operations", q.operations_now(), unit="ops", thresholds=((None, "blue"),)),
        stat("Refused", q.failure_share_now(), unit="percentunit", thresholds=REFUSALS),
        stat("External fragmentation", q.worst_external_fragmentation(), unit="percentunit", thresholds=FRAGMENTATION),
        stat("Utilisation now", q.utilisation_now(), unit="percentunit", thresholds=((None, "blue"),)),
        stat("Peak utilisation", q.peak_utilisation(), unit="percentunit", thresholds=((None, "blue"),)),
        stat("Broken invariants", q.check_failures(), thresholds=RED_ABOVE_ZERO),
    ]


def lab_overview():
    return [
        ("Verdict", verdict_of_all()),
        ("Rate and errors", [
            timeseries("Operations", q.operation_rate(), unit="ops"),
            timeseries("Refused", q.failure_share(), unit="percentunit"),
            timeseries("Refused by cause", q.failures_by_cause(), bars=True, stack="normal"),
        ]),
        ("Shape of the heaps", [
            timeseries("External fragmentation", q.external_fragmentation(), unit="percentunit", maximum=1),
            timeseries("Internal fragmentation", q.internal_fragmentation(), unit="percentunit", maximum=1),
            timeseries("Utilisation", q.utilisation(), unit="percentunit", maximum=1),
            timeseries("Live bytes", q.live_bytes(), unit="bytes", width=12),
            timeseries("Free bytes and the largest free block", q.free_and_largest(), unit="bytes", log=True, width=12),
        ]),
        ("Cost, and why", [
            timeseries("Search steps, mean", q.search_mean()),
            timeseries("Search steps, p99", q.search_p99(), log=True),
            timeseries("Simulated cycles per operation", q.cycles_per_operation()),
        ]),
        ("Virtual memory and page frames", [
            timeseries("Page faults per 1000 operations", q.faults_per_thousand()),
            timeseries("Mapped pages", q.mapped_pages()),
            timeseries("Free page frames", q.free_frames()),
            timeseries("Operations on pages", q.page_operations(), unit="ops", width=12),
            timeseries("Search steps per page operation, mean", q.page_search_mean(), width=12),
        ]),
        ("Load generator", [
            timeseries("Target and achieved", p.target_and_achieved(), unit="ops"),
            timeseries("Behind schedule", p.behind_schedule(), unit="s"),
            timeseries("Dropped operations", p.dropped_operations(), unit="ops"),
            timeseries("Response and service time, p99", p.response_and_service(), unit="s"),
            heatmap("Response time of batches", p.response_times(), unit="s", cell_unit="ops", width=16),
        ]),
        ("The server itself", [
            timeseries("Calls", p.rpc_rate(), unit="reqps"),
            timeseries("Unary calls, p99", p.rpc_p99(), unit="s"),
            timeseries("Messages", p.messages(), unit="mps"),
            timeseries("Streams and waiting operations", p.saturation(), width=6),
            timeseries("Processor", p.cpu(), width=6),
            timeseries("Memory", p.memory(), unit="bytes", width=6),
            timeseries("Scrape time", p.scrape_time(), unit="s", width=6),
            timeseries("File descriptors", p.descriptors(), log=True, width=24),
        ]),
    ]


def one_instance():
    return [
        ("Verdict", verdict_of_one()),
        ("Rate and errors", [
            timeseries("Operations", q.operation_rate(), unit="ops"),
            timeseries("Refused by cause", q.failures_by_cause(), bars=True, stack="normal"),
            timeseries("Bytes requested", q.requested_bytes_rate(), unit="Bps"),
        ]),
        ("Shape of the heap", [
            timeseries("Live bytes", q.live_bytes(), unit="bytes"),
            timeseries("Free bytes and the largest free block", q.free_and_largest(), unit="bytes", log=True),
            timeseries("External fragmentation", q.external_fragmentation(), unit="percentunit", maximum=1),
            timeseries("Internal fragmentation", q.internal_fragmentation(), unit="percentunit", maximum=1),
            timeseries("Blocks", q.blocks()),
            timeseries("Request size", q.request_size_quantiles(), unit="bytes", log=True),
            heatmap("Free blocks by size", q.free_blocks_by_size(), unit="bytes", width=24),
        ]),
        ("Cost, and why", [
            timeseries("Search steps, mean", q.search_mean()),
            timeseries("Search steps, p99", q.search_p99(), log=True),
            heatmap("Search steps", q.search_lengths(), cell_unit="ops", width=8),
            timeseries("Merges by neighbour", q.merges_by_neighbour(), unit="percentunit", stack="percent"),
            timeseries("Splits and grows per operation", q.splits_and_grows()),
            timeseries("Simulated cycles per operation, mean", q.cycles_per_operation()),
            timeseries("Simulated cycles per operation, p99", q.cycles_p99(), log=True),
            timeseries("Words loaded and stored per operation", q.memory_accesses_per_operation()),
            timeseries("Heap size and limit", q.heap_growth(), unit="bytes", log=True),
            timeseries("Growth", q.grown_bytes(), unit="bytes", bars=True),
            timeseries("Reallocations", q.reallocations(), unit="ops"),
            timeseries("Bytes copied by reallocation", q.realloc_copied_bytes(), unit="Bps"),
        ]),
        ("Virtual memory and page frames", [
            timeseries("Page faults per 1000 operations", q.faults_per_thousand(), width=6),
            timeseries("Mapped pages", q.mapped_pages(), width=6),
            timeseries("Free page frames", q.free_frames(), width=6),
            timeseries("Free blocks of pages", q.free_page_blocks(), log=True, width=6),
        ]),
        ("Load generator", [
            timeseries("Target and achieved", p.target_and_achieved(), unit="ops"),
            timeseries("Response and service time, p99", p.response_and_service(), unit="s"),
            timeseries("Operations in flight", p.in_flight(), width=4),
            timeseries("Position in the workload", p.trace_position(), unit="percentunit", maximum=1, width=4),
        ]),
    ]


SIDES = ("left", "right")


def _beside(title, query, **more):
    """The same question of the two machines, a panel for each."""
    panels = []
    for side in SIDES:
        targets = [dataclasses.replace(t, expr=t.expr.replace(q.MACHINES, f'lab_instance="${side}"')) for t in query.targets]
        panels.append(timeseries(f"{title}: ${side}", dataclasses.replace(query, targets=targets), width=12, **more))
    return panels


def side_by_side():
    return [
        ("Rate and errors", [
            *_beside("Operations", q.operation_rate(), unit="ops"),
            *_beside("Refused", q.failure_share(), unit="percentunit"),
        ]),
        ("Shape of the heaps", [
            *_beside("Live bytes", q.live_bytes(), unit="bytes"),
            *_beside("Free bytes and the largest free block", q.free_and_largest(), unit="bytes", log=True),
            *_beside("External fragmentation", q.external_fragmentation(), unit="percentunit", maximum=1),
            *_beside("Utilisation", q.utilisation(), unit="percentunit", maximum=1),
            *_beside("Heap size and limit", q.heap_growth(), unit="bytes", log=True),
        ]),
        ("Cost, and why", [
            *_beside("Search steps, mean", q.search_mean()),
            *_beside("Search steps, p99", q.search_p99(), log=True),
            *_beside("Simulated cycles per operation, mean", q.cycles_per_operation()),
            *_beside("Simulated cycles per operation, p99", q.cycles_p99(), log=True),
            *_beside("Page faults per 1000 operations", q.faults_per_thousand()),
        ]),
    ]


FULL = ((None, "green"), (0.7, "orange"), (0.9, "red"))
WITHOUT_LOAD = "no load generator is scraped: start alloclab load with --metrics-listen"


def _of_load(panel):
    """A panel that has nothing to show without a load generator, and says so."""
    panel["fieldConfig"]["defaults"]["noValue"] = WITHOUT_LOAD
    return panel


def load_generator():
    achieved, late = ((None, "red"), (0.95, "orange"), (0.99, "green")), ((None, "green"), (0.1, "orange"), (1, "red"))
    rows = [
        ("Who is the bottleneck", [
            stat("Answered of what was due", p.generator_answers(), unit="percentunit", thresholds=achieved, width=6),
            stat("Behind schedule", p.worst_lag(), unit="s", thresholds=late, width=6),
            stat("Response, p99", p.response_p99(), unit="s", thresholds=((None, "blue"),), width=6),
            stat("Service, p99", p.service_p99(), unit="s", thresholds=((None, "blue"),), width=6),
        ]),
        ("Rate", [
            timeseries("Target and achieved", p.target_and_achieved(), unit="ops"),
            timeseries("Answered by outcome", p.answered_by_outcome(), unit="ops"),
            timeseries("Dropped operations", p.dropped_operations(), unit="ops"),
        ]),
        ("Time", [
            timeseries("Response and service time, p99", p.response_and_service(), unit="s"),
            timeseries("Behind schedule", p.behind_schedule(), unit="s"),
            heatmap("Response time of batches", p.response_times(), unit="s", cell_unit="ops", width=8),
        ]),
        ("The generators", [
            timeseries("Operations in flight", p.in_flight()),
            timeseries("Operations of a batch, mean", p.operations_per_batch()),
            timeseries("Position in the workload", p.trace_position(), unit="percentunit", maximum=1),
        ]),
    ]
    return [(title, [_of_load(panel) for panel in panels]) for title, panels in rows]


def server():
    return [
        ("Verdict", [
            stat("Server", p.server_up(), thresholds=((None, "red"), (1, "green")), names={0: "down", 1: "up"}, width=3),
            stat("Alerts", p.alerts_firing(), thresholds=((None, "green"), (1, "orange")), width=3),
            stat("Cores in use", p.cores_used(), thresholds=((None, "blue"),), width=3),
            stat("Memory", p.memory_share(), unit="percentunit", thresholds=FULL, width=4),
            stat("Connections", p.connections_share(), unit="percentunit", thresholds=FULL, width=4),
            stat("Instances", p.instances_share(), unit="percentunit", thresholds=FULL, width=3),
            stat("Calls that failed", p.failed_calls_share(), unit="percentunit", thresholds=REFUSALS, width=4),
        ]),
        ("Calls", [
            timeseries("Calls", p.rpc_rate(), unit="reqps"),
            timeseries("Calls that failed", p.failed_calls(), unit="reqps"),
            timeseries("Unary calls, p99", p.rpc_p99(), unit="s"),
            timeseries("Messages", p.messages(), unit="mps", width=12),
            timeseries("Streams and waiting operations", p.saturation(), width=12),
        ]),
        ("Resources", [
            timeseries("Host memory of the machines", p.held_memory(), unit="bytes"),
            timeseries("Resident memory", p.memory(), unit="bytes"),
            timeseries("Processor", p.cpu()),
            timeseries("Connections", p.connections()),
            timeseries("Connections hung up on", p.connections_ended(), unit="cps"),
            timeseries("File descriptors", p.descriptors(), log=True),
            timeseries("Threads", p.server_threads(), width=12),
            timeseries("Scrape time", p.scrape_time(), unit="s", width=12),
        ]),
    ]


def runs_and_comparisons():
    return [
        ("The queue", [
            stat("Replayed now", p.runs_replayed(), thresholds=((None, "blue"),), width=8),
            stat("Waiting", p.runs_waiting(), thresholds=((None, "blue"),), width=8),
            stat("Failed since the start", p.runs_failed(), thresholds=RED_ABOVE_ZERO, width=8),
            timeseries("Runs by state", p.runs_by_state(), stack="normal"),
            timeseries("Runs ended", p.runs_ended(), unit="cps", bars=True, stack="normal"),
            timeseries("Operations that wait", p.waiting_operations(), log=True),
        ]),
        ("What the runs found", [
            timeseries("Operations", q.operation_rate(), unit="ops"),
            timeseries("Refused", q.failure_share(), unit="percentunit"),
            timeseries("External fragmentation", q.external_fragmentation(), unit="percentunit", maximum=1),
            timeseries("Utilisation", q.utilisation(), unit="percentunit", maximum=1),
            timeseries("Simulated cycles per operation", q.cycles_per_operation()),
            timeseries("Search steps, mean", q.search_mean()),
        ]),
    ]


def _variable(name, label, metric, several, of=None):
    """A variable over the values of the label `of`, or of its own name; `several`: many at once, all of them to begin with."""
    of = of or name
    everything = {"includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({metric}, {of})", "refId": "variable"},
        "refresh": 2,  # whenever the time range changes
        "sort": 1,
        "multi": several,
        **(everything if several else {"includeAll": False}),
        "options": [],
        "hide": 0,
    }


SOURCE = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1, "hide": 0}


def _variables(several):
    machines = 'alloclab_machine_info{heap_allocator=~"$heap_allocator", page_allocator=~"$page_allocator"}'
    return [
        SOURCE,
        _variable("heap_allocator", "Heap allocator", "alloclab_machine_info", several=True),
        _variable("page_allocator", "Page allocator", "alloclab_machine_info", several=True),
        _variable("lab_instance", "Instance", machines, several),
    ]


def _loaded():
    return [SOURCE, _variable("lab_instance", "Instance", "alloclab_load_run_info", several=True)]


def _annotation(name, color, expr, title):
    return {
        "name": name,
        "enable": True,
        "datasource": DATASOURCE,
        "iconColor": color,
        "expr": expr,
        "step": "2s",
        "titleFormat": title,
        "useValueForTime": False,
    }


def _link(title, url="", **more):
    link = {"title": title, "url": url, "type": "link", "icon": "external link", "tooltip": "", "tags": [], "targetBlank": True}
    return {**link, "asDropdown": False, "includeVars": False, "keepTime": False, **more}


def _sides():
    return [SOURCE, *(_variable(side, side.capitalize(), "alloclab_machine_info", False, of="lab_instance") for side in SIDES)]


def _page_links(variables):
    """To the route of what is selected, where a variable holds exactly one instance; else to the page's overview."""
    of_one = [v["name"] for v in variables if v["type"] == "query" and not v["multi"] and v["name"] in ("lab_instance", *SIDES)]
    return [_link(f"${name} on the web page", f"{WEB_URL}#/instances/${{{name}:percentencode}}") for name in of_one] or [_link("Web page", WEB_URL)]


def _dashboard(uid, title, description, rows, variables):
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["alloclab"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # one crosshair for all panels
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "annotations": {"list": [
            _annotation("Runs", "blue", 'alloclab_machine_info{lab_instance=~"run-.*"}', "{{lab_instance}}"),
            _annotation("Loads", "purple", "alloclab_load_run_info", "{{workload}} on {{lab_instance}}"),
        ]},
        "links": [
            _link("Dashboards", type="dashboards", icon="dashboard", tags=["alloclab"], targetBlank=False, includeVars=True,
                  keepTime=True),
            *_page_links(variables),
            _link("Prometheus", PROMETHEUS_URL),
        ],
        "templating": {"list": variables},
        "panels": lay_out(rows),
    }


def all_dashboards():
    """File name -> dashboard."""
    return {
        "lab-overview.json": _dashboard(
            "alloclab-overview", "Lab overview", "All instances and runs of the lab beside each other.", lab_overview(),
            _variables(several=True),
        ),
        "one-instance.json": _dashboard(
            "alloclab-instance", "One instance", "One instance or run in detail: what it does, what it costs, and why.", one_instance(),
            _variables(several=False),
        ),
        "side-by-side.json": _dashboard(
            "alloclab-side-by-side", "Two side by side",
            "Two instances or runs, for example of two allocators under the same load, question by question.", side_by_side(), _sides(),
        ),
        "load-generator.json": _dashboard(
            "alloclab-load", "Load generator", "Whether the load arrives as it was asked for, and if not, who is the bottleneck.",
            load_generator(), _loaded(),
        ),
        "server.json": _dashboard(
            "alloclab-server", "Server", "What the server is asked for, how much of what it may use is used, and what it refuses.",
            server(), [SOURCE],
        ),
        "runs-and-comparisons.json": _dashboard(
            "alloclab-runs", "Runs and comparisons", "The queue of runs, the cells of comparisons among them, and what they found.",
            runs_and_comparisons(), _variables(several=True),
        ),
    }
