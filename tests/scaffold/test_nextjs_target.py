"""The Next.js target: strict TypeScript for every domain, and the example as its golden tree."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.scaffold.test_nextjs_example import ENVIRONMENT, EXAMPLE, example
from tidegate.errors import TemplateError
from tidegate.scaffold import Answers, Domain, MemoryProject, PlannedFile, domain_from
from tidegate.scaffold.targets import nextjs

__all__ = ["example"]  # the fixture

SENDER = {
    "title": "Sender",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "kind": {"enum": ["person", "bot"]},
        "seenAt": {"type": "string", "format": "date-time"},
    },
}

NOTIFICATION = Answers(
    "Notification",
    events=["notification.created:id,message,type"],
    commands=["notification.markRead:notificationId"],
)
CASES = {
    "notification": NOTIFICATION,
    "many-words": Answers(
        "MaintenanceWindow",
        events=[
            "maintenance-window.announced:id,startsAt:datetime",
            "maintenance-window.postponed-for-now:id,reason?",
        ],
        commands=["maintenance-window.acknowledgeTheAnnouncement:maintenanceWindowId,note?"],
    ),
    "fields": Answers(
        "Chat",
        events=[
            "message.sent:id,chatId,at:datetime,tags:string[],likes:int,note?:string[],raw:json",
            "message.seen:messageId,by?:@sender.json,others:@sender.json[]",
            "chat.closed",
        ],
        commands=["message.send:chatId,text,replyTo?,weights:float[],isUrgent:bool", "chat.delete"],
        rooms=["tenantId", "resourceId", "support-desk:{deskId}"],
    ),
    "no-commands": Answers("Activity", events=["activity.logged:at:datetime,what"]),
    "rooms-only": Answers("Order", events=["order.paid:id:int"], rooms=["tenantId", "orderId"]),
}

TSCONFIG = """
{
  "compilerOptions": {
    "target": "ES2022", "lib": ["ES2022", "DOM"], "module": "ESNext",
    "moduleResolution": "Bundler", "jsx": "react-jsx", "types": ["react"],
    "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true,
    "noUnusedLocals": true, "noUnusedParameters": true, "noImplicitReturns": true,
    "verbatimModuleSyntax": true, "erasableSyntaxOnly": true, "isolatedModules": true,
    "skipLibCheck": true, "noEmit": true
  },
  "include": ["."]
}
"""

# What a person writes against it; a line that must not compile is marked so.
USE = """\
import { NotificationsProvider, useNotifications, useNotificationsConnection } from
  "./src/features/notifications/realtime/notifications-provider";
import type * as ours from "./src/features/notifications/realtime/notifications.events";
import type * as contract from "./contract";

export function App() {
  return (
    <NotificationsProvider
      url="https://realtime.example.com"
      getToken={async () => null}
      on={{ "notification.created": ({ message }) => message.toUpperCase() }}
    >
      <Page />
    </NotificationsProvider>
  );
}

function Page() {
  const created = useNotifications((state) => state.received["notification.created"]);
  const { commands } = useNotificationsConnection();
  commands.markRead({ notificationId: "1" }).then(({ ok }) => ok satisfies true);
  // @ts-expect-error the field is called notificationId
  commands.markRead({ id: "1" });
  // @ts-expect-error there is no such event
  useNotifications((state) => state.received["notification.removed"]);
  return <>{created.map(({ id, message }) => <p key={id}>{message}</p>)}</>;
}

type Same<A, B> = [A, B] extends [B, A] ? true : never;
true satisfies Same<ours.NotificationCreated, contract.NotificationCreated>;
true satisfies Same<ours.NotificationMarkRead, contract.NotificationMarkRead>;
"""


def domain_of(answers: Answers) -> Domain:
    return domain_from(answers, {"sender.json": json.dumps(SENDER)}.get)


def without_events(domain: Domain) -> Domain:
    """A domain that no answers make, but a target is given what it is given."""
    return dataclasses.replace(domain, events=())


def in_web_root(files: list[PlannedFile]) -> dict[PurePosixPath, str]:
    return {file.path.relative_to("apps/web"): file.content for file in files}


def write(files: list[PlannedFile], folder: Path) -> None:
    for path, content in in_web_root(files).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def test_the_example_has_what_the_scaffolder_writes() -> None:
    files = in_web_root(nextjs.files(domain_of(NOTIFICATION), MemoryProject()))

    assert {path: (EXAMPLE / path).read_text() for path in files} == files
    for folder in ("src/features/notifications/realtime", "src/lib/realtime"):
        there = {path.name for path in (EXAMPLE / folder).iterdir()}
        assert there == {path.name for path in files if str(path.parent) == folder}


def test_every_domain_compiles_strictly(example: Path, tmp_path: Path) -> None:
    for name, answers in CASES.items():
        write(nextjs.files(domain_of(answers), MemoryProject()), tmp_path / name)
    commands_only = without_events(domain_of(NOTIFICATION))
    write(nextjs.files(commands_only, MemoryProject()), tmp_path / "commands-only")
    (tmp_path / "notification" / "use.tsx").write_text(USE)
    contract = tidegate("contract", "typescript", "realtime:gateway", cwd=example)
    (tmp_path / "notification" / "contract.ts").write_text(contract)
    (tmp_path / "tsconfig.json").write_text(TSCONFIG)
    (tmp_path / "node_modules").symlink_to(example / "node_modules")

    done = subprocess.run(
        ["node", str(example / "node_modules/typescript/bin/tsc"), "-p", "."],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout + done.stderr == ""


def test_one_folder_holds_two_domains(tmp_path: Path) -> None:
    first = nextjs.files(domain_of(NOTIFICATION), MemoryProject())
    project = MemoryProject({str(file.path): file.content for file in first})

    second = nextjs.files(domain_of(CASES["fields"]), project)

    assert not {file.path for file in first} & {file.path for file in second}
    assert {str(file.path.parent) for file in second} == {"apps/web/src/features/chats/realtime"}


@pytest.mark.parametrize("name", CASES)
def test_the_code_looks_hand_written(name: str) -> None:
    for file in nextjs.files(domain_of(CASES[name]), MemoryProject()):
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", file.content, flags=re.DOTALL)
        assert not re.search(r"\bany\b|console\.|@ts-", code), file.path
        assert not re.search(r"\n\n\n|[ \t]\n", file.content), file.path
        assert "Made by `tidegate new` from nextjs/" in file.content
        assert file.content.endswith("\n") and not file.content.endswith("\n\n")
        longest = max(file.content.splitlines(), key=len)
        assert len(longest) <= 100, longest


def test_names_and_paths_are_the_domains() -> None:
    files = nextjs.files(domain_of(CASES["many-words"]), MemoryProject())

    folder = "apps/web/src/features/maintenanceWindows/realtime"
    assert {str(file.path) for file in files} == {
        f"{folder}/maintenance-windows.events.ts",
        f"{folder}/maintenance-windows.store.ts",
        f"{folder}/maintenance-windows-provider.tsx",
        f"{folder}/use-maintenance-windows-socket.ts",
        "apps/web/src/lib/realtime/kept.ts",
        "apps/web/src/lib/realtime/realtime-socket.ts",
    }


def test_a_type_that_the_hook_needs_itself_is_refused() -> None:
    for event in ("ack", "notifications.events", "realtime.error"):
        domain = domain_of(Answers("Notification", events=[f"{event}:id"]))
        with pytest.raises(TemplateError, match="is the generated hook's already"):
            nextjs.files(domain, MemoryProject())


def tidegate(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
