"""The example's compose file: what it sets exists, and is fit for production."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tidegate.app.config import load_settings
from tidegate.app.safety import unsafe_settings

EXAMPLES = Path(__file__).parents[2] / "examples"
VARIABLES = {
    "RABBITMQ_PASSWORD": "6d2c81f0b5e94a37",
    "AUTH_SECRET": "Q2hvb3NlIHlvdXIgb3duLCBub3QgdGhpcyBvbmUgaGVyZSE=",
    "API_KEY": "bm90IHRoaXMgb25lIGVpdGhlciwgcGxlYXNlLCBkZWFyIHJlYWRlcg==",
    "TENANT_KEY": "YW5kIG5vdCB0aGlzIG9uZQ==",
}


@pytest.fixture
def services() -> dict[str, Any]:
    """The services, with variables replaced as Compose does."""
    text = (EXAMPLES / "compose.yaml").read_text()
    text = re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda match: VARIABLES[match[1]], text)
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def test_the_gateway_takes_all_of_its_settings(services: dict[str, Any]) -> None:
    environment = services["gateway"]["environment"]
    assert all(name.startswith("TIDEGATE_") for name in environment)
    loaded = load_settings(file=None, environ=environment, flags={})
    assert len(loaded.sources) == len(environment)
    assert unsafe_settings(loaded) == []
    settings = loaded.settings
    assert settings.log.kind == "rabbitmq"
    [queue] = settings.rabbitmq.queues
    assert (queue.name, queue.envelope) == ("tidegate.notifications", "plain")
    assert queue.exchanges[0].exchange == "events"


def test_every_service_has_a_health_check_and_what_it_mounts_exists(
    services: dict[str, Any],
) -> None:
    for service in services.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (EXAMPLES / source).is_file()
        if "build" in service:
            dockerfile = (EXAMPLES / service["build"] / "Dockerfile").read_text()
            assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)
    plugins = (EXAMPLES / "rabbitmq" / "enabled_plugins").read_text()
    assert plugins == "[rabbitmq_stream].\n"


def test_the_example_of_variables_names_all_of_them() -> None:
    lines = (EXAMPLES / ".env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert named == set(VARIABLES)
    used = re.findall(r"\$\{(\w+)", (EXAMPLES / "compose.yaml").read_text())
    assert set(used) == named
