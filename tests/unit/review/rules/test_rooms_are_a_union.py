from __future__ import annotations

import pytest
from tests.unit.review.helpers import found, review_text

from tidegate.review.fix import applied

RULE = "rooms-are-a-union"

GATEWAY = """\
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
const TENANT = (id: string) => `tenant:${id}`;
const rooms = { user: (id: string) => `user:${id}` };
@WebSocketGateway()
export class Events {
  @WebSocketServer() server: Server;
  NAME(tenantId: string, id: string, role: string, x: any) {
    BODY
  }
}
"""


def faults(body: str, name: str = "notify") -> list[int]:
    return found(GATEWAY.replace("BODY", body).replace("NAME", name), RULE)


@pytest.mark.parametrize(
    "rooms",
    [
        ".to(`tenant:${tenantId}`).to(`user:${id}`)",
        ".to(`user:${id}`).to(`tenant:${tenantId}`)",
        ".in(`org_${tenantId}`).in(`user_${id}`)",
        ".to([`tenant:${tenantId}`, `user:${id}`])",
        ".to(`tenant:${tenantId}`).to(`role:${role}`)",
        ".to(`tenant:${tenantId}`).to('role:admin')",
        ".to('tenant:' + tenantId).to('admins')",
        ".to(`school_${tenantId}`).to(`role_${role}`)",
        ".to(tenantId).to(x.userId)",
        ".to(TENANT(tenantId)).to(rooms.user(id))",
        ".to(`tenant:${tenantId}`).except('a').to(`user:${id}`)",
    ],
)
def test_a_tenant_and_somebody_in_it(rooms: str) -> None:
    assert faults(f"this.server{rooms}.emit('x', x);") == [8]


@pytest.mark.parametrize(
    "rooms",
    [
        ".to(`user:${id}`).to(`user:${x.other}`)",
        ".to([`user:${id}`, `user:${x.other}`])",
        ".to([x.target, x.from])",
        ".to(`tenant:${tenantId}`)",
        ".to(`tenant:${tenantId}:user:${id}`)",
        ".to(`tenant:${tenantId}`).to(`tenant:${x.other}`)",
        ".to(`tenant:${tenantId}`).to(`tenant:${tenantId}:visitors`)",
        ".to(`role:admin`).to(`role:host`)",
        ".to(`user:${id}`).to('role:host')",
        ".to(`order:${id}`).to(`user:${x.userId}`)",
        ".to(`account:${id}`).to('admins')",
        ".to(`company:${id}`).to(`user:${x.applicant}`)",
        ".to(`company-${id}-mainchannel`).to(`queue-${x.queue}-notification`)",
        ".to('admins').to('coordinators')",
        ".of(`/tenant-${tenantId}`).to(`role:${role}`)",
    ],
)
def test_rooms_that_are_meant_as_a_union(rooms: str) -> None:
    assert not faults(f"this.server{rooms}.emit('x', x);")


def test_the_name_of_the_function_tells() -> None:
    for rooms, name in (
        ("`tenant:${tenantId}`).to(`project:${id}`", "emitToProject"),
        ("`company:${tenantId}`).to(`user:${id}`", "sendToUser"),
        ("`store:${tenantId}`).to('managers'", "notifyManagers"),
    ):
        body = f"this.server.to({rooms}).emit('x', x);"
        assert faults(body, name) == [8], rooms
        assert not faults(body, "notify"), rooms


def test_who_came_or_went_is_not_in_the_tenant() -> None:
    body = "this.server.to(`workspace:${tenantId}`).to(`user:${id}`).emit('EVENT', x);"
    assert not faults(body.replace("EVENT", "member.invited"))
    assert faults(body.replace("EVENT", "task.created")) == [8]
    assert not faults(f"// the workspace and the new owner\n    {body}")
    text = GATEWAY.replace("BODY", body.replace("EVENT", "member.invited"))
    [finding] = review_text(text, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"


def test_other_things_with_to() -> None:
    code = "import gsap from 'gsap';\ngsap.to(`tenant:${a}`, {}).to(`user:${b}`, {});\n"
    assert not found(code, RULE)
    assert not faults("// this.server.to(`tenant:${a}`).to(`user:${b}`).emit('x')")


def test_sockets_are_looked_up_in_a_union_too() -> None:
    body = "return this.server.in(`tenant:${tenantId}`).in(`user:${id}`).fetchSockets();"
    assert faults(body) == [8]


PYTHON = """\
import socketio
sio = socketio.AsyncServer()
async def tell_user(tenant_id, user_id, note):
    await sio.emit("note", note, to=ROOMS)
"""


@pytest.mark.parametrize(
    ("rooms", "lines"),
    [
        ('[f"tenant:{tenant_id}", f"user:{user_id}"]', [4]),
        ("[tenant_id, user_id]", [4]),
        ('[f"user:{user_id}", f"user:{note.by}"]', []),
        ('f"tenant:{tenant_id}:user:{user_id}"', []),
    ],
)
def test_in_python(rooms: str, lines: list[int]) -> None:
    assert found(PYTHON.replace("ROOMS", rooms), RULE, "a.py") == lines


def fixed(text: str, name: str) -> str:
    [finding] = review_text(text, RULE, name=name)
    assert finding.fix
    assert not finding.fix.is_safe
    result = applied(text, finding.fix.edits)
    assert not found(result, RULE, name)
    return result


def test_the_fix_addresses_one_room() -> None:
    after = (
        "// A room of its own: sockets join it once their token is verified.\n"
        "    this.server.to(`tenant:${tenantId}:user:${id}`).emit('x', x);"
    )
    for rooms in (
        ".to(`tenant:${tenantId}`).to(`user:${id}`)",
        ".to([`tenant:${tenantId}`, `user:${id}`])",
    ):
        text = GATEWAY.replace("BODY", f"this.server{rooms}.emit('x', x);")
        assert fixed(text, "a.ts") == GATEWAY.replace("BODY", after)
    text = PYTHON.replace("ROOMS", '[f"tenant:{tenant_id}", f"user:{user_id}"]')
    assert 'to=f"tenant:{tenant_id}:user:{user_id}")' in fixed(text, "a.py")
