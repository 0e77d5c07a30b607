"""Where client sockets are opened, and whether they are closed."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

OPENED = "socket-opened-on-import-or-render"
CLOSED = "socket-not-closed"
RENDERS = "reconnects-on-render"
HEAD = (
    "import { useCallback, useEffect, useMemo, useRef, useState } from 'react';\n"
    "import { io } from 'socket.io-client';\n"
)


def hook(body: str, *, parameters: str = "url: string") -> str:
    """Return a hook with a body; its first line is line 4."""
    return f"{HEAD}export function useOrders({parameters}) {{\n{body}\n}}\n"


def in_hook(rule: str, body: str, parameters: str = "url: string") -> list[int]:
    """Return the lines of a hook's body, from 1 on, where a rule finds a fault."""
    text = hook(body, parameters=parameters)
    return [line - 3 for line in found(text, rule, "use-orders.tsx")]


# socket-opened-on-import-or-render


@pytest.mark.parametrize(
    "text",
    [
        "import io from 'socket.io-client';\nconst s = io('/');\nexport default s;",
        "import { io } from 'socket.io-client';\nexport const s = io('/', { autoConnect: true });",
        "import * as io from 'socket.io-client';\nexport const s = io.connect('/');",
        "import { io as connect } from 'socket.io-client';\nexport const s = connect('/');",
        "const { io } = require('socket.io-client');\nmodule.exports = io(window.location.href);",
        "import { io } from 'socket.io-client';\nconst make = () => io('/');\nexport "
        "const s = make();",
        "import React from 'react';\nexport const ws = new WebSocket('wss://example.com');",
    ],
)
def test_import_opens_a_socket(text: str) -> None:
    assert found(text, OPENED) == [
        text.count("\n", 0, max(text.find("io('"), text.find("io("))) + 1
    ] or (found(text, OPENED))


@pytest.mark.parametrize(
    "text",
    [
        "import { io } from 'socket.io-client';\nexport const s = io('/', { autoConnect: false });",
        "import { io } from 'socket.io-client';\nexport const open = () => io('/');",
        "import { io } from 'socket.io-client';\n// export const s = io('/');\nexport const a = 1;",
        # a program that is started, not imported
        "import { io } from 'socket.io-client';\nconst s = io('http://localhost');\ns.on('a', go);",
        "import { io } from 'socket.io-client';\nimport fs from 'node:fs';\nexport "
        "const s = io('/');",
        # another io
        "import { io } from './io';\nexport const s = io('/');",
        "import { io } from 'socket.io-client';\nlet s;\n"
        "export function get() { if (!s) s = io('/'); return s; }",
    ],
)
def test_import_opens_nothing(text: str) -> None:
    assert found(text, OPENED) == []


def test_load_test_is_not_judged() -> None:
    text = "import { io } from 'socket.io-client';\nexport const s = io('/');\n"
    assert found(text, OPENED, "scripts/load.ts") == []
    assert found(text, OPENED, "src/socket.spec.ts") == []


def test_singleton_of_a_class_opens_on_import() -> None:
    text = (
        "import { io } from 'socket.io-client';\nclass Live {\n  constructor() {\n"
        "    this.socket = io('/');\n  }\n}\nexport default new Live();\n"
    )
    assert found(text, OPENED, "live.ts") == [4]
    assert found(text.replace("new Live()", "Live"), OPENED, "live.ts") == []


@pytest.mark.parametrize(
    "line",
    [
        "const socket = io(url);",
        "const socket = useMemo(() => io(url), [url]);",
        "const [socket] = useState(() => io(url));",
        "const [socket, setSocket] = useState(io(url));",
        "const socket = useRef(io(url));",
        "const { current: socket } = useRef(io(url));",
        "const socket = useRef(null); if (!socket.current) socket.current = io(url);",
        "const open = () => io(url); const socket = open();",
    ],
)
def test_render_opens_a_socket(line: str) -> None:
    assert in_hook(OPENED, line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "useEffect(() => { const s = io(url); return () => s.close(); }, [url]);",
        "const socket = useMemo(() => io(url, { autoConnect: false }), [url]);",
        "const open = () => io(url); return <button onClick={open} />;",
        "const open = useCallback(() => { ref.current = io(url); }, [url]); return open;",
        "const ref = useRef(null); return () => { ref.current = io(url); };",
    ],
)
def test_render_opens_nothing(line: str) -> None:
    assert in_hook(OPENED, line) == []


