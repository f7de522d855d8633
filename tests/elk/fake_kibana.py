"""A fake Kibana: it answers the import of saved objects as it is told to and remembers what it was sent. What a real one
thinks of the objects it cannot say."""

import email
import http.server
import json
import threading


class FakeKibana:
    """With a password, user "elastic" has it and nobody else gets in. answer: (HTTP status, JSON object or text)."""

    def __init__(self, answer, password=None):
        self.answer, self.password, self.requests = answer, password, []
        kibana = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kibana.requests.append((self.path, dict(self.headers), body))
                status, said = kibana.answered(self.headers)
                text = said if isinstance(said, str) else json.dumps(said)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://elsewhere.example/")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answered(self, headers):
        if self.password is not None and headers["Authorization"] != self.password:
            return 401, {"statusCode": 401, "error": "Unauthorized",
                         "message": "[security_exception]: unable to authenticate"}
        if headers["kbn-xsrf"] is None:
            return 400, {"statusCode": 400, "error": "Bad Request",
                         "message": "Request must contain a kbn-xsrf header."}
        return self.answer

    def uploaded(self):
        """(name of the form's field, name of the file, content) of the last request, as a mail reader takes it apart."""
        _, headers, body = self.requests[-1]
        form = email.message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
        part, = form.get_payload()
        disposition = part.get_params(header="Content-Disposition")
        return dict(disposition)["name"], dict(disposition)["filename"], part.get_payload(decode=True)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
