from __future__ import annotations

import re

import pytest
from tests.unit.review.helpers import found, review_project, review_text

from tidegate.review.fix import applied

RULE = "hard-coded-secret"
NODE = "import 'socket.io'; import jwt from 'jsonwebtoken';\n"
PYTHON = "import socketio\n"


@pytest.mark.parametrize(
    "code",
    [
        "jwt.verify(token, 'secret');",
        "jwt.sign({ id }, 'shh', { expiresIn: '1h' });",
        "const JWT_SECRET = 'my-secret';",
        "const secret = process.env.JWT_SECRET || 'secret';",
        "const secret = process.env.JWT_SECRET ?? `dev`;",
        "jwt.verify(token, process.env.JWT_SECRET || 'secretKey');",
        "const { JWT_SECRET = 'abc' } = process.env;",
        "this.jwt.verify(token, { secret: 'abc' });",
        "JwtModule.register({ secret: 'secret', signOptions: {} });",
        "JwtModule.registerAsync({ useFactory: () => ({ secret: 'k' }) });",
        "JwtModule.registerAsync({ useFactory: (c) => ({ secret: c.get('S') || 'k' }) });",
        "const s = config.get<string>('JWT_SECRET', 'fallback');",
        "const s = this.configService.get('JWT_SECRET') ?? 'fallback';",
        "super({ secretOrKey: 'abc', jwtFromRequest });",
        "app.use(session({ secret: 'keyboard cat', resave: false }));",
        "connect('amqp://user:password@rabbitmq:5672');",
        "const o = { urls: [process.env.RABBITMQ_URL || 'amqp://rabbit:rabbit@127.0.0.1'] };",
        "const c = new Redis('redis://:s3cret@redis:6379');",
        "export const API_BYPASS_KEY = '674536e5-cbc9-46d2-9d7a-8b774b195a2c';",
        "createHmac('sha1', 'vatlines');",
        "instrument(io, { auth: { type: 'basic', username: 'admin', password: '123' } });",
        "const users = [{ id: 1, email: 'a@b.c', password: 'tom-user' }];",
        "if (socket.handshake.auth.apiKey !== 'super-secret') return;",
        "const key = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';",
        "class A { private readonly jwtSecret = 'hello'; }",
        "const SECRET: string = 'hello' as string;",
    ],
)
def test_a_secret_in_the_source(code: str) -> None:
    assert found(NODE + code + "\n", RULE) == [2]


@pytest.mark.parametrize(
    "code",
    [
        "jwt.verify(token, process.env.JWT_SECRET);",
        "jwt.verify(token, process.env['JWT_SECRET']!);",
        "const secret = process.env.JWT_SECRET || '';",
        "const JWT_SECRET = 'JWT_SECRET';",
        "const path = config.get('jwt.secret'); const secretPath = 'jwt.secret';",
        "JwtModule.register({ secret: config.getOrThrow('JWT_SECRET') });",
        "const API_KEY_HEADER = 'x-api-key';",
        "const headers = { apiKey: 'x-api-key' };",
        "const E = { PASSWORD_CHANGED: 'password:changed', RESET_PASSWORD: 'reset-password' };",
        "enum Errors { INVALID_PASSWORD = 'invalid password' }",
        "const errors = { password: 'Password is required', email: 'Invalid' };",
        "const labels = { password: 'Passwort', email: 'Adresse', name: 'Name' };",
        "const [form, setForm] = useState({ email: '', password: '' });",
        "const field = { type: 'password', name: 'password', id: 'password' };",
        "if (field === 'password' || typeof secret === 'string') go();",
        "connect('amqp://guest:guest@localhost:5672');",
        "connect('amqp://localhost');",
        "connect(`amqp://${user}:${password}@${host}`);",
        "const TOKEN_KEY = 'access_token'; const authToken = 'auth-token';",
        "const privateKey = './keys/private.pem';",
        "const doc = { example: { email: 'a@b.c', password: 'hunter2' } };",
        "initializeApp({ apiKey: 'AIzaSyBwlUiRYQuJqPmhpeEJcqxXTERgOJl', authDomain: 'a.b' });",
        "const anonKey = 'eyJhbGci'; const publicKey = 'abc';",
        "const secret = '<your secret>';",
        "// const JWT_SECRET = 'my-secret';",
        "log('JWT_SECRET = my-secret');",
        "const secret = load('JWT_SECRET');",
        "socket.emit('secret', 'hello');",
        "const config = { jwt: { secret: env('JWT_SECRET') } };",
    ],
)
def test_the_near_misses(code: str) -> None:
    assert not found(NODE + code + "\n", RULE)


@pytest.mark.parametrize(
    "code",
    [
        'SECRET_KEY = "change-me"',
        'JWT_SECRET = os.getenv("JWT_SECRET", "your_secret_key")',
        'JWT_SECRET = os.environ.get("JWT_SECRET", "dev")',
        'JWT_SECRET = os.environ.get("JWT_SECRET") or "dev"',
        'SECRET_KEY = config("SECRET_KEY", default="abc")',
        'app.config["SECRET_KEY"] = "secret!"',
        'app.secret_key = "x"',
        'jwt.decode(token, "secret", algorithms=["HS256"])',
        'credentials = pika.PlainCredentials("user", "pw")',
        'aio_pika.connect("amqp://user:pw@broker/")',
        'broker = RabbitBroker("amqps://user:pw@broker:5671/")',
        'db = connect(host="db", user="app", password="s3cret")',
        'if data["api_key"] == "letmein": pass',
        'class Settings(BaseSettings): jwt_secret: str = "dev-secret"',
    ],
)
def test_python_has_it(code: str) -> None:
    assert found(PYTHON + code + "\n", RULE, "a.py") == [2]


