#!/usr/bin/python3
"""bench_summary.py RESULT.json...: one table from the JSON files of Google Benchmark. Exit code 1 if they hold no result."""

import json
import sys

NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def scaled(value, unit):
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.2f} {prefix}{unit}"
    return f"{value:.2f} {unit}"


def duration(nanoseconds):
    for factor, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.2f} {unit}"
    return f"{nanoseconds:.2f} ns"


def counters(result):
    """The counters of a benchmark, which Google Benchmark writes beside its own fields: those that are no field of its own."""
    own = {"iterations", "real_time", "cpu_time", "repetitions", "repetition_index", "threads", "family_index",
           "per_family_instance_index", "items_per_second"}
    return "  ".join(f"{name}={value:.6g}" for name, value in result.items() if name not in own and isinstance(value, (int, float)))


def rows(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for result in json.loads(text)["benchmarks"] if text else []:
        if "error_message" in result:
            yield result["name"], "failed", result["error_message"], ""
            continue
        rate = result.get("items_per_second")
        clock = "real_time" if "/real_time" in result["name"] else "cpu_time"  # the one that the rate is of
        time = duration(result[clock] * NANOSECONDS[result["time_unit"]])
        yield result["name"], time, scaled(rate, "/s") if rate else "", counters(result)


def main():
    table = [("benchmark", "time", "rate", "counters")]
    for path in sys.argv[1:]:
        table += rows(path)
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for name, time, rate, more in table:
        print(f"{name:<{widths[0]}}  {time:>{widths[1]}}  {rate:>{widths[2]}}  {more}".rstrip())
    return 0 if len(table) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
