from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tidegate.review.model import Project
from tidegate.review.model.nest import gateways
from tidegate.review.model.node_sockets import servers

GATEWAY = """\
import { WebSocketGateway } from '@nestjs/websockets';
import { base, buildOptions, Settings } from './options';
@WebSocketGateway(ARGS)
export class A {}
"""
OPTIONS = """\
export const base = { transports: ['websocket'], cors: { origin: 'https://a.example' } };
export function buildOptions(namespace: string) {
  const options = { namespace, transports: ['polling'] };
  return options;
}
export const arrow = () => ({ pingInterval: 1 });
export class Settings {
  static readonly options = { path: '/ws' };
}
"""


def project_of(files: dict[str, str]) -> Project:
    project = Project(Path(tempfile.gettempdir()), files, [])
    for name, text in files.items():
        project.add(name, text.encode())
    return project


@pytest.mark.parametrize(
    ("args", "port", "names"),
    [
        ("", "", set()),
        ("81", "81", set()),
        ("0, { cors: true }", "", {"cors"}),
        ("PORT, { cors: true }", "PORT", {"cors"}),
        ("Number(process.env.PORT), { cors: true }", "Number(process.env.PORT)", {"cors"}),
        ("{ ...base, namespace: 'a' }", "", {"transports", "cors", "namespace"}),
        ("base as GatewayMetadata", "", {"transports", "cors"}),
        ("buildOptions('a')", "", {"namespace", "transports"}),
        ("81, { ...buildOptions('a'), path: '/x' }", "81", {"namespace", "transports", "path"}),
        ("Settings.options", "", {"path"}),
        ("Object.assign({}, base, { path: '/x' })", "", {"transports", "cors", "path"}),
        ("unheardOf()", "", {"..."}),
        ("{ ...unheardOf, cors: true }", "", {"...", "cors"}),
    ],
)
def test_options_of_a_gateway(args: str, port: str, names: set[str]) -> None:
    project = project_of({"options.ts": OPTIONS, "a.ts": GATEWAY.replace("ARGS", args)})
    [gateway] = gateways(project, project.files["a.ts"])
    assert (gateway.port, set(gateway.options)) == (port, names)


def test_what_is_set_later_wins() -> None:
    text = GATEWAY.replace("ARGS", "{ ...base, transports: ['polling'] }")
    project = project_of({"options.ts": OPTIONS, "a.ts": text})
    [gateway] = gateways(project, project.files["a.ts"])
    assert gateway.options["transports"].text == "['polling']"
    assert gateway.holder is not None
    assert gateway.holder.text.startswith("{ ...base")


def test_options_of_a_server() -> None:
    code = """\
const { Server } = require('socket.io');
const corsOptions = require('./cors');
const options = { cors: corsOptions, ...more };
const io = new Server(http.createServer(app), options);
const plain = new Server(http);
const elsewhere = new Server(http, make());
"""
    project = project_of({"a.js": code})
    known, plain, unknown = servers(project, project.files["a.js"])
    assert set(known.options or ()) == {"cors", "..."}
    assert plain.options == {}
    assert unknown.options is None
