"""The house's rules that a machine can hold: the include rule (data flows one way), one subject a file, no loose ends."""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# In the order of the data flow: what a folder may include of ours, beside itself.
PLUGIN = ("ovs-plugin/ovs", "ovs-plugin/config", "ovs-plugin/netlink", "ovs-plugin/zones", "ovs-plugin/conntrack",
          "ovs-plugin/datapath", "ovs-plugin/correlate", "ovs-plugin/denied", "ovs-plugin/record",
          "ovs-plugin/state_file", "ovs-plugin/exporter")
BEFORE_PLUGIN = ("flowstore", "ipfix", "proto", "k8s-bridge/directory")
MAY_INCLUDE = {
    "flowstore": (),
    "ipfix": (),
    "proto": (),
    "k8s-bridge/directory": ("proto",),
    "k8s-bridge/watcher": ("proto",),
    "ovs-plugin/ovs": (),
    **{folder: BEFORE_PLUGIN + PLUGIN[:place] for place, folder in enumerate(PLUGIN) if folder != "ovs-plugin/ovs"},
}
# Stations before the record know neither names nor the wire.
for station in ("config", "netlink", "zones", "conntrack", "datapath", "correlate", "denied"):
    folder = f"ovs-plugin/{station}"
    MAY_INCLUDE[folder] = tuple(f for f in MAY_INCLUDE[folder] if f not in ("ipfix", "proto", "k8s-bridge/directory"))
OURS = re.compile(r'^\s*#\s*include\s+"((?:flowstore|ipfix|proto|k8s-bridge|ovs-plugin|collector)/[^"]+)"', re.MULTILINE)
MOST_LINES = 400


def sources():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.c",
                             "*.cc", "*.py", "*.proto"], text=True, capture_output=True, check=True).stdout.split()
    return [name for name in listed if (ROOT / name).exists()]


def folder_of(name):
    return next((folder for folder in sorted(MAY_INCLUDE, key=len, reverse=True) if name.startswith(folder + "/")), None)


class Structure(unittest.TestCase):
    def test_a_module_includes_only_what_stands_before_it(self):
        for name in sources():
            folder = folder_of(name)
            if folder is None or not name.endswith((".h", ".c", ".cc")):
                continue
            for included in OURS.findall((ROOT / name).read_text()):
                other = folder_of(included)
                if other != folder:
                    self.assertIn(other, MAY_INCLUDE[folder], f"{name} includes {included}")

    def test_every_header_is_included_once(self):
        for name in sources():
            if name.endswith(".h"):
                self.assertIn("#pragma once", (ROOT / name).read_text(), name)

    def test_no_file_has_to_be_scrolled_through(self):
        for name in sources():
            lines = (ROOT / name).read_text().count("\n")
            self.assertLessEqual(lines, MOST_LINES, f"{name} has {lines} lines")

    def test_every_test_is_built_or_registered(self):
        lists = "".join(path.read_text() for pattern in ("CMakeLists.txt", "*.cmake")
                        for path in (ROOT / "tests").rglob(pattern))
        for name in sources():
            path = ROOT / name
            if not name.startswith("tests/") or not path.stem.endswith("_test") or path.suffix not in (".cc", ".py"):
                continue
            known = path.name if path.suffix == ".cc" else path.stem.removesuffix("_test")
            self.assertIn(known, lists, f"{name} stands in no CMakeLists.txt")

    def test_no_loose_ends(self):
        loose = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|EXPECT_TRUE\(true\)")
        for name in sources():
            found = loose.search((ROOT / name).read_text())
            self.assertIsNone(found, f"{name}: {found}")


if __name__ == "__main__":
    sys.exit(unittest.main())
