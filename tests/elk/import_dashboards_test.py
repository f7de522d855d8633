"""deploy/elk-flow-collector/import-dashboards against a fake Kibana: what it sends, what it says of each answer, and that
the password shows nowhere."""

import base64
import os
import pathlib
import pty
import socket
import subprocess
import sys
import tempfile
import unittest

from fake_kibana import FakeKibana

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy/elk-flow-collector/import-dashboards"
PASSWORD = "s3cret: pässword"
BASIC = "Basic " + base64.b64encode(f"elastic:{PASSWORD}".encode()).decode()
OBJECTS = b'{"type":"index-pattern","id":"flows"}\n{"type":"dashboard","id":"overview"}\n'
ALL = {"success": True, "successCount": 2, "successResults": [
    {"type": "index-pattern", "id": "flows", "meta": {"title": "flows-*"}},
    {"type": "dashboard", "id": "overview", "meta": {"title": "Overview"}, "overwrite": True}]}
SOME = {"success": False, "successCount": 1, "successResults": ALL["successResults"][:1], "errors": [
    {"type": "dashboard", "id": "overview", "title": "Overview", "meta": {"title": "Overview"},
     "error": {"type": "missing_references", "references": [{"type": "lens", "id": "bytes"}]}},
    {"type": "lens", "id": "rate", "meta": {"title": "Rate"}, "error": {"type": "conflict", "destinationId": "x"}}]}


