#!/usr/bin/python3
"""live_test.py BIN: asks every question of the dashboards and rules of a lab that works, and fails unless each has an answer.

Starts alloclabd and `alloclab load --demo` from the folder BIN, and Debian's Prometheus with the project's configuration, all on
free ports of loopback; replays a recorded trace; then runs the query of every panel, variable and annotation of json/*.json and every
expression of the rules through Prometheus, for up to a minute until all have data.
"""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PROMETHEUS = HERE.parent / "prometheus"
PATIENCE_SECONDS = 60
INSTANCE = "demo-steady-state"  # what $lab_instance stands for on a dashboard of one instance, and $left on one of two
OTHER = "demo-larson"  # $right
# No series unless something is wrong: only that these evaluate is checked.
SILENT = {"AllocLabInternalErrors", "AllocLabUnavailable", 'count(ALERTS{alertstate="firing"})'}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, condition, process):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            if result := condition():
                return result
        if process.poll() is not None:
            sys.exit(f"{what}: {process.args[0]} ended with code {process.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {PATIENCE_SECONDS} s")
        time.sleep(0.2)


class Lab:
    """The three processes, with a folder for their files; stopped in the reverse order of their start."""

    def __init__(self, binaries, folder, stack):
        self._binaries, self._folder, self._stack = pathlib.Path(binaries), pathlib.Path(folder), stack
        self._start_server()
        self._start_load()
        self._start_prometheus()

    def _start(self, *command):
        log = self._stack.enter_context(open(self._folder / f"{pathlib.Path(command[0]).name}.log", "ab"))
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def stop():
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self._stack.callback(stop)
        return process

    def _start_server(self):
        addresses = self._folder / "addresses"
        process = self._start(
            self._binaries / "alloclabd", "--listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0", "--metrics-listen",
            "127.0.0.1:0", "--data-dir", self._folder / "data", "--address-file", addresses,
        )
        lines = wait_for("server", lambda: addresses.read_text().splitlines(), process)
        self._address = dict(line.split() for line in lines)

    def _start_load(self):
        self._load = f"127.0.0.1:{free_port()}"
        self._start(
            self._binaries / "alloclab", "load", "--demo", "--server", self._address["grpc"], "--metrics-listen", self._load
        )

    def _start_prometheus(self):
        listen = f"127.0.0.1:{free_port()}"
        self._url = f"http://{listen}/api/v1/"
        for name in ("prometheus.yml", "alloclab.rules.yml"):
            shutil.copy(PROMETHEUS / name, self._folder)
        targets = {"alloclabd": self._address["metrics"], "loadgen": self._load, "prometheus": listen}
        groups = [{"targets": [target], "labels": {"job": job}} for job, target in targets.items()]
        (self._folder / "targets.yml").write_text(json.dumps(groups))  # JSON is YAML
        process = self._start(
            "prometheus", f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/tsdb",
            f"--web.listen-address={listen}",
        )
        wait_for("Prometheus", lambda: urllib.request.urlopen(f"http://{listen}/-/ready", timeout=10), process)

    def cli(self, *arguments):
        subprocess.run([self._binaries / "alloclab", *arguments, "--server", self._address["grpc"]], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def ask(self, what, **parameters):
        """The data of one call of Prometheus' API; a query that it refuses ends the test."""
        url = f"{self._url}{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"{parameters}: {error.read().decode()}")


def filled_in(expression, several):
    """The expression as Grafana sends it, with all instances chosen or with one."""
    values = {"lab_instance": ".*" if several else INSTANCE, "left": INSTANCE, "right": OTHER, "heap_allocator": ".*",
              "page_allocator": ".*", "__rate_interval": "8s"}
    return re.sub(rf"\$({'|'.join(values)})", lambda match: values[match.group(1)], expression)


def dashboard_questions():
    """(where, kind of call, parameters) of everything that the dashboards ask."""
    for path in sorted((HERE / "json").glob("*.json")):
        dashboard = json.loads(path.read_text())
        variables = dashboard["templating"]["list"]
        several = any(variable["name"] == "lab_instance" and variable["includeAll"] for variable in variables)
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, panel {panel['title']}", "query", {"query": filled_in(target["expr"], several)}
        for annotation in dashboard["annotations"]["list"]:
            yield f"{path.name}, annotation {annotation['name']}", "query", {"query": annotation["expr"]}
        for variable in variables:
            if variable["type"] == "query":
                series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
                yield f"{path.name}, variable {label}", f"label/{label}/values", {"match[]": filled_in(series, several)}


def rule_questions(lab):
    """Of an alert the left side of its comparison: whether it would see anything."""
    for group in lab.ask("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] == "err":
                sys.exit(f"rule {rule['name']}: {rule['lastError']}")
            yield f"rule {rule['name']}", "query", {"query": re.sub(r" (>|==) [\d.]+( or absent\(.*\))?$", "", rule["query"])}


def has_data(call, answer):
    """At least one series with a number, or one value of a label."""
    if call != "query":
        return bool(answer)
    return answer["resultType"] == "scalar" or any(series["value"][1] != "NaN" for series in answer["result"])


def unanswered(lab, questions):
    return [question for question in questions if not has_data(question[1], lab.ask(question[1], **question[2]))]


def is_silent(question):
    return any(text in question[0] or text in question[2].get("query", "") for text in SILENT)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with contextlib.ExitStack() as stack:
        lab = Lab(sys.argv[1], stack.enter_context(tempfile.TemporaryDirectory()), stack)
        lab.cli("submit", "sqlite")
        questions = [*dashboard_questions(), *rule_questions(lab)]
        deadline = time.monotonic() + PATIENCE_SECONDS
        missing = questions
        while missing and time.monotonic() < deadline:
            time.sleep(1)
            missing = [question for question in unanswered(lab, missing) if not is_silent(question)]
    for where, _, parameters in missing:
        print(f"no data: {where}: {' '.join(parameters.values())}")
    print(f"{len(questions)} questions, {len(missing)} without an answer")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
