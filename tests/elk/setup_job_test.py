"""The script of the Job elk-setup, taken out of elk-flow-collector.yml and run by bash against fakes of the Kubernetes API
and of Elasticsearch: what it leaves behind, whenever it is killed, and that it gives no password away."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import yaml

from fake_cluster import NAMESPACE, TOKEN, FakeElasticsearch, FakeKubernetes

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from certificates import Authority  # noqa: E402 (a folder of other tests)

FOLDER = ROOT / "deploy/elk-flow-collector"
LIFECYCLE = FOLDER / "logstash/lifecycle.json"
KEYS = {"elastic", "kibana_system", "logstash", "kibana_encryption_key"}
# Without another program it must do: each of these notes its arguments before it runs.
PROGRAMS = ("base64", "curl", "head", "sleep", "tr")
STEPS = 7  # requests of a run that finds everything in order


def setup_script():
    documents = yaml.safe_load_all((FOLDER / "elk-flow-collector.yml").read_text())
    return next(document["data"]["setup.sh"] for document in documents
                if document["kind"] == "ConfigMap" and document["metadata"]["name"] == "elk-setup")


class SetupJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.common = tempfile.TemporaryDirectory()
        folder = cls.folder = pathlib.Path(cls.common.name)
        (folder / "setup.sh").write_text(setup_script())
        cls.certificate = Authority(folder, "ca").issue("server", "IP:127.0.0.1")
        (folder / "token").write_text(TOKEN)
        (folder / "namespace").write_text(NAMESPACE)
        (folder / "programs").mkdir()
        for program in PROGRAMS:
            path = folder / "programs" / program
            path.write_text(f'#!/bin/bash\nprintf "%s\\n" "$0" "$@" >>{folder}/arguments\n'
                            f'exec {shutil.which(program)} "$@"\n')
            path.chmod(0o755)

    @classmethod
    def tearDownClass(cls):
        cls.common.cleanup()

    def setUp(self):
        self.seen_in_proc, self.count, self.hold_at = [], 0, None
        self.held, self.go_on = threading.Event(), threading.Event()
        self.kubernetes = FakeKubernetes(self.seen, self.certificate)
        self.elasticsearch = FakeElasticsearch(self.seen, lambda: self.kubernetes.passwords().get("elastic", "none yet"))
        (self.folder / "arguments").write_text("")
        self.addCleanup(self.kubernetes.close)
        self.addCleanup(self.elasticsearch.close)
        self.addCleanup(self.go_on.set)

    def seen(self, request, moment):
        """In a server's thread, while curl waits for the answer."""
        self.look_for_passwords()
        self.count += moment == "before"
        if self.hold_at == (self.count, moment):
            self.held.set()
            self.go_on.wait()

    def secrets(self):
        words = [TOKEN, *self.kubernetes.passwords().values()]
        return [*words, *(base64.b64encode(word.encode()).decode() for word in words)]

    def look_for_passwords(self):
        """In command lines and environments of all processes."""
        secrets = [word.encode() for word in self.secrets()]
        for path in (pathlib.Path("/proc", pid, name) for pid in os.listdir("/proc") if pid.isdigit()
                     for name in ("cmdline", "environ")):
            try:
                content = path.read_bytes()
            except OSError:  # gone, or another user's
                continue
            self.seen_in_proc += [(path, content) for word in secrets if word in content]

    def start(self, **environment):
        return subprocess.Popen(
            ["/bin/bash", self.folder / "setup.sh"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True,
            env={"PATH": str(self.folder / "programs"), "RETRY_SECONDS": "0.05", "LIFECYCLE": str(LIFECYCLE),
                 "ELASTICSEARCH_HOSTS": self.elasticsearch.url, "KUBERNETES": self.kubernetes.url,
                 "SERVICE_ACCOUNT": str(self.folder), **environment})

    def finish(self, process, read=""):
        said = read + process.communicate()[0]
        for word in self.secrets():
            self.assertNotIn(word, said)
            self.assertNotIn(word, (self.folder / "arguments").read_text())
        self.assertEqual((self.seen_in_proc, self.kubernetes.faults, self.elasticsearch.faults), ([], [], []))
        self.assertNotIn("command not found", said)
        return process.returncode, said

    def run_job(self, **environment):
        """(exit status, output) of a whole run."""
        if not self.elasticsearch.started:
            self.elasticsearch.start()
        return self.finish(self.start(**environment))

    def succeeds(self, **environment):
        status, said = self.run_job(**environment)
        self.assertEqual(status, 0, said)
        passwords, elasticsearch = self.kubernetes.passwords(), self.elasticsearch
        self.assertEqual(elasticsearch.passwords, {"kibana_system": passwords["kibana_system"]})
        self.assertEqual(elasticsearch.users,
                         {"logstash_flows": {"roles": ["flows_writer"], "password": passwords["logstash"]}})
        self.assertEqual(elasticsearch.roles, {"flows_writer": {
            "cluster": ["monitor", "manage_index_templates"],
            "indices": [{"names": ["flows-*"], "privileges": ["create_index", "auto_configure", "index"]}]}})
        self.assertEqual(elasticsearch.policies, {"flows": json.loads(LIFECYCLE.read_text())})
        return said

    def fails(self, *parts, **environment):
        status, said = self.run_job(**environment)
        self.assertEqual(status, 1, said)
        for part in parts:
            self.assertIn(part, said)

    def test_the_first_run_makes_passwords_and_the_second_keeps_them(self):
        said = self.succeeds()
        self.assertIn("made Secret elk-passwords", said)
        self.assertIn("done", said)
        self.assertEqual(self.count, STEPS)
        secret, passwords = self.kubernetes.secret, self.kubernetes.passwords()
        self.assertEqual((secret["kind"], secret["metadata"]["name"]), ("Secret", "elk-passwords"))
        self.assertEqual(set(passwords), KEYS)
        self.assertEqual(len(set(passwords.values())), len(KEYS))
        for word in passwords.values():
            self.assertGreaterEqual(len(word), 32)
            self.assertTrue(word.isalnum())
        self.assertIn("is there already", self.succeeds())
        self.assertEqual(self.kubernetes.secret, secret)
        self.kubernetes.secret = None
        self.succeeds()
        self.assertFalse(set(passwords.values()) & set(self.kubernetes.passwords().values()))
        for program in PROGRAMS[:3]:  # the notes were taken
            self.assertIn(f"/{program}\n", (self.folder / "arguments").read_text())

    def test_it_is_killed_at_every_step_and_run_again(self):
        for step in range(1, STEPS + 1):
            for moment in ("before", "after"):
                with self.subTest(step=step, moment=moment):
                    self.doCleanups()
                    self.setUp()
                    self.elasticsearch.start()
                    self.hold_at = (step, moment)
                    process = self.start()
                    self.assertTrue(self.held.wait(60))
                    os.killpg(process.pid, signal.SIGKILL)
                    self.assertEqual(self.finish(process)[0], -signal.SIGKILL)
                    made = self.kubernetes.secret is not None
                    self.assertEqual(made, (step, moment) != (1, "before"))
                    secret, self.hold_at = self.kubernetes.secret, None
                    self.go_on.set()
                    self.succeeds()
                    if made:
                        self.assertEqual(self.kubernetes.secret, secret)

    def test_elasticsearch_takes_its_time(self):
        self.elasticsearch.instead = [(503, '{"error":{"reason":"not yet"}}'), (408, "{}"),
                                      (401, '{"error":{"reason":"index"}}')]
        process = self.start()
        read = ""
        while "waiting" not in read:  # nobody listens so far
            line = process.stdout.readline()
            self.assertTrue(line, read)
            read += line
        self.elasticsearch.start()
        status, said = self.finish(process, read)
        self.assertEqual(status, 0, said)
        for part in ("curl: (7) Failed to connect", "HTTP 503: not yet", "HTTP 408", "HTTP 401: index"):
            self.assertRegex(said, f"Elasticsearch: waiting; {self.elasticsearch.url}/[^ ]* said .*{re.escape(part)}")
        self.assertEqual(self.elasticsearch.instead, [])
        self.succeeds()

    def test_it_gives_up_with_the_last_answer(self):
        self.elasticsearch.instead = [(503, '{"error":{"reason":"no master"}}')] * 1000
        self.fails("gave up after", "HTTP 503: no master", WAIT_SECONDS="1")

    def test_a_step_in_between_that_has_to_be_repeated(self):
        self.succeeds()
        wanted, asked = self.elasticsearch.answer, []

        def moody(*arguments):
            asked.append(arguments[:2])
            return (500, "oops") if len(asked) % 2 else wanted(*arguments)
        self.elasticsearch.answer = moody
        self.succeeds()
        self.assertEqual(len(asked), 2 * (STEPS - 2))

    def test_wrong_answers_end_it(self):
        refusal = '{"kind": "Status", "message": "secrets is forbidden: \\"elk-setup\\" cannot create resource"}'
        self.kubernetes.instead = [(403, refusal)]
        self.fails("making Secret elk-passwords", "HTTP 403: secrets is forbidden", "cannot create resource")
        self.assertEqual(self.elasticsearch.requests, [])
        self.elasticsearch.instead = [(200, "<html>something else</html>")]
        self.fails(f"Elasticsearch: {self.elasticsearch.url}/_cluster/health", "said HTTP 200: this is not what")
        self.kubernetes.instead = [(409, "{}"), (200, "<html>something else</html>")]
        self.fails("reading Secret elk-passwords", "said HTTP 200: this")

    def test_an_answer_that_repeats_a_password(self):
        wanted = self.elasticsearch.answer
        for part, what in (("_password", "password of kibana_system"), ("/role/", "role flows_writer"),
                           ("/user/logstash_flows", "user logstash_flows"), ("/_ilm/", "lifecycle policy flows")):
            def repeats(method, path, headers, body, part=part):
                if part in path:
                    reason = " ".join(["I do not like", *self.kubernetes.passwords().values()])
                    return 400, {"error": {"root_cause": [{"type": "x", "reason": reason}]}, "status": 400}
                return wanted(method, path, headers, body)
            self.elasticsearch.answer = repeats
            self.fails(what, "HTTP 400: I do not like (hidden) (hidden) (hidden) (hidden)")

    def test_a_secret_of_ones_own(self):
        mine = {"elastic": "it's:$(id)&*%{x}`~", "kibana_system": "[a-z]/?#|", "logstash": "//#{}@,;=+",
                "kibana_encryption_key": "!" * 32}
        self.kubernetes.keep({"kind": "Secret", "stringData": mine})
        self.succeeds()
        self.assertEqual(self.kubernetes.passwords(), mine)
        for key, word, part in (
                ("logstash", None, "has no key logstash"), ("elastic", "short", "key elastic: allowed are 6 or more"),
                ("kibana_system", 'quo"te-quo', "key kibana_system"), ("logstash", "back\\slash", "key logstash"),
                ("logstash", "two words", "key logstash"), ("elastic", "umläut-umläut", "key elastic"),
                ("logstash", "two\nlines", "key logstash"), ("elastic", "nul\0nul", "key elastic"),
                ("kibana_encryption_key", "x" * 31, "allowed are 32 or more")):
            words = {**mine, key: word}
            if word is None:
                del words[key]
            self.kubernetes.keep({"kind": "Secret", "stringData": words})
            self.fails(part)

    def test_what_is_missing_is_named(self):
        self.fails("lifecycle.json is missing", "kubectl create configmap logstash-configmap",
                   LIFECYCLE=str(self.folder / "lifecycle.json"))
        self.fails("token is missing", "ServiceAccount elk-setup", SERVICE_ACCOUNT=str(self.folder / "programs"))
        self.assertEqual(self.count, 0)

    def test_another_authority_than_the_clusters(self):
        other = self.folder / "other"
        other.mkdir()
        self.addCleanup(shutil.rmtree, other)
        Authority(other, "ca")
        for name in ("token", "namespace"):
            shutil.copy(self.folder / name, other)
        self.fails("gave up", "certificate", SERVICE_ACCOUNT=str(other), WAIT_SECONDS="0")
        self.assertEqual(self.count, 0)

    def test_with_security_off_there_is_no_password(self):
        self.elasticsearch.elastic = lambda: None
        status, said = self.run_job(SECURITY="false", SERVICE_ACCOUNT="/nonexistent")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.kubernetes.requests, [])
        self.assertEqual([request[:3] for request in self.elasticsearch.requests],
                         [("GET", "/_cluster/health?wait_for_status=yellow&timeout=10s", None),
                          ("PUT", "/_ilm/policy/flows", None)])
        self.assertEqual(self.elasticsearch.policies, {"flows": json.loads(LIFECYCLE.read_text())})


if __name__ == "__main__":
    sys.exit(unittest.main())