class ImportDashboards(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.objects = self.folder / "objects.ndjson"
        self.objects.write_bytes(OBJECTS)
        self.word = self.folder / "password"
        self.word.write_text(PASSWORD + "\n")

    def kibana(self, status, said, password=None):
        kibana = FakeKibana((status, said), password)
        self.addCleanup(kibana.close)
        return kibana

    def run_script(self, *arguments, **environment):
        words = [str(argument) for argument in arguments]
        done = subprocess.run([SCRIPT, *words], text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "NO_PROXY": "*", "no_proxy": "*", "KIBANA_PASSWORD": "", **environment})
        said = done.stdout + done.stderr
        for secret in (PASSWORD, BASIC.split()[1]):
            self.assertNotIn(secret, said)
        self.assertNotIn("Traceback", said)
        return done.returncode, said

    def to(self, kibana, *more, **environment):
        return self.run_script("--kibana", kibana.url, "--file", self.objects, *more, **environment)

    def test_all_is_imported(self):
        kibana = self.kibana(200, ALL)
        status, said = self.to(kibana)
        self.assertEqual(status, 0, said)
        self.assertIn("imported index-pattern flows (flows-*)\n", said)
        self.assertIn("imported dashboard overview (Overview), over the one that was there\n", said)
        self.assertIn(f"2 imported into {kibana.url}, 0 not", said)
        path, headers, _ = kibana.requests[0]
        self.assertEqual(path, "/api/saved_objects/_import?overwrite=true")
        self.assertNotIn("Authorization", headers)
        self.assertEqual(kibana.uploaded(), ("file", "flow-dashboards.ndjson", OBJECTS))

    def test_a_base_path_is_kept(self):
        kibana = self.kibana(200, ALL)
        self.assertEqual(self.run_script("--kibana", kibana.url + "/logs/", "--file", self.objects)[0], 0)
        self.assertEqual(kibana.requests[0][0], "/logs/api/saved_objects/_import?overwrite=true")

    def test_each_error_of_the_answer_is_told(self):
        status, said = self.to(self.kibana(200, SOME))
        self.assertEqual(status, 1, said)
        self.assertIn("NOT imported: dashboard overview (Overview): it refers to what is not there: lens bytes\n", said)
        self.assertIn("NOT imported: lens rate (Rate): conflict\n", said)
        self.assertIn("1 imported", said)
        self.assertIn("2 not", said)

    def test_a_password_comes_from_a_file_or_the_environment(self):
        for more, environment in ((["--password-file", self.word], {}), ([], {"KIBANA_PASSWORD": PASSWORD})):
            kibana = self.kibana(200, ALL, BASIC)
            status, said = self.to(kibana, "--user", "elastic", *more, **environment)
            self.assertEqual(status, 0, said)

    def test_a_password_is_asked_for_at_a_terminal(self):
        kibana = self.kibana(200, ALL, BASIC)
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(NO_PROXY="*", no_proxy="*", KIBANA_PASSWORD="")
            os.execv(SCRIPT, [str(SCRIPT), "--kibana", kibana.url, "--file", str(self.objects), "--user", "elastic"])
        said = b""
        try:
            while piece := os.read(terminal, 4096):
                said += piece
                if said.endswith(b"Password of elastic: "):
                    os.write(terminal, PASSWORD.encode() + b"\n")
        except OSError:
            pass  # how the end of a terminal reads
        finally:
            os.close(terminal)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertEqual(status, 0, said)
        self.assertNotIn(PASSWORD.encode(), said)

    def test_no_password_and_no_terminal(self):
        status, said = self.to(self.kibana(200, ALL), "--user", "elastic")
        self.assertEqual(status, 2, said)
        self.assertIn("KIBANA_PASSWORD", said)

    def test_a_login_that_is_wanted_or_wrong(self):
        kibana = self.kibana(200, ALL, BASIC)
        status, said = self.to(kibana)
        self.assertEqual(status, 1, said)
        self.assertIn("wants a login (HTTP 401); --user elastic", said)
        status, said = self.to(kibana, "--user", "elastic", KIBANA_PASSWORD="wrong")
        self.assertEqual(status, 1, said)
        self.assertIn("does not take this password of elastic (HTTP 401): [security_exception]", said)

    def test_other_refusals(self):
        for code, answer, status, part in (
                (403, {"message": "Unable to bulk_create dashboard"}, 1, "may not import"),
                (413, {"message": "Payload content length greater than maximum allowed"}, 1, "Payload content length"),
                (302, "", 1, "try --kibana http://elsewhere.example/"),
                (503, "Kibana server is not ready yet.", 3, "is not ready (HTTP 503): Kibana server is not ready yet."),
                (200, "<html>a proxy's page</html>", 1, "not as Kibana does"),
                (200, [1, 2], 1, "not as Kibana does")):
            got, said = self.to(self.kibana(code, answer))
            self.assertEqual(got, status, said)
            self.assertIn(part, said)

    def test_nobody_is_there(self):
        with socket.socket() as taken:  # bound, not listening: a connection is refused
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            status, said = self.run_script("--kibana", url, "--file", self.objects)
        self.assertEqual(status, 3, said)
        self.assertIn(f"{url} does not answer: ", said)
        self.assertIn("Connection refused", said)

    def test_nothing_is_sent_without_a_file(self):
        kibana = self.kibana(200, ALL)
        empty = self.folder / "empty.ndjson"
        empty.write_text("\n")
        for file, part in ((self.folder / "none.ndjson", "does not exist; --file names another"), (empty, "is empty"),
                           (self.folder, "Is a directory")):
            status, said = self.run_script("--kibana", kibana.url, "--file", file)
            self.assertEqual(status, 2, said)
            self.assertIn(str(file), said)
            self.assertIn(part, said)
        self.assertEqual(kibana.requests, [])

    def test_arguments_that_are_not_as_they_should_be(self):
        for words, part in ((["--kibana", "node:30007"], "http://"), (["--kibana", "http://node:http"], "http://node:http"),
                            (["--kibana", "http://elastic:word@node:30007"], "--user"),
                            (["--password-file", self.word], "--user"),
                            (["--user", "elastic", "--password-file", self.folder / "none"], "none")):
            status, said = self.run_script("--file", self.objects, *words)
            self.assertEqual(status, 2, said)
            self.assertIn(part, said)


if __name__ == "__main__":
    sys.exit(unittest.main())
