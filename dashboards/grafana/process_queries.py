"""Every PromQL expression about the processes: the server and the load generators. As in queries.py."""

from queries import RATE, Target, query

LOADED = 'lab_instance=~"$lab_instance"'


@query
def server_up():
    """Whether Prometheus reaches the server's /metrics."""
    return Target('min(up{job="alloclabd"})')


@query
def alerts_firing():
    """Alerts of alloclab.rules.yml that fire now."""
    return Target('count(ALERTS{alertstate="firing", alertname=~"AllocLab.*"}) or vector(0)')


# --- Load generator ---


def _p99(metric):
    return f"histogram_quantile(0.99, sum by (le) (rate({metric}_bucket{{{LOADED}}}{RATE})))"


@query
def target_and_achieved():
    """Operations per second that the generators were asked for (0: as fast as the server answers) and that were answered."""
    return [
        Target(f"sum(alloclab_load_target_operations_per_second{{{LOADED}}})", "target"),
        Target(f"sum(rate(alloclab_load_operations_total{{{LOADED}}}{RATE}))", "achieved"),
    ]


@query
def behind_schedule():
    """How late the last batch was sent. Above the batch interval the figures are of a lower rate than was asked for."""
    return Target(f"max by (instance) (alloclab_load_schedule_lag_seconds{{{LOADED}}})", "{{instance}}")


@query
def dropped_operations():
    """Operations that were due and not sent, by reason."""
    return Target(f"sum by (reason) (rate(alloclab_load_dropped_operations_total{{{LOADED}}}{RATE}))", "{{reason}}")


@query
def response_and_service():
    """p99 of a batch from its intended start (response) and from its send (service); the gap between them is queueing."""
    return [
        Target(_p99("alloclab_load_response_seconds"), "response"),
        Target(_p99("alloclab_load_service_seconds"), "service"),
    ]


@query
def response_times():
    """How many batches took how long from their intended start."""
    return Target(f"sum by (le) (rate(alloclab_load_response_seconds_bucket{{{LOADED}}}{RATE}))", "{{le}}")


@query
def in_flight():
    """Operations sent and not answered yet."""
    return Target(f"sum by (lab_instance) (alloclab_load_inflight_operations{{{LOADED}}})", "{{lab_instance}}")


@query
def trace_position():
    """How far the pass over the workload is."""
    return Target(f"max by (lab_instance) (alloclab_load_trace_position_ratio{{{LOADED}}})", "{{lab_instance}}")


@query
def generator_answers():
    """Of the operations that were due in the last minutes, the share that was answered: 1 is the rate that was asked for."""
    answered = f"sum(rate(alloclab_load_operations_total{{{LOADED}}}{RATE}))"
    return Target(f"{answered} / sum(rate(alloclab_load_scheduled_operations_total{{{LOADED}}}{RATE}))")


@query
def worst_lag():
    """How late the last batch was sent, of the generator that is latest. Late: the generator or its host is the bottleneck."""
    return Target(f"max(alloclab_load_schedule_lag_seconds{{{LOADED}}})")


@query
def response_p99():
    """99 in 100 batches were answered within this, from their intended start."""
    return Target(_p99("alloclab_load_response_seconds"))


@query
def service_p99():
    """99 in 100 batches were answered within this, from their send. Far above the usual: the server is the bottleneck."""
    return Target(_p99("alloclab_load_service_seconds"))


@query
def answered_by_outcome():
    """Operations answered per second, by outcome."""
    return Target(f"sum by (outcome) (rate(alloclab_load_operations_total{{{LOADED}}}{RATE}))", "{{outcome}}")


@query
def operations_per_batch():
    """Operations of a batch, the mean."""
    batch = "alloclab_load_batch_operations"
    return Target(f"sum(rate({batch}_sum{{{LOADED}}}{RATE})) / sum(rate({batch}_count{{{LOADED}}}{RATE}))", "operations")


# --- Runs and the cells of comparisons, which are runs ---


@query
def runs_by_state():
    """Runs that wait and that are replayed."""
    return Target("sum by (state) (alloclab_server_runs)", "{{state}}")


@query
def runs_waiting():
    """Runs, cells of comparisons among them, that wait for a core."""
    return Target('sum(alloclab_server_runs{state="queued"})')


@query
def runs_replayed():
    """Runs that are replayed now."""
    return Target('sum(alloclab_server_runs{state="running"})')


@query
def runs_ended():
    """Runs that ended per second, by how."""
    return Target(f"sum by (state) (rate(alloclab_server_runs_ended_total{RATE}))", "{{state}}")


