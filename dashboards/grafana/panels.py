"""The few kinds of panel that the dashboards use, in Grafana's JSON model, and how they are laid out."""

DATASOURCE = {"type": "prometheus", "uid": "$datasource"}
GRID_WIDTH = 24
INSTANCE_LINK = {
    "title": "${__field.labels.lab_instance} in detail",
    "url": "/d/alloclab-instance?${datasource:queryparam}&var-lab_instance=${__field.labels.lab_instance}&${__url_time_range}",
}
WEB_URL = "http://127.0.0.1:7412/"  # docker/grafana.sh puts the port of .env in its place
PAGE_LINK = {
    "title": "${__field.labels.lab_instance} on the web page",
    "url": WEB_URL + "#/instances/${__field.labels.lab_instance}",
    "targetBlank": True,
}


def _targets(query, **more):
    return [
        {"refId": chr(ord("A") + i), "datasource": DATASOURCE, "expr": t.expr, "legendFormat": t.legend, **more}
        for i, t in enumerate(query.targets)
    ]


def _panel(kind, title, query, width, height, unit, **defaults):
    return {
        "type": kind,
        "title": title,
        "description": query.definition,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit, **defaults}, "overrides": []},
        "options": {},
        "targets": _targets(query),
    }


def _thresholds(steps):
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def stat(title, query, unit="short", thresholds=((None, "green"),), names=None, width=4):
    """One number. `thresholds`: (from, colour), the first from None; `names`: what single values are called."""
    panel = _panel("stat", title, query, width, 4, unit, thresholds=_thresholds(thresholds))
    if names:
        options = {str(value): {"text": text, "index": i} for i, (value, text) in enumerate(names.items())}
        panel["fieldConfig"]["defaults"]["mappings"] = [{"type": "value", "options": options}]
    panel["options"] = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    }
    panel["targets"] = _targets(query, instant=False, range=True)
    return panel


def timeseries(title, query, unit="short", stack=None, bars=False, log=False, maximum=None, width=8):
    """Lines over time. `stack`: "normal" or "percent"; `log`: a logarithmic axis."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if stack or bars else 8,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "scaleDistribution": {"type": "log", "log": 2} if log else {"type": "linear"},
        "stacking": {"group": "A", "mode": stack or "none"},
    }
    more = {} if log else {"min": 0}
    if any("{{lab_instance}}" in target.legend for target in query.targets):
        more["links"] = [INSTANCE_LINK, PAGE_LINK]
    if maximum is not None:
        more["max"] = maximum
    panel = _panel("timeseries", title, query, width, 8, unit, custom=custom, **more)
    panel["options"] = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def heatmap(title, query, unit="short", cell_unit="short", width=12):
    """Cumulative buckets over time, one column per scrape: `unit` is of the buckets, `cell_unit` of the counts."""
    panel = _panel("heatmap", title, query, width, 8, cell_unit)
    panel["targets"] = _targets(query, format="heatmap")
    panel["options"] = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": cell_unit},
        "color": {"mode": "scheme", "scheme": "Turbo", "fill": "dark-orange", "steps": 64, "scale": "exponential", "exponent": 0.5,
                  "reverse": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "le"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return panel


def lay_out(rows):
    """Numbers and places the panels of [(row title, [panel...])...]: left to right, each row of the grid as high as its highest."""
    placed, y = [], 0
    for title, panels in rows:
        place = {"x": 0, "y": y, "w": GRID_WIDTH, "h": 1}
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place})
        x, y, height = 0, y + 1, 0
        for panel in panels:
            grid = panel["gridPos"]
            if x + grid["w"] > GRID_WIDTH:
                x, y, height = 0, y + height, 0
            grid.update(x=x, y=y)
            x, height = x + grid["w"], max(height, grid["h"])
            placed.append(panel)
        y += height
    for number, panel in enumerate(placed, 1):
        panel["id"] = number
    return placed
