from __future__ import annotations

import pytest
from tests.unit.review.helpers import review_project

from tidegate.review.fix import applied

RULE = "io-adapter-missing"
SERVER = "import { Server } from 'socket.io';\nexport const io = new Server(http, {});\n"
GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
@WebSocketGateway()
export class ChatGateway {}
"""
CLUSTER = """\
import cluster from 'cluster';
import { NestFactory } from '@nestjs/core';
if (cluster.isPrimary) {
  for (let i = 0; i < 4; i++) cluster.fork();
}
"""
PYTHON = """\
import socketio
import uvicorn
sio = socketio.AsyncServer(async_mode="asgi")
"""


@pytest.mark.parametrize(
    "more",
    [
        {"ecosystem.config.js": "module.exports = { apps: [{ instances: 'max' }] };"},
        {"ecosystem.config.js": "module.exports = { apps: [{ name: 'api', instances: 4 }] };"},
        {"package.json": '{ "scripts": { "start": "pm2 start dist/main.js -i max" } }'},
        {"docker-compose.yml": "services:\n  api:\n    build: .\n    deploy:\n      replicas: 3\n"},
        {"k8s/api.yaml": "kind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 2\n"},
        {"main.ts": CLUSTER},
    ],
)
@pytest.mark.parametrize("code", [SERVER, GATEWAY])
def test_several_nodes_without_an_adapter(code: str, more: dict[str, str]) -> None:
    [finding] = review_project({"a.ts": code, **more}, RULE).findings
    assert finding.file == "a.ts"
    assert finding.confidence == ("certain" if "main.ts" in more else "likely")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ecosystem.config.js": "module.exports = { apps: [{ instances: 1 }] };"},
        {"docker-compose.yml": "services:\n  api:\n    build: .\n  redis:\n    scale: 2\n"},
        {"docker-compose.yml": "services:\n  api:\n    build: .\n    # replicas: 3\n"},
        {"k8s/front.yaml": "kind: Deployment\nmetadata:\n  name: frontend\nspec:\n  replicas: 2\n"},
        {"main.ts": "// cluster.fork()\nimport cluster from 'cluster'; // socket.io\n"},
        {"main.ts": "import { fork } from 'child_process'; // socket.io\nfork('./job.js');\n"},
        {
            "main.ts": CLUSTER,
            "b.ts": "import { createAdapter } from '@socket.io/redis-adapter';\n"
            "io.adapter(createAdapter(pub, sub)); // socket.io\n",
        },
    ],
)
def test_the_near_misses(more: dict[str, str]) -> None:
    assert not review_project({"a.ts": SERVER, **more}, RULE).findings


@pytest.mark.parametrize(
    ("code", "more", "expected"),
    [
        (PYTHON + "uvicorn.run('a:app', workers=4)\n", {}, True),
        (PYTHON + "uvicorn.run('a:app', workers=1)\n", {}, False),
        (PYTHON, {"Dockerfile": "CMD gunicorn -k uvicorn.workers.UvicornWorker -w 4 a:app"}, True),
        (PYTHON, {"Dockerfile": 'CMD ["uvicorn", "a:app", "--workers", "4"]'}, True),
        (PYTHON, {"Dockerfile": "CMD uvicorn a:app"}, False),
        (
            PYTHON.replace('"asgi"', '"asgi", client_manager=manager'),
            {"Procfile": "web: gunicorn a:app --workers 4"},
            False,
        ),
        (
            "from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n",
            {"Procfile": "web: gunicorn a:app -w 2"},
            True,
        ),
    ],
)
def test_python(code: str, more: dict[str, str], expected: bool) -> None:
    findings = review_project({"a.py": code, **more}, RULE).findings
    assert bool(findings) is expected
    for finding in findings:
        assert finding.fix is not None
        text = applied(code, finding.fix.edits)
        compile(text, "a.py", "exec")
        assert not review_project({"a.py": text, **more}, RULE).findings