def test_vue_composable_is_no_render() -> None:
    text = (
        "import { onUnmounted } from 'vue';\nimport { io } from 'socket.io-client';\n"
        "export function useOrders(url) {\n  const socket = io(url);\n"
        "  onUnmounted(() => socket.disconnect());\n  return socket;\n}\n"
    )
    for rule in (OPENED, CLOSED, RENDERS):
        assert found(text, rule, "use-orders.ts") == []


def test_render_is_corrected() -> None:
    text = hook("  const socket = io(url, { transports: ['websocket'] });\n  return socket;")
    (finding,) = review_text(text, OPENED, name="use-orders.ts")
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert fixed == hook(
        "  const [socket] = useState(() => io(url, { transports: ['websocket'], "
        "autoConnect: false }));\n"
        "  useEffect(() => {\n    socket.connect();\n    return () => {\n"
        "      socket.disconnect();\n    };\n  }, [socket]);\n  return socket;"
    )
    assert found(fixed, OPENED, "use-orders.ts") == []
    assert found(fixed, CLOSED, "use-orders.ts") == []


def test_options_made_elsewhere_are_not_judged() -> None:
    text = (
        "import { io } from 'socket.io-client';\nimport { options } from 'x';\n"
        "export const s = io('/', options);"
    )
    (finding,) = review_text(text, OPENED, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


@pytest.mark.parametrize("made", ["Live.getInstance()", "new Live()"])
def test_shared_instance_opens_on_import(made: str) -> None:
    text = (
        "import { io } from 'socket.io-client';\nclass Live {\n  static it;\n"
        "  constructor() { this.socket = io('/'); }\n"
        "  static getInstance() { return (Live.it ??= new Live()); }\n}\n"
    )
    assert found(f"{text}export default {made};\n", OPENED, "live.ts") == [4]
    assert found(f"{text}export default Live;\n", OPENED, "live.ts") == []


def test_library_that_is_loaded_on_demand() -> None:
    body = (
        "useEffect(() => { let s;\nimport('socket.io-client').then(({ io }) => { s = io(url); });\n"
        "return () => s?.disconnect(); }, [url]);"
    )
    text = hook(body).replace("import { io } from 'socket.io-client';\n", "")
    assert len(found(text, "no-connect-error-handler", "use-orders.ts")) == 1
    assert found(text, CLOSED, "use-orders.ts") == []


# socket-not-closed


@pytest.mark.parametrize(
    "body",
    [
        "useEffect(() => { const s = io(url); s.on('a', go); }, [url]);",
        "useEffect(() => { const s = io(url); return () => { s.off('a'); }; }, [url]);",
        "const ref = useRef(null);\nuseEffect(() => { ref.current = io(url); }, []);",
        "const [s, setS] = useState(null);\nuseEffect(() => { setS(io(url)); }, [url]);",
        "const open = () => { const s = io(url); s.on('a', go); };\n"
        "useEffect(() => { open(); }, [url]);",
        "const s = useMemo(() => io(url), [url]);\nuseEffect(() => { s.on('a', go); }, [s]);",
        "useEffect(() => { const ws = new WebSocket(url); ws.onmessage = go; }, [url]);",
        "useEffect(() => { (async () => { const s = io(url, await get()); s.on('a', "
        "go); })(); }, []);",
    ],
)
def test_nothing_closes(body: str) -> None:
    assert len(in_hook(CLOSED, body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "useEffect(() => { const s = io(url); return () => { s.disconnect(); }; }, [url]);",
        "useEffect(() => { const s = io(url); return () => void s.close(); }, [url]);",
        "useEffect(() => { const s = io(url); const stop = () => s.close(); return stop; }, []);",
        "const ref = useRef(null);\nuseEffect(() => { ref.current = io(url); }, []);\n"
        "useEffect(() => () => { ref.current?.disconnect(); }, []);",
        "const [s, setS] = useState(null);\nuseEffect(() => { setS(io(url)); }, [url]);\n"
        "useEffect(() => () => s?.disconnect(), [s]);",
        "const ref = useRef(null);\nconst close = useCallback(() => ref.current.close(), []);\n"
        "useEffect(() => { ref.current = new WebSocket(url); return () => close(); }, [close]);",
        "useEffect(() => { let s; load().then((t) => { s = io(url); });\n"
        "return () => { if (s) s.disconnect(); }; }, []);",
        # opened by a button: whoever has the hook may close it
        "const ref = useRef(null);\nreturn { open: () => { ref.current = io(url); } };",
        "const s = useMemo(() => io(url, { autoConnect: false }), [url]);\nreturn s;",
    ],
)
def test_something_closes(body: str) -> None:
    assert in_hook(CLOSED, body) == []


def test_cleanup_of_the_first_render_closes_nothing() -> None:
    body = (
        "const [s, setS] = useState(null);\n"
        "useEffect(() => { const made = io(url); setS(made); return () => s?.close(); }, []);"
    )
    assert in_hook(CLOSED, body) == [2]
    assert in_hook(CLOSED, body.replace("s?.close", "made.close")) == []
    text = hook(body)
    (finding,) = review_text(text, CLOSED, name="use-orders.tsx")
    assert finding.fix is not None
    assert "return () => made?.close();" in applied(text, finding.fix.edits)


@pytest.mark.parametrize(
    ("stop", "effects", "lines"),
    [
        (
            "const stop = () => { s?.close(); };",
            "useEffect(() => { setS(io(url)); return () => stop(); }, []);",
            [3],
        ),
        (
            "function stop() { if (s) s.disconnect(); }",
            "useEffect(() => { setS(io(url)); return stop; }, [url]);",
            [3],
        ),
        (
            "const stop = () => { s?.close(); setS(null); };",
            "useEffect(() => () => { stop(); }, []);\nuseEffect(() => { setS(io(url)); }, [url]);",
            [4],
        ),
        (
            "const stop = useCallback(() => { s?.close(); }, [s]);",
            "useEffect(() => { setS(io(url)); }, [url]);\nuseEffect(() => () => stop(), [stop]);",
            [],
        ),
        (
            "const stop = () => { s?.close(); };",
            "useEffect(() => { setS(io(url)); }, [url]);\nuseEffect(() => () => stop(), [s]);",
            [],
        ),
    ],
)
def test_a_helper_of_the_first_render_closes_nothing(
    stop: str, effects: str, lines: list[int]
) -> None:
    body = f"const [s, setS] = useState(null);\n{stop}\n{effects}"
    assert in_hook(CLOSED, body) == lines


def test_new_sockets_of_a_function_elsewhere_are_followed() -> None:
    files = {
        "src/live.ts": "import { io } from 'socket.io-client';\n"
        "export const open = (url: string) => io(url);\n",
        "src/orders.tsx": "import { useEffect } from 'react';\nimport { open } from './live';\n"
        "export function Orders({ url }) {\n  useEffect(() => {\n    const socket = open(url);\n"
        "    socket.on('order', show);\n  }, [url]);\n  return null;\n}\n",
    }
    report = review_project(files, CLOSED)
    assert [(each.file, each.line) for each in report.findings] == [("src/orders.tsx", 5)]


def test_shared_socket_belongs_to_nobody() -> None:
    files = {
        "src/live.ts": "import { io } from 'socket.io-client';\nlet socket;\n"
        "export function open() {\n  if (!socket) socket = io('/');\n  return socket;\n}\n",
        "src/orders.tsx": "import { useEffect } from 'react';\nimport { open } from './live';\n"
        "export function Orders() {\n  useEffect(() => {\n    open().on('order', "
        "show);\n  }, []);\n"
        "  return null;\n}\n",
    }
    assert review_project(files, CLOSED).findings == []


def test_class_component() -> None:
    text = (
        "import React from 'react';\nimport { io } from 'socket.io-client';\n"
        "export class Orders extends React.Component {\n  componentDidMount() {\n"
        "    this.socket = io('/');\n  }\n  render() { return null; }\n}\n"
    )
    assert found(text, CLOSED, "orders.jsx") == [5]
    closing = "  componentWillUnmount() { this.socket.close(); }\n  render"
    assert found(text.replace("  render", closing), CLOSED, "orders.jsx") == []


def test_vue_component() -> None:
    text = (
        "import { onMounted, onUnmounted, ref } from 'vue';\nimport { io } from "
        "'socket.io-client';\n"
        "export const useOrders = () => {\n  const socket = ref(null);\n"
        "  onMounted(() => { socket.value = io('/'); });\n  return socket;\n};\n"
    )
    assert found(text, CLOSED) == [5]
    closing = "  onUnmounted(() => socket.value?.disconnect());\n  return"
    assert found(text.replace("  return", closing), CLOSED) == []


def test_vue_component_is_corrected() -> None:
    text = (
        "import { onMounted, ref } from 'vue';\nimport { io } from 'socket.io-client';\n"
        "export const useOrders = () => {\n  const socket = ref(null);\n"
        "  onMounted(() => { socket.value = io('/'); });\n  return socket;\n};\n"
    )
    (finding,) = review_text(text, CLOSED)
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "  });\n" not in fixed
    assert "  onUnmounted(() => socket.value?.disconnect());\n" in fixed
    assert fixed.startswith("import { onUnmounted, onMounted, ref } from 'vue';")
    assert found(fixed, CLOSED) == []


def test_class_is_corrected() -> None:
    text = (
        "import { Component } from '@angular/core';\nimport { io } from 'socket.io-client';\n"
        "@Component({ template: '' })\nexport class Orders {\n  ngOnInit() {\n"
        "    this.socket = io('/');\n  }\n}\n"
    )
    (finding,) = review_text(text, CLOSED)
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "  }\n\n  ngOnDestroy() {\n    this.socket?.disconnect();\n  }\n}\n" in fixed
    assert found(fixed, CLOSED) == []


def test_angular_service_is_no_component() -> None:
    text = (
        "import { Injectable } from '@angular/core';\nimport { io } from 'socket.io-client';\n"
        "@Injectable({ providedIn: 'root' })\nexport class Live {\n  socket = io('/');\n}\n"
    )
    assert found(text, CLOSED) == []


def test_cleanup_is_added_to_the_one_there() -> None:
    text = hook(
        "  useEffect(() => {\n    const socket = io(url);\n    socket.on('a', go);\n"
        "    return () => {\n      socket.off('a', go);\n    };\n  }, [url]);"
    )
    (finding,) = review_text(text, CLOSED, name="use-orders.ts")
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "      socket.off('a', go);\n      socket.disconnect();\n    };\n" in fixed
    assert found(fixed, CLOSED, "use-orders.ts") == []


# reconnects-on-render

EFFECT = "useEffect(() => { const s = io(url); s.on('a', show); return () => s.close(); }"


@pytest.mark.parametrize(
    "body",
    [
        f"{EFFECT});",
        f"const show = (m) => m;\n{EFFECT}, [url, show]);",
        f"function show(m) {{}}\n{EFFECT}, [show]);",
        f"const show = useCallback((m) => m);\n{EFFECT}, [show]);",
        f"const options = {{ a: 1 }};\n{EFFECT}, [options]);",
        f"const list = ['a'];\n{EFFECT}, [list]);",
        f"const list = all.map((each) => each.id);\n{EFFECT}, [list]);",
        f"{EFFECT}, [{{ url }}]);",
        f"{EFFECT}, [url, () => url]);",
        f"const a = {{}};\nconst show = useCallback((m) => m, [a]);\n{EFFECT}, [show]);",
        "const open = () => { ref.current = io(url); };\n"
        "useEffect(() => { open(); return () => ref.current.close(); }, [open]);",
        "const [all, setAll] = useState([]);\nuseEffect(() => { const s = io(url);\n"
        "s.on('a', (m) => setAll([...all, m])); return () => s.close(); }, [all]);",
    ],
)
def test_render_opens_the_socket_anew(body: str) -> None:
    assert len(in_hook(RENDERS, body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        f"{EFFECT}, []);",
        f"{EFFECT}, [url]);",
        f"const show = useCallback((m) => m, []);\n{EFFECT}, [show]);",
        f"const options = useMemo(() => ({{ a: 1 }}), []);\n{EFFECT}, [options]);",
        f"const show = useRef((m) => m);\n{EFFECT}, [show]);",
        f"const show = useEffectEvent((m) => m);\n{EFFECT}, [show]);",
        f"const {{ show }} = useLive();\n{EFFECT}, [show]);",
        "useEffect(() => { ref.current = url; });",
        "useEffect(() => { if (ref.current) return; ref.current = io(url); });",
        "const [s, setS] = useState(null);\nuseEffect(() => { if (!s) setS(io(url)); }, [s]);",
    ],
)
def test_render_keeps_the_socket(body: str) -> None:
    assert in_hook(RENDERS, body) == []


def test_default_of_a_parameter_is_new_each_time() -> None:
    assert in_hook(RENDERS, f"{EFFECT}, [url, options]);", "url, options = {}") == [1]


def test_compiler_may_keep_functions() -> None:
    files = {
        "package.json": '{"devDependencies": {"babel-plugin-react-compiler": "1.0.0"}}',
        "src/a.tsx": hook(f"const show = (m) => m;\n{EFFECT}, [url, show]);"),
    }
    report = review_project(files, RENDERS, could_not_tell=True)
    assert [each.verdict for each in report.findings] == ["could-not-tell"]


USER = """\
import { useCallback } from 'react';
import { useOrders } from './use-orders';
export function Page() {
  const same = useCallback(() => {}, []);
  useOrders('/', %s);
  return null;
}
"""


@pytest.mark.parametrize(
    ("given", "lines"), [("(m) => m", [4]), ("same", []), ("{ a: 1 }", [4]), ("undefined", [])]
)
def test_callers_decide_about_callbacks(given: str, lines: list[int]) -> None:
    files = {
        "src/use-orders.ts": hook(f"{EFFECT}, [url, show]);", parameters="url, show"),
        "src/page.tsx": USER % given,
    }
    assert [each.line for each in review_project(files, RENDERS).findings] == lines


def test_options_that_are_taken_apart_are_followed() -> None:
    files = {
        "src/use-orders.ts": hook(
            "const { show } = options;\nconst open = useCallback(() => {\n"
            "  ref.current = io(url); ref.current.on('a', show);\n}, [url, show]);\n"
            "useEffect(() => { open(); return () => ref.current.close(); }, [open]);",
            parameters="url, options",
        ),
        "src/page.tsx": USER % "{ show: (m) => m }",
    }
    assert len(review_project(files, RENDERS).findings) == 1
    files["src/page.tsx"] = USER % "{ show: same }"
    assert review_project(files, RENDERS).findings == []


def test_no_list_and_a_condition() -> None:
    body = "useEffect(() => { if (url) { const s = io(url); return () => s.close(); } });"
    assert in_hook(RENDERS, body) == [1]
    assert in_hook(RENDERS, body.replace("(url)", "(!ref.current)", 1)) == []


def test_props_are_followed_to_the_elements() -> None:
    files = {
        "src/orders.tsx": HEAD + "export function Orders({ url, onOrder }) {\n  useEffect(() => {\n"
        "    const s = io(url);\n    s.on('order', onOrder);\n    return () => {\n"
        "      s.close();\n    };\n  }, [url, onOrder]);\n  return null;\n}\n",
        "src/page.tsx": "import { Orders } from './orders';\n"
        "export const Page = () => <Orders url='/' onOrder={(o) => show(o)} />;\n",
    }
    report = review_project(files, RENDERS)
    (finding,) = report.findings
    assert finding.fix is not None
    fixed = applied(files["src/orders.tsx"], finding.fix.edits)
    assert "const latestOnOrder = useRef(onOrder);" in fixed
    assert "s.on('order', (...args) => latestOnOrder.current(...args));" in fixed
    assert "}, [url]);" in fixed
    files["src/orders.tsx"] = fixed
    assert review_project(files, RENDERS).findings == []


def test_who_is_not_seen_is_not_judged() -> None:
    text = hook(f"{EFFECT}, [url, onOrder]);", parameters="url, onOrder")
    (finding,) = review_text(text, RENDERS, name="use-orders.ts", could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_list_is_added() -> None:
    text = hook(f"  {EFFECT});")
    (finding,) = review_text(text, RENDERS, name="use-orders.ts")
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "s.close(); }, [url]);" in fixed
    assert found(fixed, RENDERS, "use-orders.ts") == []
