"""Diagrams that Kibana draws with Vega: what they ask of Elasticsearch, and how they look. A diagram that leaves something
out says how much it shows."""

SOURCES, DESTINATIONS, LINES = 20, 20, 10  # of each source
ADDRESSES = 3  # of a name, in its tooltip
GAP, BAR, LABEL = 6, 12, 170  # pixels: between names, a name's bar, room for its text
SCHEMA = "https://vega.github.io/schema/vega/v5.json"
BYTES_FORMAT = "'.3~s'"


def _url(fields, kinds, aggregations):
    """Of records that have the fields, are of one of the kinds (none given: of any) and were not denied. The body's query
    is where Kibana's own filters go."""
    only = [*({"exists": {"field": field}} for field in fields), {"term": {"flow.denied": False}}]
    if kinds:
        only.append({"terms": {"flow.kind": kinds}})
    return {"%context%": True, "%timefield%": "@timestamp", "index": "flows-*", "body": {
        "size": 0, "aggs": {"chosen": {"filter": {"bool": {"filter": only}}, "aggs": aggregations}}}}


def _terms(field, size, amount, more):
    aggregations = {"amount": amount, **more}
    return {"terms": {"field": field, "size": size, "order": {"amount": "desc"}}, "aggs": aggregations}


def _addresses(field):
    return {"addresses": {"terms": {"field": field, "size": ADDRESSES}}}


def _side(name, end, key):
    """One column of a sankey: its names from the largest down, each where it begins."""
    return {"name": name, "source": "links", "transform": [
        {"type": "aggregate", "groupby": [key], "fields": ["amount", f"{end}_addresses"], "ops": ["sum", "max"],
         "as": ["total", "addresses"]},
        {"type": "stack", "field": "total", "sort": {"field": "total", "order": "descending"}, "as": ["begin", "end"]},
        {"type": "window", "ops": ["row_number"], "as": ["row"], "sort": {"field": "total", "order": "descending"}},
        {"type": "formula", "as": "top", "expr": f"datum.begin * unit + (datum.row - 1) * {GAP}"},
        {"type": "formula", "as": "bottom", "expr": "datum.top + datum.total * unit"}]}


def _edges():
    """The links, with where each leaves and arrives; a name's links lie under each other, largest first."""
    transforms = []
    for end, side in (("source", "sources"), ("destination", "destinations")):
        transforms += [
            {"type": "lookup", "from": side, "key": end, "fields": [end], "values": ["top"], "as": [f"{end}_top"]},
            {"type": "stack", "groupby": [end], "field": "amount", "sort": {"field": "amount", "order": "descending"},
             "as": [f"{end}_begin", f"{end}_end"]},
            {"type": "formula", "as": f"{end}_y",
             "expr": f"datum.{end}_top + (datum.{end}_begin + datum.{end}_end) / 2 * unit"}]
    return {"name": "edges", "source": "links", "transform": [
        *transforms, {"type": "formula", "as": "thickness", "expr": "datum.amount * unit"},
        {"type": "linkpath", "orient": "horizontal", "shape": "diagonal", "sourceX": {"expr": str(LABEL + BAR)},
         "sourceY": "source_y", "targetX": {"expr": f"width - {LABEL + BAR}"}, "targetY": "destination_y"}]}


def _bars(side, left, text_at, align, key):
    tooltip = (f"{{'title': datum.{key}, 'bytes': format(datum.total, {BYTES_FORMAT}) + 'B', "
               "'addresses': datum.addresses}")
    return [{"type": "rect", "from": {"data": side}, "encode": {"update": {
        "x": {"signal": left}, "width": {"value": BAR}, "y": {"field": "top"}, "y2": {"field": "bottom"},
        "fill": {"scale": "color", "field": key}, "tooltip": {"signal": tooltip}}}},
            {"type": "text", "from": {"data": side}, "encode": {"update": {
                "x": {"signal": text_at}, "y": {"signal": "(datum.top + datum.bottom) / 2"}, "align": {"value": align},
                "baseline": {"value": "middle"}, "limit": {"value": LABEL - 10}, "text": {"field": key},
                "fontSize": {"value": 11}, "tooltip": {"signal": tooltip}}}}]


