#!/usr/bin/python3
"""The dashboards' links: those of one instance lead to its place on the web page, and all lead to the ports of .env, as
docker/grafana.sh makes them."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PORTS = {"LAB_WEB_PORT": "17412", "LAB_PROMETHEUS_PORT": "19090"}


def links_of(text):
    """The addresses of all links of a dashboard, those of its series too."""
    dashboard = json.loads(text)
    for links in (dashboard["links"], *(p["fieldConfig"]["defaults"].get("links", []) for p in dashboard["panels"] if p["type"] != "row")):
        yield from (link["url"] for link in links if link["url"])


class Links(unittest.TestCase):
    def test_a_dashboard_of_one_instance_leads_to_its_place_on_the_page(self):
        for name, variables in {"one-instance": ["lab_instance"], "side-by-side": ["left", "right"]}.items():
            links = set(links_of((HERE / f"json/{name}.json").read_text()))
            for variable in variables:
                self.assertIn(f"http://127.0.0.1:7412/#/instances/${{{variable}:percentencode}}", links, name)

    def test_a_series_of_one_instance_leads_there_too(self):
        for path in HERE.glob("json/*.json"):
            for panel in json.loads(path.read_text())["panels"]:
                if panel["type"] == "timeseries" and any("{{lab_instance}}" in t["legendFormat"] for t in panel["targets"]):
                    links = [link["url"] for link in panel["fieldConfig"]["defaults"]["links"]]
                    self.assertIn("http://127.0.0.1:7412/#/instances/${__field.labels.lab_instance}", links, f"{path.name}: {panel['title']}")

    def test_links_follow_the_ports(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, **PORTS, "ALLOCLAB_DASHBOARDS_FROM": str(HERE / "json"), "ALLOCLAB_DASHBOARDS": folder}
            said = subprocess.run([ROOT / "docker/grafana.sh", "echo", "started"], env=environment, check=True, capture_output=True, text=True)
            self.assertEqual(said.stdout, "started\n")
            made = sorted(pathlib.Path(folder).glob("*.json"))
            self.assertEqual([path.name for path in made], sorted(path.name for path in HERE.glob("json/*.json")))
            for path in made:
                ports = {match for url in links_of(path.read_text()) for match in re.findall(r"127\.0\.0\.1:(\d+)/", url)}
                self.assertEqual(ports, set(PORTS.values()), path.name)

    def test_the_container_is_told_of_the_ports(self):
        compose = (ROOT / "docker/compose.yaml").read_text()
        grafana = compose[compose.index("\n  grafana:"):compose.index("\nvolumes:")]
        for name in PORTS:
            default = re.search(rf"^{name}=(\d+)$", (ROOT / ".env").read_text(), re.M).group(1)
            self.assertIn(f"{name}: ${{{name}:-{default}}}", grafana)


if __name__ == "__main__":
    unittest.main()
