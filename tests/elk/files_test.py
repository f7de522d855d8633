"""The pipeline's files, as far as they can be read without Logstash: its configuration language, the definitions beside
the registries, the index template beside what refers to it."""

import csv
import json
import re
import subprocess
import sys
import unittest

from elk_files import LOGSTASH, ROOT, mappings
from netflow_codec import TYPES, builtin_definitions, read_definitions

# Of the plugins' documentation; each also has the common ones.
COMMON = {"id", "enable_metric", "ecs_compatibility"}
OPTIONS = {
    ("input", "udp"): {"host", "port", "workers", "queue_size", "receive_buffer_bytes", "buffer_size", "codec", "type",
                       "tags", "add_field", "source_ip_fieldname"},
    ("codec", "netflow"): {"cache_save_path", "cache_ttl", "include_flowset_id", "ipfix_definitions",
                           "netflow_definitions", "target", "versions"},
    ("filter", "ruby"): {"code", "init", "path", "script_params", "tag_on_exception", "tag_with_exception_message"},
    ("output", "elasticsearch"): {"hosts", "user", "password", "index", "document_id", "action", "ilm_enabled",
                                  "manage_template", "template", "template_name", "template_overwrite", "template_api",
                                  "ssl_enabled", "data_stream"},
}
TOKEN = re.compile(r'\s+|#[^\n]*|(=>|[{}\[\],])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)')


def tokens(text):
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise SyntaxError(f"line {text.count(chr(10), 0, at) + 1}: {text[at:at + 20]!r}")
        at = found.end()
        if found.lastindex:
            yield found[0]


class Configuration:
    """{section: [(plugin, {option: value})]}; a plugin as a value is a pair, too. No conditions: we have none."""

    def __init__(self, text):
        self.tokens = [*tokens(text), None]
        self.sections = {}
        while self.tokens[0] is not None:
            name = self._take("input", "filter", "output")
            self._take("{")
            self.sections[name] = []
            while self.tokens[0] != "}":
                self.sections[name].append(self._plugin())
            self._take("}")

    def _take(self, *allowed):
        token = self.tokens.pop(0) if self.tokens else None
        if token is None or allowed and token not in allowed:
            raise SyntaxError(f"{token!r} where {' or '.join(allowed) or 'more'} is due")
        return token

    def _plugin(self):
        name, options = self._take(), {}
        self._take("{")
        while self.tokens[0] != "}":
            option = self._take()
            self._take("=>")
            if option in options:
                raise SyntaxError(f"{name}: {option} stands twice")
            options[option] = self._value()
        self._take("}")
        return name, options

    def _value(self):
        token = self._take()
        if token == "[":
            values = []
            while self.tokens[0] != "]":
                values.append(self._value())
                if self.tokens[0] != "]":
                    self._take(",")
            self._take("]")
            return values
        if token == "{":
            pairs = {}
            while self.tokens[0] != "}":
                key = self._value()
                self._take("=>")
                pairs[key] = self._value()
            self._take("}")
            return pairs
        if self.tokens[0] == "{":
            self.tokens.insert(0, token)
            return self._plugin()
        return {"true": True, "false": False}.get(token, token.strip('"') if token.startswith('"') else token)


class Pipeline(unittest.TestCase):
    def setUp(self):
        self.sections = Configuration((LOGSTASH / "logstash.conf").read_text()).sections

    def test_plugins_have_options_that_they_know(self):
        plugins = [((section, name), options) for section, those in self.sections.items() for name, options in those]
        codec, options = self.sections["input"][0][1]["codec"]
        for plugin, options in [*plugins, (("codec", codec), options)]:
            self.assertLessEqual({*options}, OPTIONS[plugin] | COMMON, plugin)

    def test_files_it_names_are_here(self):
        text = (LOGSTASH / "logstash.conf").read_text()
        names = re.findall(r'"/usr/share/logstash/pipeline/([^"]+)"', text)
        self.assertEqual(sorted(names), ["flows.rb", "index-template.json", "ipfix.yml"])
        for name in names:
            self.assertTrue((LOGSTASH / name).is_file(), name)

    def test_records_keep_their_order_and_their_templates(self):
        self.assertEqual(self.sections["input"][0][1]["workers"], "1")
        self.assertRegex((LOGSTASH / "logstash.yml").read_text(), r"(?m)^pipeline\.workers: 1$")

    def test_the_template_names_the_policy_and_matches_the_indices(self):
        template = json.loads((LOGSTASH / "index-template.json").read_text())
        [(_, output)] = self.sections["output"]
        self.assertEqual(template["template"]["settings"]["index"]["lifecycle"]["name"], output["template_name"])
        self.assertEqual(template["index_patterns"], [output["index"].split("%")[0] + "*"])
        self.assertIn("delete", json.loads((LOGSTASH / "lifecycle.json").read_text())["policy"]["phases"])

    def test_the_filter_is_ruby(self):
        subprocess.run(["ruby", "-wc", LOGSTASH / "flows.rb"], check=True, capture_output=True)

    def test_a_wrong_pipeline_is_noticed(self):
        for wrong in ("input { udp { port => } }", "input { udp { port 1 } }", "output { x { a => 1 a => 2 } }",
                      "input { udp {", "inputs { }", 'input { udp { a => "b } }'):
            with self.assertRaises(SyntaxError):
                Configuration(wrong)


class Definitions(unittest.TestCase):
    def test_are_those_of_the_registries(self):
        ours = read_definitions((LOGSTASH / "ipfix.yml").read_text())
        self.assertEqual({*ours}, {55829, 56506}, "a merged enterprise would lose what the codec knows of it")
        self.assertFalse({*ours} & {*builtin_definitions()})
        for enterprise, table in ours.items():
            with (ROOT / f"ipfix/elements/antrea_{enterprise}.csv").open() as file:
                rows = {int(row["ElementID"]): row for row in csv.DictReader(file)}
            self.assertEqual({*table}, {*rows})
            for number, (kind, name) in table.items():
                data_type = rows[number]["Abstract Data Type"]
                self.assertEqual((kind, name), ("octetarray" if data_type == "octetArray" else TYPES[data_type],
                                                rows[number]["Name"]))

    def test_every_element_has_a_mapping(self):
        known = mappings()
        for table in read_definitions((LOGSTASH / "ipfix.yml").read_text()).values():
            self.assertEqual([name for _, name in table.values() if f"ipfix.{name}" not in known], [])


if __name__ == "__main__":
    sys.exit(unittest.main())
