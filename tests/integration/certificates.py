"""Authorities and certificates of a test, made with openssl(1) when it runs."""

from harness import run


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.certificate)

    def issue(self, stem, names, days=2):
        """(certificate, key) for names such as "DNS:collector.example,IP:192.0.2.1"; of -1 days: expired a day ago."""
        request, extensions, certificate, key = (self.folder / f"{stem}.{suffix}" for suffix in ("csr", "ext", "crt", "key"))
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={stem}",
            "-keyout", key, "-out", request)
        extensions.write_text(f"subjectAltName={names}\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
            "-days", str(days), "-extfile", extensions, "-out", certificate)
        return certificate, key
