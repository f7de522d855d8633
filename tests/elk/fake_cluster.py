"""Fakes of the Kubernetes API (Secrets of one namespace, over TLS) and of Elasticsearch (users, roles, policies), as far as
the Job elk-setup talks to them. They keep what they are sent; whether the real ones would take it they cannot say."""

import base64
import http.server
import json
import pathlib
import socket
import ssl
import sys
import threading

NAMESPACE, TOKEN = "elk-flow-collector", "the-account's-token"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


class Server:
    """instead: (HTTP status, text) given once each before the right answers. seen(request) is told of each request before
    and after what it does: request is (method, path), moment "before" or "after". faults: what went wrong here."""

    def __init__(self, seen, certificate=None):
        self.instead, self.requests, self.faults, self.seen, self.started = [], [], [], seen, False
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                request = (self.command, self.path)
                fake.requests.append((*request, self.headers["Authorization"], body))
                fake.seen(request, "before")
                status, said = fake.instead.pop(0) if fake.instead else fake.answer(*request, self.headers, body)
                fake.seen(request, "after")
                # As the API server does for curl, and Elasticsearch does not.
                text = said if isinstance(said, str) else json.dumps(said, indent=2 if certificate else None,
                                                                     separators=None if certificate else (",", ":"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                error = sys.exc_info()[1]
                if not isinstance(error, (ConnectionError, ssl.SSLEOFError)):  # those are of a client that was killed
                    fake.faults.append(error)

        # Bound, not listening: until start() a connection is refused.
        self.server = Quiet(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.server_bind()
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def start(self):
        self.started = True
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        if self.started:
            self.server.shutdown()
        self.server.server_close()


class FakeKubernetes(Server):
    def __init__(self, seen, certificate):
        super().__init__(seen, certificate)
        self.secret = None
        self.start()

    def passwords(self):
        return {key: base64.b64decode(value).decode() for key, value in ((self.secret or {}).get("data") or {}).items()}

    def keep(self, secret):
        given = secret.pop("stringData", {})
        self.secret = {**secret, "data": {key: base64.b64encode(text.encode()).decode() for key, text in given.items()}}

    def answer(self, method, path, headers, body):
        def failure(code, message):
            return code, {"kind": "Status", "status": "Failure", "message": message, "code": code}
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return failure(401, "Unauthorized")
        if (method, path) == ("POST", SECRETS):
            if self.secret is not None:
                return failure(409, 'secrets "elk-passwords" already exists')
            self.keep(json.loads(body))
            return 201, self.secret
        if (method, path) == ("GET", f"{SECRETS}/elk-passwords") and self.secret is not None:
            return 200, self.secret
        return failure(404, f"{path} not found")


class FakeElasticsearch(Server):
    """elastic(): the password of its first user, which it gets from the Secret when it starts; None: security is off."""

    def __init__(self, seen, elastic):
        super().__init__(seen)
        self.elastic = elastic
        self.passwords, self.roles, self.users, self.policies = {}, {}, {}, {}

    def answer(self, method, path, headers, body):
        login = self.elastic()
        basic = "Basic " + base64.b64encode(f"elastic:{login}".encode()).decode()
        if login is not None and headers["Authorization"] != basic:
            return 401, {"error": {"type": "security_exception", "reason": "unable to authenticate user [elastic]"}}
        if method == "GET" and path.startswith("/_cluster/health?"):
            return 200, {"cluster_name": "elk-flow-collector", "status": "yellow"}
        if headers["Content-Type"] != "application/json":
            return 406, {"error": {"reason": "Content-Type header is not supported"}}
        content, name = json.loads(body), pathlib.PurePosixPath(path).name
        if (method, path) == ("POST", "/_security/user/kibana_system/_password"):
            self.passwords["kibana_system"] = content["password"]
            return 200, {}
        for prefix, kept, said in (("/_security/role/", self.roles, {"role": {"created": name not in self.roles}}),
                                   ("/_security/user/", self.users, {"created": name not in self.users}),
                                   ("/_ilm/policy/", self.policies, {"acknowledged": True})):
            if method == "PUT" and path == prefix + name:
                kept[name] = content
                return 200, said
        return 400, {"error": {"reason": f"no handler found for uri [{path}] and method [{method}]"}}
