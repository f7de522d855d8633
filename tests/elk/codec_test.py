"""The tests' own codec against what others published of Logstash's: datagrams of other exporters and the events the
codec made of them, as far as they hold IANA's elements only."""

import json
import os
import pathlib
import sys
import unittest

from netflow_codec import Codec

CORPUS = pathlib.Path(os.environ.get("OFE_SHARED", "../shared")) / "data/corpus/logstash"
CASES = ("IPFIX", "IPFIX_OpenBSD_pflow", "IPFIX_Mikrotik_RouterOS_6_39_2")


def decoded(name):
    published = json.loads((CORPUS / "golden" / f"{name}.json").read_text())
    codec, events = Codec({}), []
    for file in published["feed_in_order"]:
        events += codec.decode((CORPUS / "dat" / file).read_bytes())
    return published, codec, events


# Without the folder this is reported as not run; with CI=true it fails.
@unittest.skipUnless(CORPUS.is_dir() or os.environ.get("CI") == "true", f"{CORPUS} is not there")
class Corpus(unittest.TestCase):
    def test_as_many_events(self):
        for name in CASES:
            published, codec, events = decoded(name)
            self.assertEqual([str(len(events))], published["expected_event_count_asserts"], (name, codec.problems))

    def test_the_published_events_among_them(self):
        compared = 0
        for name in CASES:
            published, _, events = decoded(name)
            ours = [{name: value for name, value in event["ipfix"].items() if name != "flowset_id"} for event in events]
            for golden in published["golden_events"]:
                self.assertIn(golden["netflow"], ours, name)
                compared += 1
        self.assertGreaterEqual(compared, len(CASES))

    def test_an_unknown_element_discards_its_template(self):
        _, codec, events = decoded("IPFIX_Nokia_BRAS")
        self.assertEqual(events, [])
        self.assertIn("element 637/91 is not known", codec.problems)


if __name__ == "__main__":
    sys.exit(unittest.main())
