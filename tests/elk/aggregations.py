"""Elasticsearch's answers to the questions that the diagrams ask, worked out over flat documents; as much of the
language as they use, anything else is an error. What Kibana puts in (an interval, the time's bounds) is put in here."""

import collections
import datetime

INTERVAL_S = 5


def _chosen(query, document):
    if "bool" in query:
        return all(_chosen(part, document) for part in query["bool"]["filter"])
    if "exists" in query:
        return query["exists"]["field"] in document
    if "term" in query:
        [(field, value)] = query["term"].items()
        return document.get(field) == value
    if "terms" in query:
        [(field, values)] = query["terms"].items()
        return document.get(field) in values
    raise NotImplementedError(query)


def _terms(body, more, documents, bounds):
    groups = collections.defaultdict(list)
    for document in documents:
        if body["field"] in document:
            groups[document[body["field"]]].append(document)
    buckets = [{"key": key, "doc_count": len(group), **answer(more, group, bounds)} for key, group in groups.items()]
    [(by, direction)] = body.get("order", {"_count": "desc"}).items()
    assert direction == "desc"
    buckets.sort(key=lambda bucket: (-(bucket["doc_count"] if by == "_count" else bucket[by]["value"]), bucket["key"]))
    return {"buckets": buckets[:body["size"]], "sum_other_doc_count": sum(b["doc_count"] for b in buckets[body["size"]:])}


def _seconds(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def _histogram(body, more, documents, bounds):
    assert body["min_doc_count"] == 0 and "%autointerval%" in body["interval"], body
    assert {*body["extended_bounds"]} == {"min", "max"}, body
    groups = collections.defaultdict(list)
    for document in documents:
        groups[_seconds(document[body["field"]]) // INTERVAL_S].append(document)
    begin, end = (bound // INTERVAL_S for bound in bounds)
    return {"buckets": [{"key": number * INTERVAL_S * 1000, "doc_count": len(groups[number]),
                         **answer(more, groups[number], bounds)} for number in range(begin, end + 1)]}


def bounds_of(documents):
    times = [_seconds(document["@timestamp"]) for document in documents]
    return min(times), max(times)


def answer(aggregations, documents, bounds=None):
    """{name: result} as below "aggregations" of a search's answer; bounds: of the time that is looked at, in seconds."""
    results = {}
    for name, body in aggregations.items():
        more = body.get("aggs", {})
        if "filter" in body:
            inside = [document for document in documents if _chosen(body["filter"], document)]
            results[name] = {"doc_count": len(inside), **answer(more, inside, bounds)}
        elif "terms" in body:
            results[name] = _terms(body["terms"], more, documents, bounds)
        elif "sum" in body:
            results[name] = {"value": sum(d[body["sum"]["field"]] for d in documents if body["sum"]["field"] in d)}
        elif "date_histogram" in body:
            results[name] = _histogram(body["date_histogram"], more, documents, bounds)
        elif "rate" in body:
            assert body["rate"]["unit"] == "second"
            results[name] = {"value": sum(d.get(body["rate"]["field"], 0) for d in documents) / INTERVAL_S}
        else:
            raise NotImplementedError(body)
    return results
