"""Where the ELK flow collector's files are, and what they say."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/elk-flow-collector"
LOGSTASH = FOLDER / "logstash"


def mappings():
    """{"flow.bytes": "long", …} of the index template."""
    found = {}

    def walk(properties, prefix):
        for name, mapping in properties.items():
            if "properties" in mapping:
                walk(mapping["properties"], f"{prefix}{name}.")
            else:
                found[prefix + name] = mapping["type"]

    walk(json.loads((LOGSTASH / "index-template.json").read_text())["template"]["mappings"]["properties"], "")
    return found


def documents(events, **parameters):
    """What the filter makes of the codec's events: [(id, document)]."""
    done = subprocess.run(["ruby", ROOT / "tests/elk/documents.rb", LOGSTASH / "flows.rb", json.dumps(parameters)],
                          input="".join(json.dumps(event) + "\n" for event in events), text=True, check=True,
                          capture_output=True)
    return [(line["id"], line["document"]) for line in map(json.loads, done.stdout.splitlines())]


def flat(document, prefix=""):
    """{"flow.bytes": 5, …}"""
    found = {}
    for name, value in document.items():
        found.update(flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return found
