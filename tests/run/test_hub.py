"""Push and pull against a server on this machine that answers as the Hugging Face hub does."""

import base64
import hashlib
import http.server
import json
import re
import sys
import threading

import numpy as np
import pytest
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan.console.main import main
from jgan.run import hub
from jgan.run.share import FILES
from jgan.run.trained import load
from jgan.systems import gan

CONFIG = gan.Config(resolution=8, latent_size=3, hidden=4, units=2, pieces=2, batch=4, limit=8)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.BaseHTTPRequestHandler):
    """Repositories of models, each {path: content}; `protocol` of the real hub as far as a push and a pull need it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            about = json.loads(body)
            name = f"{about['organization']}/{about['name']}" if about.get("organization") else about["name"]
            self.server.made.append(about)
            self.server.repositories.setdefault(name, {})
            return self.answer({"url": f"{self.server.address}/{name}"})
        if match := re.match(r"/api/models/(.+?)/preupload/", self.path):
            return self.answer({"files": [self.as_regular(file) for file in json.loads(body)["files"]]})
        if match := re.match(r"/api/models/(.+?)/commit/", self.path):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.repositories[match[1]][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return self.answer({"commitUrl": f"{self.server.address}/{match[1]}/commit/{COMMIT}", "commitOid": COMMIT})
        self.answer({}, 200 if self.path.startswith("/api/validate-yaml") else 404)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if match := re.match(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+)?(\?|$)", self.path):
            return self.answer({"id": match[1], "sha": COMMIT, "private": False, "tags": []})
        if (match := re.match(r"/api/models/([^/]+/[^/]+)/tree/", self.path)) and match[1] in self.server.repositories:
            files = self.server.repositories[match[1]]
            return self.answer([{"type": "file", "path": path, "size": len(x), "oid": COMMIT} for path, x in files.items()])
        if match := re.match(r"/([^/]+/[^/]+)/resolve/[^/]+/([^?]+)", self.path):
            content = self.server.repositories.get(match[1], {}).get(match[2])
            if content is None:
                return self.missing("EntryNotFound")
            self.server.taken.append(match[2])
            return self.send(content, 200, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})
        self.missing("RepoNotFound")

    def as_regular(self, file):
        return {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}

    def missing(self, code):
        self.send(b"{}", 404, {"X-Error-Code": code, "X-Error-Message": "there is none"})

    def answer(self, content, status=200):
        self.send(json.dumps(content).encode(), status, {"Content-Type": "application/json"})

    def send(self, content, status, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs the extra hub")
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    found.daemon_threads = True
    found.repositories, found.made, found.taken = {}, [], []
    found.address = f"http://127.0.0.1:{found.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", found.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", found.address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setenv("HF_TOKEN", "a-token")
    monkeypatch.chdir(tmp_path)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return random_run(gan.SYSTEM, CONFIG, tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # of the package's sockets
def test_a_run_goes_there_and_back(server, run, tmp_path, capsys):
    main(["push", str(run), "me/tiny.gan", "--private"])
    assert capsys.readouterr().out == f"{server.address}/me/tiny.gan\n"
    assert set(server.repositories["me/tiny.gan"]) == set(FILES) and server.made[0]["visibility"] == "private"
    assert b"jgan pull me/tiny.gan --out tiny.gan" in server.repositories["me/tiny.gan"]["README.md"]
    server.repositories["me/tiny.gan"] |= {"evil.pkl": b"cos\nsystem\n", "../../escaped": b"x", "run.py": b"exit()"}
    main(["pull", "me/tiny.gan"])
    assert set(server.taken) == set(FILES)  # nothing else is asked for
    assert sorted(path.name for path in (tmp_path / "tiny.gan").iterdir()) == sorted(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gan"]
    np.testing.assert_array_equal(load("tiny.gan")(range(2)), load(run)(range(2)))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_no_run_leaves_nothing_behind(server, run, tmp_path, capsys):
    server.repositories["me/other"] = {"README.md": b"", "pytorch_model.bin": b""}
    assert "me/other holds no run of JGAN: expected the files config.json" in refused(capsys, "pull", "me/other")
    server.repositories["me/bad"] = {"config.json": b'{"system": "os", "config": {}}', "data.json": b"{}", "model.safetensors": b""}
    assert "unknown system 'os'" in refused(capsys, "pull", "me/bad")
    assert "the hub refused me/none: 404" in refused(capsys, "pull", "me/none")
    assert not list(tmp_path.iterdir())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    assert "expected a new or an empty folder, found full" in refused(capsys, "pull", "me/full")


def test_no_network(server, tmp_path, monkeypatch, capsys):
    from huggingface_hub import HfApi, errors

    def unreachable(*_, **__):
        raise errors.HTTPError("connection refused")

    monkeypatch.setattr(HfApi, "list_repo_files", unreachable)
    assert "the hub could not be reached for me/tiny: connection refused" in refused(capsys, "pull", "me/tiny")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["gan", "../x/y", "a/../b", "a/b/c", "/a", "me/..", "me/a b", "https://x/y"])
def test_names(name):
    with pytest.raises(ValueError, match="expected the name of a repository on the hub, user/name, found"):
        hub.check_name(name)


def test_without_the_package(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "needs the package huggingface_hub: pip install 'jgan[hub]'" in refused(capsys, "pull", "me/gan")
