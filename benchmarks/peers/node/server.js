// Socket.IO for Node, set up for speed as its documentation advises ("Performance tuning"): WebSocket
// only, no compression (the default), the native `bufferutil`, the initial HTTP request let go.
//
// Commands on stdin, as for every server here (see benchmarks/servers.py); the end of stdin stops it.
// With the argument `recovery`, clients that come back within two minutes get their session
// ("Connection state recovery", in memory, its defaults). Tokens are verified with the key as text, as
// Socket.IO's documentation has it; jsonwebtoken then reads the key anew for each. With `key-object`
// it is read once.
import { createPublicKey, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const FIRST_SEQUENCE = 100_000_000;
const SEQUENCES_PER_TENANT = 800_000; // tenant n's events are numbered from n times this on
const PAYLOAD_SIZE = 167 - 4; // a frame without its header
const MAX_UNSENT_PACKETS = 64; // of one socket: what makes the sender wait, so that memory is bounded
const MAX_UNSENT_BYTES = 256 * 1024;

const options = process.argv.slice(2);
const algorithms = [process.env.BENCH_ALGORITHM];
const key = options.includes("key-object") ? keyObject(process.env.BENCH_KEY) : process.env.BENCH_KEY;
const httpServer = createServer();
const recovery = options.includes("recovery") ? { connectionStateRecovery: {} } : {};
const io = new Server(httpServer, { transports: ["websocket"], serveClient: false, ...recovery });
const bench = io.of("/bench");
let events = 0;

bench.use((socket, next) => {
  const token = socket.handshake.auth.token;
  jwt.verify(token, key, { algorithms }, (error, claims) => {
    if (error) return next(new Error("Unauthorized"));
    socket.data.tenant = claims.tenantId;
    socket.data.user = claims.sub;
    return next();
  });
});

bench.on("connection", (socket) => {
  socket.join(`tenant:${socket.data.tenant}`);
  socket.join(`user:${socket.data.tenant}:${socket.data.user}`);
  const roomOf = (name) => `room:${socket.data.tenant}:${name}`;
  socket.on("echo", (event, ack) => ack({ seq: event.seq }));
  socket.on("tidegate.join", async (name, ack) => {
    await socket.join(roomOf(name));
    ack({ ok: true });
  });
  socket.on("tidegate.leave", async (name, ack) => {
    await socket.leave(roomOf(name));
    ack({ ok: true });
  });
});

io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null;
});

function keyObject(text) {
  return text.startsWith("-----BEGIN") ? createPublicKey(text) : createSecretKey(Buffer.from(text));
}

// CLOCK_MONOTONIC in nanoseconds, as the load client reads it; exact in a double for 104 days.
const now = () => Number(process.hrtime.bigint());

const unpadded = `42/bench,["bench",{"seq":${FIRST_SEQUENCE},"t":${now()},"pad":""}]`;
const pad = "x".repeat(PAYLOAD_SIZE - unpadded.length);

const ACME = "tenant:acme";
const roomOfTenant = (number) => (number === 0 ? ACME : `tenant:tenant-${number}`);

function emit(room, seq, t) {
  bench.to(room).emit("bench", { seq, t, pad });
  events += 1;
}

function isBehind({ conn }) {
  const webSocket = conn.transport.socket;
  return conn.writeBuffer.length > MAX_UNSENT_PACKETS || webSocket?.bufferedAmount > MAX_UNSENT_BYTES;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function untilWritable(room) {
  for (const id of bench.adapter.rooms.get(room) ?? []) {
    const socket = bench.sockets.get(id);
    while (socket?.connected && isBehind(socket)) await turn();
  }
}

async function saturate(room) {
  for (let seq = FIRST_SEQUENCE; ; seq += 1) {
    emit(room, seq, now());
    await turn();
    await untilWritable(room);
  }
}

// Some events to one tenant, then to the next, round after round.
async function inTurn(count, each) {
  const rooms = Array.from({ length: count }, (_, index) => roomOfTenant(index + 1));
  for (let first = FIRST_SEQUENCE; ; first += each) {
    rooms.forEach((room, index) => {
      const own = first + (index + 1) * SEQUENCES_PER_TENANT;
      for (let seq = own; seq < own + each; seq += 1) emit(room, seq, now());
    });
    await turn();
    for (const room of rooms) await untilWritable(room);
  }
}

async function pace(rate, tenant) {
  const room = roomOfTenant(tenant);
  const period = 1e9 / rate;
  const start = now();
  for (let i = 1; ; i += 1) {
    const due = Math.round(start + i * period);
    const wait = (due - now()) / 1e6;
    if (wait > 0) await sleep(wait);
    emit(room, FIRST_SEQUENCE + tenant * SEQUENCES_PER_TENANT + i - 1, due);
    await turn();
    await untilWritable(room);
  }
}

let inBursts = 0;

function burst(count) {
  for (let i = count; i > 0; i -= 1) {
    emit(ACME, FIRST_SEQUENCE + inBursts, now());
    inBursts += 1;
  }
}

function obey(line) {
  const [command, ...words] = line.split(" ");
  if (command === "saturate") saturate(ACME);
  else if (command === "single") saturate(words[0] ? `room:acme:${words[0]}` : ACME);
  else if (command === "tenants") inTurn(Number(words[0]), Number(words[1]));
  else if (command === "rate") pace(Number(words[0]), Number(words[1] ?? 0));
  else if (command === "burst") burst(Number(words[0]));
  else if (command === "stats") console.log(JSON.stringify({ events, batches: events }));
}

const require = createRequire(import.meta.url);
const versionOf = (name) =>
  JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")).version;

createInterface({ input: process.stdin }).on("line", obey).on("close", () => process.exit(0));
httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const versions = { node: process.version, "socket.io": versionOf("socket.io") };
  console.log(JSON.stringify({ port: httpServer.address().port, versions }));
});
