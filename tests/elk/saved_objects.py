"""Kibana's saved objects, and what their queries come to on documents at hand: as much of Elasticsearch's aggregations and
of KQL as the dashboards use, written anew; anything else is an error."""

import collections
import json

from elk_files import FOLDER

NDJSON = FOLDER / "flow-dashboards.ndjson"


def load():
    """{(type, id): object}"""
    objects = {}
    for line in NDJSON.read_text().splitlines():
        made = json.loads(line)
        key = made["type"], made["id"]
        assert key not in objects, f"{key} stands twice"
        objects[key] = made
    return objects


def nested(made):
    """The JSON texts inside an object, parsed: {path: value}."""
    found = {}

    def walk(value, path):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name.endswith("JSON") or name == "visState":
                    found[f"{path}{name}"] = json.loads(inner)
                else:
                    walk(inner, f"{path}{name}.")

    walk(made["attributes"], "")
    return found


def matches(query, document):
    """KQL: "field: value", "field: *", joined by " and "; document is flat."""
    for part in filter(None, query.split(" and ")):
        field, value = part.split(": ")
        got = document.get(field)
        if got is None or value != "*" and json.dumps(got).strip('"') != value:
            return False
    return True


def _metric(aggregation, documents):
    field = aggregation["params"].get("field")
    values = [document[field] for document in documents if field in document]
    kind = aggregation["type"]
    if kind == "count":
        return len(documents)
    if kind == "sum":
        return sum(values)
    if kind == "max":
        return max(values, default=None)
    if kind == "cardinality":
        return len({*values})
    raise NotImplementedError(kind)


def _groups(bucket, metrics, documents):
    params, groups = bucket["params"], collections.defaultdict(list)
    if bucket["type"] == "date_histogram":
        for document in documents:
            groups[document[params["field"]][:19]].append(document)
        return sorted(groups.items())
    if bucket["type"] != "terms":
        raise NotImplementedError(bucket["type"])
    for document in documents:
        if params["field"] in document:
            groups[document[params["field"]]].append(document)
    [leading] = [metric for metric in metrics if metric["id"] == params["orderBy"]]
    assert params["order"] == "desc" and not params["otherBucket"] and not params["missingBucket"]
    ordered = sorted(groups.items(), key=lambda item: (-_metric(leading, item[1]), str(item[0])))
    return ordered[:params["size"]]


def rows(made, documents):
    """{(bucket, …): (metric, …)} of a visualization, the documents being flat."""
    parts = nested(made)
    query = parts["kibanaSavedObjectMeta.searchSourceJSON"]["query"]
    assert query["language"] == "kuery"
    chosen = [document for document in documents if matches(query["query"], document)]
    aggregations = parts["visState"]["aggs"]
    metrics = [part for part in aggregations if part["schema"] == "metric"]
    buckets = [part for part in aggregations if part["schema"] != "metric"]
    found = {}

    def descend(left, inside, key):
        if not left:
            found[key] = tuple(_metric(metric, inside) for metric in metrics)
            return
        for value, group in _groups(left[0], metrics, inside):
            descend(left[1:], group, (*key, value))

    descend(buckets, chosen, ())
    return found


def asked_fields(question):
    """Those of an aggregation of the diagrams', its filter's too."""
    if isinstance(question, list):
        return set().union(*map(asked_fields, question))
    found = set()
    for name, value in question.items() if isinstance(question, dict) else ():
        if name == "field":
            found.add(value)
        elif name in ("term", "terms") and "field" not in value:
            found |= {*value}
        else:
            found |= asked_fields(value)
    return found


def fields(made):
    """Every field that an object reads."""
    parts, found = nested(made), set()
    if parts.get("visState", {}).get("type") == "vega":
        for data in json.loads(parts["visState"]["params"]["spec"])["data"]:
            found |= asked_fields(data.get("url", {}).get("body", {})) | {data.get("url", {}).get("%timefield%", "@timestamp")}
    for part in parts.get("visState", {}).get("aggs", []):
        found |= {part["params"]["field"]} if "field" in part["params"] else set()
    query = parts.get("kibanaSavedObjectMeta.searchSourceJSON", {"query": {"query": ""}})["query"]["query"]
    found |= {part.split(": ")[0] for part in filter(None, query.split(" and "))}
    for control in parts.get("controlGroupInput.panelsJSON", {}).values():
        found.add(control["explicitInput"]["fieldName"])
    attributes = made["attributes"]
    found |= {*attributes.get("columns", [])} | {name for name, _ in attributes.get("sort", [])}
    return found | ({attributes["timeFieldName"]} if "timeFieldName" in attributes else set())