def sankey(source, destination, amount, addresses, kinds=()):
    """Who sent how much to whom. source, destination: keyword fields; amount: the number that is summed; addresses: the
    fields of both ends' for tooltips; kinds: of flow.kind."""
    total = {"sum": {"field": amount}}
    destinations = _terms(destination, DESTINATIONS, total, _addresses(addresses[1]))
    sources = _terms(source, SOURCES, total, {**_addresses(addresses[0]), "destinations": destinations})
    link_tooltip = (f"{{'title': datum.source + ' → ' + datum.destination, 'bytes': format(datum.amount, {BYTES_FORMAT}) "
                    "+ 'B', 'source addresses': datum.source_addresses, 'destination addresses': "
                    "datum.destination_addresses}")
    answer = {"name": "answer", "url": _url([source, destination], kinds, {"whole": total, "sources": sources}),
              "format": {"property": "aggregations.chosen"}}
    links = {"name": "links", "source": "answer", "transform": [
        {"type": "flatten", "fields": ["sources.buckets"], "as": ["from"]},
        {"type": "flatten", "fields": ["from.destinations.buckets"], "as": ["to"]},
        {"type": "formula", "as": "source", "expr": "datum.from.key"},
        {"type": "formula", "as": "destination", "expr": "datum.to.key"},
        {"type": "formula", "as": "amount", "expr": "datum.to.amount.value"},
        {"type": "formula", "as": "source_addresses", "expr": "join(pluck(datum.from.addresses.buckets, 'key'), ', ')"},
        {"type": "formula", "as": "destination_addresses",
         "expr": "join(pluck(datum.to.addresses.buckets, 'key'), ', ')"},
        {"type": "filter", "expr": "datum.amount > 0"}]}
    shown = {"name": "shown", "source": "links", "transform": [
        {"type": "aggregate", "fields": ["amount", "source", "destination"], "ops": ["sum", "distinct", "distinct"],
         "as": ["amount", "sources", "destinations"]}]}
    whole = "(length(data('answer')) ? data('answer')[0].whole.value : 0)"
    amount_shown = "(length(data('shown')) ? data('shown')[0].amount : 0)"
    rows = "max(data('shown')[0].sources, data('shown')[0].destinations) - 1"
    note = (f"{amount_shown} == 0 ? 'Nothing in this time' : {amount_shown} < {whole} ? "
            f"'{SOURCES} sources and {DESTINATIONS} destinations of each at most: ' + "
            f"format({amount_shown} / {whole}, '.1%') + ' of ' + format({whole}, {BYTES_FORMAT}) + 'B is shown' : ''")
    return {"$schema": SCHEMA, "autosize": {"type": "fit", "contains": "padding"}, "padding": 5,
            "data": [answer, links, shown, _side("sources", "source", "source"),
                     _side("destinations", "destination", "destination"), _edges()],
            "signals": [{"name": "note", "update": note},
                        {"name": "unit", "update": f"{amount_shown} > 0 ? (height - 20 - {GAP} * ({rows})) / "
                                                   f"{amount_shown} : 0"}],
            "scales": [{"name": "color", "type": "ordinal", "range": "category",
                        "domain": {"fields": [{"data": "sources", "field": "source"},
                                              {"data": "destinations", "field": "destination"}]}}],
            "marks": [{"type": "path", "name": "ribbons", "clip": True, "from": {"data": "edges"}, "encode": {"update": {
                "path": {"field": "path"}, "strokeWidth": {"field": "thickness"}, "strokeOpacity": {"value": 0.4},
                "stroke": {"scale": "color", "field": "source"}, "tooltip": {"signal": link_tooltip}},
                "hover": {"strokeOpacity": {"value": 0.8}}}},
                      *_bars("sources", str(LABEL), str(LABEL - 5), "right", "source"),
                      *_bars("destinations", f"width - {LABEL + BAR}", f"width - {LABEL - 5}", "left", "destination"),
                      {"type": "text", "encode": {"update": {
                          "x": {"signal": "width / 2"}, "y": {"signal": "height - 4"}, "align": {"value": "center"},
                          "fontStyle": {"value": "italic"}, "text": {"signal": "note"}}}}]}