@pytest.mark.parametrize(
    "code",
    [
        'SECRET_KEY = os.environ["SECRET_KEY"]',
        'JWT_SECRET = os.getenv("JWT_SECRET")',
        'JWT_SECRET = os.getenv("JWT_SECRET", "")',
        "class Settings(BaseSettings): jwt_secret: str",
        'credentials = pika.PlainCredentials("guest", "guest")',
        'aio_pika.connect("amqp://guest:guest@127.0.0.1/")',
        'aio_pika.connect(f"amqp://{user}:{password}@broker/")',
        '"""Connect to amqp://user:password@broker."""',
        'class Body(BaseModel): password: str = Field(example="hunter2")',
        'raise ValidationError({"password": "Password fields didn\'t match."})',
        'API_KEY_NAME = "X-API-Key"',
    ],
)
def test_python_near_misses(code: str) -> None:
    assert not found(PYTHON + code + "\n", RULE, "a.py")


def test_settings_that_a_gateway_imports() -> None:
    files = {
        "app/ws.py": "import socketio\nfrom app.auth import verify\n",
        "app/auth.py": "from app.config import settings\n",
        "app/config.py": 'JWT_SECRET = "abc"\n',
        "app/mail.py": 'SMTP_PASSWORD = "abc"\n',
    }
    [finding] = review_project(files, RULE).findings
    assert finding.file == "app/config.py"


def test_defaults_of_brokers_and_examples() -> None:
    code = NODE + "connect('amqp://guest:guest@rabbitmq');\n"
    [finding] = review_text(code, RULE, could_not_tell=True)
    assert finding.verdict == "could-not-tell"
    files = {"examples/io.ts": NODE + "jwt.verify(token, 'secret');\n"}
    assert not review_project(files, RULE).findings
    assert not review_project({"src/a.spec.ts": files["examples/io.ts"]}, RULE).findings


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        ("jwt.verify(token, 'secret');", "jwt.verify(token, process.env.JWT_SECRET!);"),
        (
            "const key = process.env.WS_SECRET || 'secret'; // dev",
            "const key = process.env.WS_SECRET!; // dev",
        ),
        (
            "const key = this.config.get<string>('WS_SECRET') || 'secret';",
            "const key = this.config.getOrThrow<string>('WS_SECRET');",
        ),
        (
            "const key = this.config.get('WS_SECRET', 'secret');",
            "const key = this.config.getOrThrow('WS_SECRET');",
        ),
        ("connect('amqp://a:b@c');", "connect(process.env.AMQP_URL!);"),
    ],
)
def test_the_correction(code: str, fixed: str) -> None:
    [finding] = review_text(NODE + code, RULE)
    assert finding.fix is not None
    after = applied(NODE + code, finding.fix.edits)
    name = re.search(r"process\.env\.(\w+)!", fixed)
    if name is not None:
        check = f"if (!process.env.{name[1]}) {{\n  throw new Error('{name[1]} is not set');\n}}"
        assert check in after
        after = after.replace(f"\n\n{check}", "")
    assert after == NODE + fixed
    assert not found(NODE + fixed, RULE)


def test_the_correction_in_python() -> None:
    code = '"""Doc."""\nfrom __future__ import annotations\nimport socketio\nSECRET_KEY = "abc"\n'
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    assert applied(code, finding.fix.edits) == (
        '"""Doc."""\nfrom __future__ import annotations\nimport os\nimport socketio\n'
        'SECRET_KEY = os.environ["SECRET_KEY"]\n'
    )
    code = 'import os\nimport socketio\nKEY = os.getenv("JWT_SECRET", "abc")\n'
    [finding] = review_text(code, RULE, name="a.py")
    assert finding.fix is not None
    assert applied(code, finding.fix.edits) == (
        'import os\nimport socketio\nKEY = os.environ["JWT_SECRET"]\n'
    )


def test_users_of_basic_auth() -> None:
    code = "import 'socket.io';\napp.use('/admin', basicAuth({ users: { ops: 'letmein' } }));"
    assert found(code, RULE) == [2]
    assert not found(code.replace("'letmein'", "process.env.ADMIN_PASSWORD"), RULE)
    assert not found(code.replace("basicAuth", "render"), RULE)


def test_the_check_of_a_variable_comes_after_dotenv() -> None:
    code = """\
const { Server } = require('socket.io');
require('dotenv').config();
module.exports = { JWT_SECRET: process.env.JWT_SECRET || 'a-secret-of-our-own-1' };
"""
    [finding] = review_text(code, "hard-coded-secret", name="env.js")
    assert finding.fix is not None
    after = applied(code, finding.fix.edits)
    assert after.index("dotenv") < after.index("if (!process.env.JWT_SECRET)")


def test_what_the_password_of_a_database_is_called() -> None:
    code = """\
import { Server } from 'socket.io';
export const options = { host: 'db', database: 'chat', password: 'root-Pa55-chat' };
"""
    [finding] = review_text(code, "hard-coded-secret")
    assert finding.fix is not None
    assert "process.env.DATABASE_PASSWORD" in applied(code, finding.fix.edits)


def test_tests_of_django_are_tests() -> None:
    code = 'from channels.generic.websocket import X\nPASSWORD = "root-Pa55-chat"\n'
    assert review_text(code, "hard-coded-secret", name="chat/consumers.py")
    assert not review_text(code, "hard-coded-secret", name="chat/tests.py")
