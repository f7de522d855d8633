"""The table generator: what it writes, and that a malformed table ends the build with its line. Argument: generate.py."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

GENERATOR = sys.argv.pop(1)
HEADER = "id,name,type,enterprise\n"


class Generate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.output = pathlib.Path(self.folder.name) / "table.cc"

    def generate(self, *texts):
        paths = []
        for number, text in enumerate(texts):
            path = pathlib.Path(self.folder.name) / f"table{number}.csv"
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
        command = [sys.executable, GENERATOR, "--output", str(self.output), *paths]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_refused(self, complaint, *texts):
        result = self.generate(*texts)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(complaint, result.stderr)
        self.assertFalse(self.output.exists(), "no table is left behind")

    def test_writes_the_tables_in_order(self):
        iana = ("id,name,type,semantics,units\n1,octetDeltaCount,unsigned64,deltaCounter,octets\n"
                "520,tcpOptionsFull,unsigned256?,flags,\n")
        enterprise = 'ElementID,Name,Abstract Data Type,Description,Enterprise ID,\n7,appName,string,"a, b",4711,\n'
        result = self.generate(enterprise, iana)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [line.strip() for line in self.output.read_text().splitlines() if line.startswith("    {")]
        self.assertEqual(rows, [
            '{4711, 7, DataType{13}, Semantics{0}, Units{0}, "appName"},',
            '{0, 1, DataType{4}, Semantics{3}, Units{2}, "octetDeltaCount"},',
            '{0, 520, DataType{23}, Semantics{5}, Units{0}, "tcpOptionsFull"},',
        ])

    def test_refuses_malformed_tables(self):
        for complaint, text in [
            ("table0.csv:1: no column id or ElementID", "name,type\nx,string\n"),
            ("table0.csv:1: no elements", HEADER),
            ("table0.csv:1: no column", ""),
            ('table0.csv:2: id of x "0" is not a number', HEADER + "0,x,string,\n"),
            ('table0.csv:2: id of x "32768" is not a number', HEADER + "32768,x,string,\n"),
            ('table0.csv:3: unknown type "text" of y', HEADER + "1,x,string,\n2,y,text,\n"),
            ('table0.csv:2: name "a b" is not a word', HEADER + "1,a b,string,\n"),
            ('table0.csv:2: enterprise "many" is not a number', HEADER + "1,x,string,many\n"),
            ('table0.csv:2: unknown semantics of x "much"', "id,name,type,semantics\n1,x,string,much\n"),
            ('table0.csv:2: unknown units of x "miles"', "id,name,type,units\n1,x,string,miles\n"),
            ("table0.csv:2: has 2 fields, no type", HEADER + "1,x\n"),
            ("table0.csv:3: element 1 of enterprise 0 stands twice", HEADER + "1,x,string,\n1,y,string,\n"),
            ("table0.csv:3: name x of enterprise 0 stands twice", HEADER + "1,x,string,\n2,x,string,\n"),
            ("table0.csv:2: unexpected end of data", HEADER + '1,"x,string,\n'),
        ]:
            with self.subTest(complaint):
                self.assert_refused(complaint, text)

    def test_refuses_a_number_in_two_tables(self):
        self.assert_refused("table1.csv:2: element 1 of enterprise 9 stands twice",
                            HEADER + "1,x,string,9\n", HEADER + "1,y,string,9\n")


if __name__ == "__main__":
    unittest.main()
