"""deploy/prometheus and deploy/grafana: promtool accepts and tries the rules, the dashboard is whole, every metric they
name is one that docs/operations.md describes, and every alert has its section there."""

import json
import re

import pytest
import yaml

from tree import CHART, DEPLOY, OPERATIONS, TOOLS, run

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
METRIC = re.compile(r"\bsyncline_[a-z0-9_]+")
# What Prometheus makes of one histogram.
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels():
    dashboard = json.loads((DEPLOY / "grafana" / "syncline.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries():
    return {f"{panel['title']} {target['refId']}": target["expr"] for panel in panels() for target in panel["targets"]}


def documented(text):
    """The names in the first column of the table under `## Metrics`, each with its kind."""
    section = re.search(r"^## Metrics$(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, "docs/operations.md has no section Metrics"
    return {name for name in re.findall(r"^\| `(syncline_[a-z0-9_]+)", section[1], re.M)}


def unknown(expression, names):
    found = set(METRIC.findall(expression))
    return {name for name in found if name not in names and SUFFIX.sub("", name) not in names}


def anchors(text):
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)}


def test_rules_are_valid():
    status, said = run(TOOLS / "promtool", "check", "rules", ALERTS)
    assert status == 0 and f"{len(rules())} rules found" in said, said


def test_rules_fire_when_they_should():
    status, said = run(TOOLS / "promtool", "test", "rules", ALERTS.with_name("alerts.test.yml"))
    assert status == 0, said


@pytest.mark.parametrize("before, after, command", [
    ("> 300", "> > 300", "check"),
    ("> 300", "> 3000", "test"),
])
def test_promtool_would_refuse(tmp_path, before, after, command):
    (tmp_path / "alerts.yml").write_text(ALERTS.read_text().replace(before, after, 1))
    (tmp_path / "alerts.test.yml").write_text(ALERTS.with_name("alerts.test.yml").read_text())
    file = "alerts.yml" if command == "check" else "alerts.test.yml"
    status, said = run(TOOLS / "promtool", command, "rules", tmp_path / file)
    assert status != 0 and "FAILED" in said, said


def test_every_alert_is_tried_by_the_rules_own_tests():
    tests = yaml.safe_load(ALERTS.with_name("alerts.test.yml").read_text())["tests"]
    firing = {sample["value"] for one in tests for expect in one.get("promql_expr_test", [])
              for sample in expect["exp_samples"]}
    assert firing == {len(rules())}


def test_every_alert_has_its_runbook():
    text = OPERATIONS.read_text()
    for rule in rules():
        place = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == place
        assert rule["alert"].lower() in anchors(text), f"docs/operations.md has no section {rule['alert']}"
        assert rule["labels"]["severity"] in ("page", "ticket")
    # And the other way: no section of an alert that is not there any more.
    told = set(re.findall(r"^#+ (Syncline[A-Z]\w+)$", text, re.M))
    assert told == {rule["alert"] for rule in rules()}


def test_alerts_name_documented_metrics():
    names = documented(OPERATIONS.read_text())
    for rule in rules():
        assert not unknown(rule["expr"], names), rule["alert"]


def test_panels_name_documented_metrics():
    names = documented(OPERATIONS.read_text())
    for title, expression in queries().items():
        assert METRIC.search(expression), title
        assert not unknown(expression, names), title


def test_the_chart_scales_by_a_documented_metric():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    name = values["worker"]["autoscaling"]["metric"]["name"]
    assert not unknown(name, documented(OPERATIONS.read_text()))


def test_an_unknown_metric_would_be_found():
    assert unknown("sum(rate(syncline_a_seconds_bucket[5m]))", {"syncline_a_seconds"}) == set()
    assert unknown("syncline_b / syncline_a", {"syncline_a"}) == {"syncline_b"}


def test_queries_of_the_dashboard_are_valid(tmp_path):
    """As recording rules, with Grafana's variable filled in: promtool knows the language."""
    def check(expressions):
        file = tmp_path / "queries.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": [
            {"record": f"q{number}", "expr": expression.replace("$__rate_interval", "5m")}
            for number, expression in enumerate(expressions)]}]}))
        return run(TOOLS / "promtool", "check", "rules", file)
    status, said = check(queries().values())
    assert status == 0, said
    status, said = check(["sum(rate(syncline_a[5m])"])
    assert status != 0, said


def test_the_dashboard_is_whole():
    dashboard = json.loads((DEPLOY / "grafana" / "syncline.json").read_text())
    assert dashboard["uid"] == "syncline" and dashboard["schemaVersion"] >= 39
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    variable = dashboard["templating"]["list"][0]
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
    for panel in panels():
        assert panel["targets"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${" + variable["name"] + "}", panel["title"]