def throughput(name, amount, address, kinds=()):
    """Bits per second over time, one layer for each of the names with the most."""
    times = {"date_histogram": {"field": "@timestamp", "interval": {"%autointerval%": 60}, "min_doc_count": 0,
                                "extended_bounds": {"min": {"%timefilter%": "min"}, "max": {"%timefilter%": "max"}}},
             "aggs": {"octets": {"rate": {"field": amount, "unit": "second"}}}}
    names = _terms(name, LINES, {"sum": {"field": amount}}, {**_addresses(address), "times": times})
    tooltip = "{'title': datum.name, 'addresses': datum.addresses}"
    return {"$schema": SCHEMA, "autosize": {"type": "fit", "contains": "padding"}, "padding": 5,
            "data": [{"name": "answer", "url": _url([name], kinds, {"names": names}),
                      "format": {"property": "aggregations.chosen"}},
                     {"name": "points", "source": "answer", "transform": [
                         {"type": "flatten", "fields": ["names.buckets"], "as": ["of"]},
                         {"type": "flatten", "fields": ["of.times.buckets"], "as": ["bucket"]},
                         {"type": "formula", "as": "name", "expr": "datum.of.key"},
                         {"type": "formula", "as": "addresses", "expr": "join(pluck(datum.of.addresses.buckets, 'key'), ', ')"},
                         {"type": "formula", "as": "time", "expr": "datum.bucket.key"},
                         {"type": "formula", "as": "bits", "expr": "datum.bucket.octets.value * 8"},
                         {"type": "stack", "groupby": ["time"], "field": "bits", "sort": {"field": "name"},
                          "as": ["low", "high"]}]}],
            "signals": [{"name": "note", "update": (
                "length(data('points')) == 0 ? 'Nothing in this time' : "
                f"data('answer')[0].names.sum_other_doc_count > 0 ? 'The {LINES} largest' : ''")}],
            "scales": [{"name": "x", "type": "time", "range": "width", "domain": {"data": "points", "field": "time"}},
                       {"name": "y", "type": "linear", "range": "height", "nice": True, "zero": True,
                        "domain": {"data": "points", "field": "high"}},
                       {"name": "color", "type": "ordinal", "range": "category",
                        "domain": {"data": "points", "field": "name"}}],
            "axes": [{"orient": "bottom", "scale": "x"},
                     {"orient": "left", "scale": "y", "format": ".2~s", "title": "bit/s", "grid": True}],
            "legends": [{"fill": "color", "labelLimit": LABEL}],
            "marks": [{"type": "group", "from": {"facet": {"name": "layer", "data": "points", "groupby": "name"}}, "marks": [
                {"type": "area", "name": "layers", "from": {"data": "layer"}, "encode": {"update": {
                    "x": {"scale": "x", "field": "time"}, "y": {"scale": "y", "field": "low"},
                    "y2": {"scale": "y", "field": "high"}, "fill": {"scale": "color", "field": "name"},
                    "fillOpacity": {"value": 0.7}, "tooltip": {"signal": tooltip}}}}]},
                      {"type": "text", "encode": {"update": {
                          "x": {"signal": "width / 2"}, "y": {"value": 10}, "align": {"value": "center"},
                          "fontStyle": {"value": "italic"}, "text": {"signal": "note"}}}}]}
