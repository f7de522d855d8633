"""Kibana's saved objects in plain words: what a panel counts, by what, over which records. One function for each kind of
panel gives the object's visState (aggregation based visualizations, as every Kibana since 7 imports them)."""

import json

INDEX = "flows"  # the data view's id
RECORDS = {"type": "count"}
FLOWS = {"type": "cardinality", "params": {"field": "flow.id", "customLabel": "Flows"}}


def total(field, label):
    return {"type": "sum", "params": {"field": field, "customLabel": label}}


def newest(field, label):
    return {"type": "max", "params": {"field": field, "customLabel": label}}


def by(field, label, size=20):
    """The size values with the most of the panel's first metric."""
    return {"type": "terms", "params": {"field": field, "customLabel": label, "size": size, "order": "desc",
                                        "orderBy": "1", "otherBucket": False, "missingBucket": False}}


def over_time():
    return {"type": "date_histogram", "params": {"field": "@timestamp", "interval": "auto", "min_doc_count": 0,
                                                 "drop_partials": False, "extended_bounds": {}}}


def _aggregations(metrics, buckets, schema):
    metrics = [{"schema": "metric", **metric} for metric in metrics]
    buckets = [{"schema": schema, **bucket} for bucket in buckets]
    return [{"id": str(number), "enabled": True, "params": {}, **aggregation}
            for number, aggregation in enumerate(metrics + buckets, start=1)]


def number(title, *metrics):
    return {"title": title, "type": "metric", "aggs": _aggregations(metrics, [], ""), "params": {
        "addTooltip": True, "addLegend": False, "type": "metric",
        "metric": {"percentageMode": False, "useRanges": False, "metricColorMode": "None", "labels": {"show": True},
                   "colorsRange": [{"from": 0, "to": 10000}], "colorSchema": "Green to Red",
                   "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 40}}}}


def table(title, metrics, buckets, rows=10):
    return {"title": title, "type": "table", "aggs": _aggregations(metrics, buckets, "bucket"), "params": {
        "perPage": rows, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": True,
        "totalFunc": "sum", "percentageCol": "", "showToolbar": True}}


def share(title, metric, bucket):
    return {"title": title, "type": "pie", "aggs": _aggregations([metric], [bucket], "segment"), "params": {
        "type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": True,
        "labels": {"show": True, "values": True, "last_level": True, "truncate": 60}}}


def bars_over_time(title, metric, label):
    axis = {"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True, "style": {},
            "scale": {"type": "linear", "mode": "normal"}, "labels": {"show": True, "rotate": 0, "filter": False,
                                                                      "truncate": 100}, "title": {"text": label}}
    return {"title": title, "type": "histogram", "aggs": _aggregations([metric], [over_time()], "segment"), "params": {
        "type": "histogram", "grid": {"categoryLines": False}, "addTooltip": True, "addLegend": False,
        "legendPosition": "right", "times": [], "addTimeMarker": False, "valueAxes": [axis],
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "style": {},
                          "scale": {"type": "linear"}, "labels": {"show": True, "filter": True, "truncate": 100},
                          "title": {}}],
        "seriesParams": [{"show": True, "type": "histogram", "mode": "stacked", "valueAxis": "ValueAxis-1",
                          "data": {"label": label, "id": "1"}, "drawLinesBetweenPoints": True, "showCircles": True}]}}


def text(title, markdown):
    return {"title": title, "type": "markdown", "aggs": [], "params": {"fontSize": 12, "openLinksInNewTab": False,
                                                                       "markdown": markdown}}


def diagram(title, specification):
    return {"title": title, "type": "vega", "aggs": [], "params": {"spec": json.dumps(specification)}}


# --- saved objects ---

def _search_source(query, with_index):
    source = {"query": {"query": query, "language": "kuery"}, "filter": []}
    if with_index:
        source["indexRefName"] = "kibanaSavedObjectMeta.searchSourceJSON.index"
    return {"searchSourceJSON": json.dumps(source)}


def _index_reference(name="kibanaSavedObjectMeta.searchSourceJSON.index"):
    return {"name": name, "type": "index-pattern", "id": INDEX}


def data_view():
    return {"type": "index-pattern", "id": INDEX, "references": [],
            "attributes": {"title": "flows-*", "name": "Flows", "timeFieldName": "@timestamp"}}


def visualization(identity, state, query=""):
    """query: in KQL, which records the panel is about; "": all."""
    reads = bool(state["aggs"])
    return {"type": "visualization", "id": identity, "references": [_index_reference()] if reads else [],
            "attributes": {"title": state["title"], "description": "", "uiStateJSON": "{}", "version": 1,
                           "visState": json.dumps(state), "kibanaSavedObjectMeta": _search_source(query, reads)}}


def search(identity, title, columns, query=""):
    return {"type": "search", "id": identity, "references": [_index_reference()],
            "attributes": {"title": title, "description": "", "columns": columns, "sort": [["@timestamp", "desc"]],
                           "hideChart": True, "grid": {}, "kibanaSavedObjectMeta": _search_source(query, True)}}


def dashboard(identity, title, description, rows, filters):
    """rows: [(height, [(object, width of 48), …]), …], from top to bottom; filters: [(field, title)]."""
    panels, references, top = [], [], 0
    for height, row in rows:
        left = 0
        for shown, width in row:
            place = str(len(panels))
            panels.append({"type": shown["type"], "panelIndex": place, "panelRefName": f"panel_{place}",
                           "embeddableConfig": {}, "gridData": {"x": left, "y": top, "w": width, "h": height, "i": place}})
            references.append({"name": f"{place}:panel_{place}", "type": shown["type"], "id": shown["id"]})
            left += width
        top += height
    controls = {field: {"type": "optionsListControl", "order": order, "grow": True, "width": "medium",
                        "explicitInput": {"id": field, "fieldName": field, "title": label, "selectedOptions": []}}
                for order, (field, label) in enumerate(filters)}
    references += [_index_reference(f"controlGroup_{field}:optionsListDataView") for field, _ in filters]
    return {"type": "dashboard", "id": identity, "references": references, "attributes": {
        "title": title, "description": description, "version": 1, "timeRestore": True, "timeFrom": "now-30m",
        "timeTo": "now", "refreshInterval": {"pause": False, "value": 30000},
        "optionsJSON": json.dumps({"useMargins": True, "syncColors": True, "hidePanelTitles": False}),
        "panelsJSON": json.dumps(panels), "kibanaSavedObjectMeta": _search_source("", False),
        "controlGroupInput": {"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL",
                              "panelsJSON": json.dumps(controls),
                              "ignoreParentSettingsJSON": json.dumps({"ignoreFilters": False, "ignoreQuery": False,
                                                                      "ignoreTimerange": False,
                                                                      "ignoreValidations": False})}}}
