"""``unbounded-store``: what handlers add to."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "unbounded-store"
HEAD = "import { useState } from 'react';\nimport { io } from 'socket.io-client';\n"


@pytest.mark.parametrize(
    "handler",
    [
        "socket.on('a', (m) => setAll((all) => [...all, m]));",
        "socket.on('a', (m) => { setAll([...all, m]); });",
        "socket.on('a', (m) => setAll((all) => [m, ...all]));",
        "socket.on('a', (m) => setAll((all) => all.concat(m)));",
        "socket.on('a', (m) => { all.push(m); });",
        "socket.on('a', (m) => { all.value.push(m); });",
        "socket.on('a', (m) => set((state) => ({ all: [...state.all, m] })));",
        "ws.onmessage = (e) => { const m = JSON.parse(e.data); setAll((all) => [...all, m]); };",
        "socket.on('a', (m) => this.all$.next([...this.all$.value, m]));",
        "socket.on('a', (m) => all.update((list) => [...list, m]));",
        "ws.addEventListener('message', (e) => setAll((all) => [...all, e.data]));",
        "const add = (m) => setAll((all) => [...all, m]);\nsocket.on('a', add);",
        "const add = useCallback((m) => setAll((all) => [...all, m]), []);\nsocket.on('a', add);",
        "socketRef.current.on('a', (m) => { this.all = [...this.all, m]; });",
    ],
)
def test_list_only_grows(handler: str) -> None:
    assert len(found(f"{HEAD}{handler}\n", RULE, "a.tsx")) == 1


@pytest.mark.parametrize(
    "handler",
    [
        "socket.on('a', (m) => setAll((all) => [...all, m].slice(-100)));",
        "socket.on('a', (m) => setAll((all) => [m, ...all.slice(0, 99)]));",
        "socket.on('a', (m) => setAll((all) => all.some((o) => o.id === m.id) ? all : "
        "[...all, m]));",
        "socket.on('a', (m) => { all.push(m); if (all.length > 100) all.shift(); });",
        "socket.on('a', (m) => setAll(m));",
        "socket.on('a', (m) => setAll({ ...all, [m.id]: m }));",
        "socket.on('a', (m) => setAll((all) => new Map(all).set(m.id, m)));",
        "socket.on('a', (m) => { const list = []; list.push(m); show(list); });",
        "socket.on('a', (m) => show([...m.parts, 'end']));",
        "socket.on('a', () => router.push('/'));",
        "socket.on('connect', () => { log.push('on'); });",
        "button.on('click', (m) => setAll((all) => [...all, m]));",
        "// socket.on('a', (m) => setAll((all) => [...all, m]));",
    ],
)
def test_list_is_bounded(handler: str) -> None:
    assert found(f"{HEAD}{handler}\n", RULE, "a.tsx") == []


def test_server_is_no_client() -> None:
    text = (
        "import { Server } from 'socket.io';\nconst io = new Server(3000);\nconst all = [];\n"
        "io.on('connection', (socket) => { socket.on('a', (m) => { all.push(m); }); });\n"
    )
    assert found(text, RULE) == []


def test_newest_are_kept() -> None:
    text = f"{HEAD}socket.on('a', (m) => setAll((all) => [m, ...all]));\n"
    (finding,) = review_text(text, RULE, name="a.tsx")
    assert finding.fix is not None
    fixed = applied(text, finding.fix.edits)
    assert "setAll((all) => [m, ...all].slice(0, 200))" in fixed
    assert found(fixed, RULE, "a.tsx") == []


SLICE = """\
import { createSlice } from '@reduxjs/toolkit';
const slice = createSlice({
  name: 'orders',
  initialState: { all: [] },
  reducers: {
    added: (state, action) => {
      state.all.push(action.payload);
    },
    replaced(state, action) {
      state.all = action.payload;
    },
  },
});
export const { added, replaced } = slice.actions;
"""
STORE = """\
import { create } from 'zustand';
export const useOrders = create((set) => ({
  all: [],
  added: (order) => set((state) => ({ all: [...state.all, order] })),
  replaced: (all) => set({ all }),
}));
"""


@pytest.mark.parametrize(
    ("store", "take", "run"),
    [
        (SLICE, "", "dispatch(added(order))"),
        (STORE, "const added = useOrders((store) => store.added);", "added(order)"),
        (STORE, "const { added } = useOrders();", "added(order)"),
        (STORE, "", "useOrders.getState().added(order)"),
    ],
)
def test_store_of_another_file(store: str, take: str, run: str) -> None:
    page = (
        "import { added, replaced, useOrders } from './orders';\n"
        f"export function Page() {{\n  {take}\n  socket.on('order', (order) => {{ {run}; }});\n}}\n"
    )
    report = review_project({"src/orders.ts": store, "src/page.tsx": page}, RULE)
    assert [each.file for each in report.findings] == ["src/orders.ts"]
    page = page.replace("added", "replaced")
    assert review_project({"src/orders.ts": store, "src/page.tsx": page}, RULE).findings == []