@query
def runs_failed():
    """Runs that failed since the server started. A refused operation fails no run; a full disk does."""
    return Target('sum(alloclab_server_runs_ended_total{state="failed"})')


@query
def waiting_operations():
    """Operations of the runs that wait."""
    return Target("sum(alloclab_server_queue_operations)", "operations")


# --- The server itself: utilisation, saturation, errors ---


@query
def memory_share():
    """Host memory that instances, runs, traces and uploads hold, of what they may hold."""
    return Target("max(alloclab_server_held_bytes / alloclab_server_held_bytes_limit)")


@query
def connections_share():
    """Open connections to gRPC, of those that may be open."""
    return Target("max(alloclab_server_connections / alloclab_server_connections_limit)")


@query
def instances_share():
    """Instances that live, of those that may."""
    return Target("max(alloclab_server_instances / alloclab_server_instances_limit)")


@query
def cores_used():
    """Processor seconds per second of the server: 1 is one core."""
    return Target(f'sum(rate(process_cpu_seconds_total{{job="alloclabd"}}{RATE}))')


@query
def failed_calls_share():
    """Calls that ended with another status than OK, of all that ended."""
    failed = f'sum(rate(grpc_server_handled_total{{grpc_code!="OK"}}{RATE})) or vector(0)'
    return Target(f"({failed}) / sum(rate(grpc_server_handled_total{RATE}))")


@query
def failed_calls():
    """Calls per second that ended with another status than OK."""
    return Target(
        f'sum by (grpc_method, grpc_code) (rate(grpc_server_handled_total{{grpc_code!="OK"}}{RATE}))',
        "{{grpc_method}} {{grpc_code}}",
    )


@query
def held_memory():
    """Host memory: held by instances, runs, traces and uploads, and how much they may hold; the RAM that is promised to machines."""
    return [
        Target("sum(alloclab_server_held_bytes)", "held"),
        Target("sum(alloclab_server_held_bytes_limit)", "limit"),
        Target("sum(alloclab_server_promised_ram_bytes)", "promised RAM"),
    ]


@query
def connections():
    """Open connections to gRPC, and how many there may be."""
    return [
        Target("sum(alloclab_server_connections)", "open"),
        Target("sum(alloclab_server_connections_limit)", "limit"),
    ]


@query
def connections_ended():
    """Connections per second that the server hung up on, by why."""
    return Target(f"sum by (reason) (rate(alloclab_server_connections_ended_total{RATE}))", "{{reason}}")


@query
def server_threads():
    """Threads of the server."""
    return Target('process_threads{job="alloclabd"}', "threads")


@query
def rpc_rate():
    """Calls finished per second, by method and status."""
    return Target(f"sum by (grpc_method, grpc_code) (rate(grpc_server_handled_total{RATE}))", "{{grpc_method}} {{grpc_code}}")


@query
def rpc_p99():
    """99 in 100 unary calls take at most this long; streams last as long as their clients want and are left out."""
    return Target(
        f'histogram_quantile(0.99, sum by (le, grpc_method) (rate(grpc_server_handling_seconds_bucket{{grpc_type="unary"}}{RATE})))',
        "{{grpc_method}}",
    )


@query
def messages():
    """Messages received and sent per second."""
    return [
        Target(f"sum(rate(grpc_server_msg_received_total{RATE}))", "received"),
        Target(f"sum(rate(grpc_server_msg_sent_total{RATE}))", "sent"),
    ]


@query
def saturation():
    """Open data streams, and the operations of runs that wait."""
    return [
        Target("sum(alloclab_server_inflight_streams)", "open streams"),
        Target("sum(alloclab_server_queue_operations)", "operations waiting"),
    ]


@query
def cpu():
    """Processor seconds per second: 1 is one core."""
    return Target(f'rate(process_cpu_seconds_total{{job=~"alloclabd|loadgen"}}{RATE})', "{{job}}")


@query
def memory():
    """Resident memory."""
    return Target('process_resident_memory_bytes{job=~"alloclabd|loadgen|prometheus"}', "{{job}}")


@query
def descriptors():
    """Open file descriptors, and how many there may be."""
    return [
        Target('process_open_fds{job="alloclabd"}', "open"),
        Target('process_max_fds{job="alloclabd"}', "limit"),
    ]


@query
def scrape_time():
    """What reading the metrics takes."""
    return Target("scrape_duration_seconds", "{{job}}")
