"""The dashboards' diagrams drawn with npm's vega, which is installed once into the cache folder."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "ovs-flow-exporter"


def modules():
    """The folder of vega and what it needs, of the versions in package-lock.json."""
    files = [HERE / "package.json", HERE / "package-lock.json"]
    folder = CACHE / f"vega-{hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()[:12]}"
    if not (folder / ".complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, folder)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        (folder / ".complete").touch()
    return folder / "node_modules"


def draw(jobs):
    """jobs: [{"spec", "answer", "svg"}]; what render.js prints of them."""
    done = subprocess.run(["node", HERE / "render.js"], input=json.dumps({"jobs": jobs}), text=True, check=True,
                          capture_output=True, env={**os.environ, "NODE_PATH": str(modules())})
    return json.loads(done.stdout)
