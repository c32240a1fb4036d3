"""deploy/Dockerfile: hadolint finds nothing, and it says what operators rely on. `./test image` builds it."""

import http.server
import re
import shutil
import threading

import pytest

from tree import BINARY, DEPLOY, OPERATIONS, ROOT, beside_python, run

DOCKERFILE = DEPLOY / "Dockerfile"


def test_hadolint_finds_nothing():
    status, said = run(beside_python("hadolint"), "--failure-threshold", "style", DOCKERFILE)
    assert status == 0 and not said, said


@pytest.mark.parametrize("before, after, rule", [
    (":bookworm-20250520-slim", ":latest", "DL3007"),
    ("USER 10001:10001", "USER root", "DL3002"),
    ("--no-install-recommends ", "", "DL3015"),
])
def test_hadolint_would_complain(tmp_path, before, after, rule):
    text = DOCKERFILE.read_text()
    assert before in text
    spoiled = text.replace(before, after)
    if rule == "DL3007":
        spoiled = spoiled.replace("FROM ${BASE} AS runtime", "FROM debian:latest AS runtime")
    (tmp_path / "Dockerfile").write_text(spoiled)
    status, said = run(beside_python("hadolint"), "--failure-threshold", "style", tmp_path / "Dockerfile")
    assert status != 0 and rule in said, said


def test_the_toolchain_is_the_one_the_workspace_asks_for():
    wanted = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    assert f"rust:{wanted}" in DOCKERFILE.read_text()


def test_what_is_copied_is_there_and_not_ignored():
    """A build context without one of these fails only where images are built."""
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", DOCKERFILE.read_text(), re.M)
    sources = {source for line in copies for source in line.split()[:-1]} - {"${BINARY}"}
    assert sources and sources <= kept, sources - kept
    for source in sources:
        assert (ROOT / source).exists(), source


def test_the_health_check_tells_well_from_ill():
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/readyz" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

        protocol_version = "HTTP/1.1"

    healthy = DEPLOY / "healthy"
    assert shutil.which("bash")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert run(healthy, port, "/readyz")[0] == 0
        assert run(healthy, port, "/other")[0] != 0
        server.shutdown()
    assert run(healthy, port, "/readyz")[0] != 0


@pytest.mark.parametrize("role", ["serve", "migrate", "sandbox"])
def test_the_program_knows_what_containers_run(role):
    status, said = run(BINARY, role, "--help")
    assert status == 0, said


@pytest.mark.parametrize("role", ["gateway", "worker", "scheduler"])
def test_roles_are_there_as_soon_as_the_documents_say_so(role):
    """Either docs/operations.md says that roles are not processes of their own yet, or the program knows them."""
    not_yet = "roles as processes of their own" in re.search(r"\A.*?(?=^## )", OPERATIONS.read_text(), re.M | re.S)[0]
    status, said = run(BINARY, role, "--help")
    assert (status == 0 and "--config" in said) is not not_yet, said
