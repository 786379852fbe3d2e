"""compose.yaml and the Dockerfile say the same as the rest of the house."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from compose_spec import PyCompose

from models.kit import settings
from ops import keys
from ops.parts import reachable
from ops.plan import PYTHON_PARTS
from ops.postgres import Cluster, free_port
from ops.processes import Process
from ops.temporal import SEARCH_ATTRIBUTES, TemporalServer

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = [name for name, service in SERVICES.items() if "build" in service]
DATABASE_SETTINGS = {"DATABASE_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL"}
JOBS = {"temporal-schema", "temporal-namespace", "migrate", "introduce"}
SERVED_AT = {
    "app": ["--host", "0.0.0.0", "--port", "8000"],
    "sandbox": ["--host", "0.0.0.0", "--port", "9000"],
}


def environment(service: str) -> dict[str, str]:
    return SERVICES[service].get("environment", {})


def test_compose_keeps_to_the_specification() -> None:
    plain = {key: value for key, value in COMPOSE.items() if not key.startswith("x-")}

    read = PyCompose.from_json(json.dumps(plain))
    read.validate()

    assert set(read.service_names()) == set(SERVICES)


def test_a_misspelt_condition_is_noticed() -> None:
    broken = {"services": {"a": {"image": "x", "depends_on": {"b": {"condition": "service_wealthy"}}}}}

    with pytest.raises(Exception, match="service_wealthy"):
        PyCompose.from_json(json.dumps(broken))


def test_one_waits_only_for_what_can_be_waited_for() -> None:
    waits = [
        (name, other, how["condition"])
        for name, service in SERVICES.items()
        for other, how in service.get("depends_on", {}).items()
    ]

    assert len(waits) > 6
    for name, other, condition in waits:
        assert other in SERVICES, (name, other)
        if condition == "service_healthy":
            assert "healthcheck" in SERVICES[other], (name, other)
        else:
            assert condition == "service_completed_successfully", (name, other)
            assert other in JOBS, (name, other)


def test_everything_that_stays_is_asked_whether_it_is_well() -> None:
    staying = set(SERVICES) - JOBS - {"temporal-ui"}

    assert {name for name in staying if "healthcheck" not in SERVICES[name]} == set()
    assert all(SERVICES[job]["restart"].startswith("on-failure") for job in JOBS)


def test_no_port_of_temporal_or_of_the_database_is_published() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published), published
    assert not any(port.endswith((":7233", ":5432", ":9090")) for port in published), published


def test_our_services_are_given_documented_settings_only() -> None:
    known = set(settings.names()) | DATABASE_SETTINGS

    for service in OURS:
        names = {name.removesuffix("_FILE") for name in environment(service)}
        assert names, service
        names -= {"SANDBOX_BOOK"} if service == "sandbox" else set()
        names -= {"TELEPHONY_URL"} if service == "introduce" else set()  # only heard, never asked
        assert names <= known, (service, names - known)


def test_a_part_is_told_only_its_own_way_to_the_database() -> None:
    told = {
        service: DATABASE_SETTINGS & {n.removesuffix("_FILE") for n in environment(service)}
        for service in OURS
    }

    assert told == {
        "app": {"DATABASE_URL"},
        "worker": {"DATABASE_WORKER_URL"},
        "letterbox": {"DATABASE_URL"},
        "migrate": {"DATABASE_OWNER_URL"},
        "sandbox": set(),
        "introduce": set(),
    }


@pytest.mark.parametrize("service", sorted(PYTHON_PARTS))
def test_compose_starts_what_one_machine_starts(service: str) -> None:
    assert SERVICES[service]["command"] == ["python", *PYTHON_PARTS[service], *SERVED_AT.get(service, [])]


def test_the_image_starts_the_app() -> None:
    command = re.search(r"^CMD (\[.*\])", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)

    assert command is not None
    assert json.loads(command[1]) == SERVICES["app"]["command"]
    assert "\nUSER ieum\n" in DOCKERFILE.rpartition("FROM ")[2]


def test_secrets_come_from_files_alone() -> None:
    secret = re.compile(r"SECRET|PASSWORD|PWD|TOKEN|KEYS|DATABASE_\w*URL")
    for name in SERVICES:
        for setting, value in environment(name).items():
            if secret.search(setting):
                assert setting.endswith("_FILE"), (name, setting)
                mounted = value.removeprefix("/run/secrets/")
                assert mounted in SERVICES[name]["secrets"], (name, setting)

    read = set(re.findall(r"/run/secrets/(\w+)", (ROOT / "compose.yaml").read_text()))
    assert read <= set(COMPOSE["secrets"])


def test_the_secret_files_that_compose_mounts_are_the_ones_we_make(tmp_path: Path) -> None:
    made = keys.write_files(tmp_path / "secrets")
    before = {name: (tmp_path / "secrets" / name).read_text() for name in made}
    keys.write_files(tmp_path / "secrets")

    assert set(made) == set(COMPOSE["secrets"])
    assert {name: (tmp_path / "secrets" / name).read_text() for name in made} == before
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_compose_and_the_development_server_know_the_same_search_attributes() -> None:
    script = SERVICES["temporal-namespace"]["command"][0]

    assert dict(re.findall(r"(\w+)=(Keyword|Datetime)", script)) == SEARCH_ATTRIBUTES


@pytest.mark.parametrize(("service", "which"), [("app", "DATABASE_URL"), ("worker", "DATABASE_WORKER_URL")])
def test_the_settings_are_complete_under_the_environment_of_compose(
    service: str, which: str, tmp_path: Path
) -> None:
    keys.write_files(tmp_path / "secrets")

    ask = f"from models.kit.settings import settings; print(settings('{which}'))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True,
                          env=here(service, tmp_path))  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "temporal_namespace='ieum'" in done.stdout


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    """A PostgreSQL as compose.yaml makes it, migrated by its job, and the folder of secret files."""
    folder = tmp_path_factory.mktemp("deployed")
    cluster = Cluster(folder / "postgres", free_port(), durable=False)
    cluster.data = reachable(cluster.data, cluster.user)
    cluster.start()
    try:
        keys.write_files(folder / "secrets")
        for url in (folder / "secrets").glob("database*url"):
            url.write_text(url.read_text().replace("postgres:5432", f"127.0.0.1:{cluster.port}"))
        script = (
            (ROOT / "deploy/pg-init/10-roles.sql").read_text().replace("/run/secrets", f"{folder}/secrets")
        )
        psql = [str(cluster.bin / "psql"), "-v", "ON_ERROR_STOP=1", "-q", "-d", cluster.url()]
        subprocess.run(psql, input=script, text=True, check=True)
        migrate = Process("migrate", command("migrate"), env=here("migrate", folder), cwd=ROOT)
        migrate.start()
        assert migrate.wait(60)
        assert migrate.ended_with() == 0
        yield cluster, folder
    finally:
        cluster.stop()
        shutil.rmtree(cluster.data)


def command(service: str) -> list[str]:
    return [sys.executable, *SERVICES[service]["command"][1:]]


def here(service: str, folder: Path) -> dict[str, str]:
    """The environment that compose gives a service, its defaults taken and its secrets in `folder`."""
    given = {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value).replace("/run/secrets", f"{folder}/secrets")
        for name, value in environment(service).items()
    }
    return {"PATH": os.environ["PATH"], **given}


def test_the_database_of_compose_has_roles_of_little_power_and_one_owner(
    deployed: tuple[Cluster, Path],
) -> None:
    with psycopg.connect(deployed[0].url("ieum")) as admin:
        powers = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
        asked = f"select rolname, {powers} from pg_roles where rolcanlogin"
        roles = {role: held for role, *held in admin.execute(asked) if role != "postgres"}
        owners = admin.execute("select distinct tableowner from pg_tables where schemaname = 'public'")

        assert owners.fetchall() == [("ieum_owner",)]
    assert set(roles) == {"temporal", *keys.ROLES}
    assert not any(any(held) for held in roles.values()), roles


def test_app_and_worker_become_healthy_under_the_environment_of_compose(
    deployed: tuple[Cluster, Path], tmp_path: Path
) -> None:
    """The very commands, settings and health checks of compose.yaml; only addresses and ports are ours."""
    folder = deployed[1]
    temporal = TemporalServer(tmp_path / "temporal.db", free_port(), free_port(), namespace="ieum").start()
    ports = {"8000": str(free_port()), "9464": str(free_port())}
    moved = {"TEMPORAL_ADDRESS": temporal.address, "METRICS_PORT": ports["9464"], "FILES_DIR": str(tmp_path)}
    running = []
    try:
        for service in ("worker", "app"):
            words = [ports.get(word, word).replace("0.0.0.0", "127.0.0.1") for word in command(service)]
            running.append(
                Process(
                    service, words, env={**here(service, folder), **moved}, cwd=ROOT, log=tmp_path / service
                )
            )
            running[-1].start()

        for process in running:
            check = SERVICES[process.name]["healthcheck"]["test"][3]
            for port, ours in ports.items():
                check = check.replace(f":{port}/", f":{ours}/")
            until = time.monotonic() + 60
            while subprocess.run([sys.executable, "-c", check], capture_output=True).returncode != 0:
                assert process.is_alive(), process.last_lines()
                assert time.monotonic() < until, process.last_lines()
    finally:
        for process in running:
            process.stop(25)
        temporal.stop()
