"""The dashboards as files: whole, up to date with their source, and reading only what the documents have."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import saved_objects
from elk_files import FOLDER, mappings


class SavedObjects(unittest.TestCase):
    def setUp(self):
        self.objects = saved_objects.load()
        self.dashboards = [made for (kind, _), made in self.objects.items() if kind == "dashboard"]

    def test_are_what_their_source_makes(self):
        with tempfile.NamedTemporaryFile() as file:
            subprocess.run([sys.executable, "-B", FOLDER / "dashboards/make-dashboards", file.name], check=True)
            self.assertEqual(pathlib.Path(file.name).read_text(), saved_objects.NDJSON.read_text(),
                             "run dashboards/make-dashboards")

    def test_every_reference_leads_somewhere(self):
        for made in self.objects.values():
            for reference in made["references"]:
                self.assertIn((reference["type"], reference["id"]), self.objects, made["id"])

    def test_every_object_is_used(self):
        used = {(reference["type"], reference["id"]) for made in self.objects.values() for reference in made["references"]}
        self.assertEqual({key for key in self.objects if key[0] != "dashboard"} - used, set())

    def test_names_that_stand_for_references_are_there(self):
        for made in self.objects.values():
            names = {reference["name"] for reference in made["references"]}
            parts = saved_objects.nested(made)
            source = parts.get("kibanaSavedObjectMeta.searchSourceJSON", {})
            self.assertLessEqual({source["indexRefName"]} if "indexRefName" in source else set(), names)
            for panel in parts.get("panelsJSON", []):
                self.assertIn(f"{panel['panelIndex']}:{panel['panelRefName']}", names)
            for name in parts.get("controlGroupInput.panelsJSON", {}):
                self.assertIn(f"controlGroup_{name}:optionsListDataView", names)

    def test_every_field_is_in_the_index_template(self):
        known = mappings()
        for made in self.objects.values():
            self.assertEqual(saved_objects.fields(made) - {*known}, set(), made["id"])

    def test_what_is_grouped_is_no_text_and_what_is_summed_a_number(self):
        known = mappings()
        for made in self.objects.values():
            for part in saved_objects.nested(made).get("visState", {}).get("aggs", []):
                kind = known.get(part["params"].get("field"))
                if part["type"] == "terms":
                    self.assertIn(kind, ("keyword", "ip", "integer", "boolean"))
                if part["type"] == "sum":
                    self.assertIn(kind, ("long", "double"))

    def test_panels_fill_their_dashboard_and_do_not_overlap(self):
        for made in self.dashboards:
            taken = set()
            for panel in saved_objects.nested(made)["panelsJSON"]:
                place = panel["gridData"]
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, (made["id"], panel["panelIndex"]))
                taken |= cells
            bottom = max(y for _, y in taken) + 1
            self.assertEqual(len(taken), 48 * bottom, made["id"])

    def test_dashboards_lead_to_each_other(self):
        identities = {made["id"] for made in self.dashboards}
        links = saved_objects.nested(self.objects["visualization", "flows-navigation"])["visState"]["params"]["markdown"]
        self.assertEqual({*re.findall(r"#/view/([\w-]+)", links)}, identities)
        for made in self.dashboards:
            self.assertIn("flows-navigation", [reference["id"] for reference in made["references"]])

    def test_each_line_is_an_object(self):
        for line in saved_objects.NDJSON.read_text().splitlines():
            self.assertIsInstance(json.loads(line), dict)


if __name__ == "__main__":
    sys.exit(unittest.main())
