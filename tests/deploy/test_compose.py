"""deploy/compose.yaml: Docker Compose accepts it, and it says what operators rely on. No container is started."""

import re
import shutil

import pytest
import yaml

from tree import BINARY, DEPLOY, TOOLS, run

ROLES = {"gateway-1": "gateway", "gateway-2": "gateway", "worker-1": "worker", "worker-2": "worker",
         "worker-3": "worker", "scheduler": "scheduler", "migrate": "migrate", "sandbox": "sandbox"}
THEIRS = {"postgres", "rabbitmq", "redis"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets") / "made"
    status, said = run(DEPLOY / "compose" / "secrets", folder)
    assert status == 0, said
    return folder


def config(folder, file=DEPLOY / "compose.yaml", **variables):
    env = {"SYNCLINE_SECRETS": str(folder), "SYNCLINE_PUBLIC_URL": "https://sync.example.com", **variables}
    env = {name: value for name, value in env.items() if value is not None}
    return run(TOOLS / "docker-compose", "-f", file, "config", env=env)


@pytest.fixture(scope="module")
def fleet(secrets):
    status, said = config(secrets)
    assert status == 0, said
    return yaml.safe_load(said)


def test_every_role_is_there(fleet):
    assert set(fleet["services"]) == set(ROLES) | THEIRS
    for name, role in ROLES.items():
        assert fleet["services"][name]["command"][0] == role, name


@pytest.mark.parametrize("missing", ["SYNCLINE_SECRETS", "SYNCLINE_PUBLIC_URL"])
def test_what_must_be_said_and_is_not_stops_it(secrets, missing):
    status, said = config(secrets, **{missing: None})
    assert status != 0 and f"required variable {missing} is missing" in said, said


def test_a_misspelt_key_is_refused(secrets, tmp_path):
    broken = (DEPLOY / "compose.yaml").read_text().replace("restart: unless-stopped", "restrat: unless-stopped", 1)
    shutil.copytree(DEPLOY / "compose", tmp_path / "compose")
    (tmp_path / "compose.yaml").write_text(broken)
    status, said = config(secrets, tmp_path / "compose.yaml")
    assert status != 0 and "restrat" in said, said


def test_images_are_pinned(fleet):
    for name, service in fleet["services"].items():
        tag = service["image"].rpartition(":")[2]
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-[a-z0-9]+)?", tag), f"{name}: {service['image']}"


def test_everything_is_watched_and_comes_back(fleet):
    for name, service in fleet["services"].items():
        if name == "migrate":
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_our_containers_have_no_rights(fleet):
    for name in ROLES:
        service = fleet["services"][name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_roles_wait_for_the_migrated_database(fleet):
    for name, role in ROLES.items():
        needs = fleet["services"][name].get("depends_on", {})
        if role in ("gateway", "worker", "scheduler"):
            assert needs["migrate"]["condition"] == "service_completed_successfully", name
            assert {needs[one]["condition"] for one in THEIRS} == {"service_healthy"}, name


def test_ports_are_open_to_this_machine_only_and_databases_to_nobody(fleet):
    for name, service in fleet["services"].items():
        for port in service.get("ports", []):
            assert port.get("host_ip") == "127.0.0.1", name
        if name in THEIRS:
            assert not service.get("ports"), name
            assert list(service["networks"]) == ["inside"], name
    assert fleet["networks"]["inside"]["internal"] is True


def test_no_password_stands_in_the_file(secrets, fleet):
    passwords = [(secrets / name).read_text().strip() for name in
                 ("postgres-password", "syncline-password", "rabbitmq-password", "redis-password", "jwt-secret")]
    assert len(set(passwords)) == 5 and min(map(len, passwords)) == 64
    said = yaml.safe_dump(fleet)
    assert not [one for one in passwords if one in said]
    for name, service in fleet["services"].items():
        for variable in service.get("environment") or {}:
            assert not re.search(r"PASSWORD$|SECRET$|_KEY$|__URL$", variable), f"{name}: {variable}"


def test_every_secret_is_made_and_kept(secrets, fleet):
    for name, secret in fleet["secrets"].items():
        assert secret["file"] == str(secrets / name)
        assert (secrets / name).is_file(), name
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert run(DEPLOY / "compose" / "secrets", secrets)[0] == 0
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o077 == 0


def loaded(secrets, tmp_path, text):
    """What the program makes of a configuration in which the secrets are here."""
    file = tmp_path / "syncline.toml"
    file.write_text(text.replace("/run/secrets/", f"{secrets}/"))
    return run(BINARY, "config", "--config", file)


def test_the_program_understands_its_configuration(secrets, tmp_path):
    text = (DEPLOY / "compose" / "syncline.toml").read_text()
    status, said = loaded(secrets, tmp_path, text)
    assert status == 0, said
    for part in ("postgres:5432/syncline", "rabbitmq:5672", "redis:6379/0"):
        assert part in said, said
    assert (secrets / "syncline-password").read_text().strip() not in said
    status, said = loaded(secrets, tmp_path, text.replace("fallback_percent", "fallback_per_cent"))
    assert status != 0 and "fallback_per_cent" in said, said
