// Socket.IO for Node, set up for speed as its documentation advises ("Performance tuning"): WebSocket
// only, no compression (the default), the native `bufferutil`, the initial HTTP request let go.
//
// Commands on stdin, as for every server here (see benchmarks/servers.py): `saturate`, `single`,
// `rate N`, `burst N`, `stats`; the end of stdin stops it. With the argument `recovery`, clients that come
// back within two minutes get their session ("Connection state recovery", in memory, its defaults).
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const FIRST_SEQUENCE = 100_000_000;
const PAYLOAD_SIZE = 167 - 4; // a frame without its header
const MAX_UNSENT_PACKETS = 64; // of one socket: what makes the sender wait, so that memory is bounded
const MAX_UNSENT_BYTES = 256 * 1024;

const secret = process.env.BENCH_SECRET;
const httpServer = createServer();
const recovery = process.argv[2] === "recovery" ? { connectionStateRecovery: {} } : {};
const io = new Server(httpServer, { transports: ["websocket"], serveClient: false, ...recovery });
const bench = io.of("/bench");
let events = 0;

bench.use((socket, next) => {
  const token = socket.handshake.auth.token;
  jwt.verify(token, secret, { algorithms: ["HS256"] }, (error, claims) => {
    if (error) return next(new Error("Unauthorized"));
    socket.data.tenant = claims.tenantId;
    socket.data.user = claims.sub;
    return next();
  });
});

bench.on("connection", (socket) => {
  socket.join(`tenant:${socket.data.tenant}`);
  socket.join(`user:${socket.data.tenant}:${socket.data.user}`);
});

io.engine.on("connection", (rawSocket) => {
  rawSocket.request = null;
});

// CLOCK_MONOTONIC in nanoseconds, as the load client reads it; exact in a double for 104 days.
const now = () => Number(process.hrtime.bigint());

const unpadded = `42/bench,["bench",{"seq":${FIRST_SEQUENCE},"t":${now()},"pad":""}]`;
const pad = "x".repeat(PAYLOAD_SIZE - unpadded.length);

function emit(time) {
  bench.to("tenant:acme").emit("bench", { seq: FIRST_SEQUENCE + events, t: time, pad });
  events += 1;
}

function isBehind({ conn }) {
  const webSocket = conn.transport.socket;
  return conn.writeBuffer.length > MAX_UNSENT_PACKETS || webSocket?.bufferedAmount > MAX_UNSENT_BYTES;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function untilWritable() {
  await turn();
  for (const socket of bench.sockets.values()) {
    while (socket.connected && isBehind(socket)) await turn();
  }
}

async function saturate() {
  for (;;) {
    emit(now());
    await untilWritable();
  }
}

async function pace(rate) {
  const period = 1e9 / rate;
  const start = now();
  for (let i = 1; ; i += 1) {
    const due = Math.round(start + i * period);
    const wait = (due - now()) / 1e6;
    if (wait > 0) await sleep(wait);
    emit(due);
    await untilWritable();
  }
}

function obey(line) {
  const [command, argument] = line.split(" ");
  if (command === "saturate" || command === "single") saturate();
  else if (command === "rate") pace(Number(argument));
  else if (command === "burst") for (let i = Number(argument); i > 0; i -= 1) emit(now());
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
