// Drives official clients by commands from the test: a JSON line in, a JSON line out.
// Commands: connect, emit, ack, cut, disconnect, wire. Everything a client hears is reported.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const clients = new Map();
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const plain = (value) => {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
};
const rich = (value) => {
  if (Array.isArray(value)) return value.map(rich);
  if (value && typeof value === "object") {
    if ("$bytes" in value) return Buffer.from(value.$bytes, "base64");
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rich(v)]));
  }
  return value;
};

const commands = {
  connect({ name, url, options }) {
    const auth = { ...options.auth };
    const state = { auth };
    const socket = io(url, {
      transports: ["websocket"],
      reconnectionDelay: 50,
      reconnectionDelayMax: 100,
      ...options,
      auth: (give) => give(state.auth),
    });
    clients.set(name, { socket, state });
    const tell = (what, more = {}) => say({ client: name, what, ...more });
    socket.on("connect", () => tell("connect", { sid: socket.id, recovered: socket.recovered }));
    socket.on("disconnect", (reason) => tell("disconnect", { reason, active: socket.active }));
    socket.on("connect_error", (error) =>
      tell("connect_error", { message: error.message, data: error.data, active: socket.active }));
    socket.onAny((event, ...args) => {
      const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
      tell("event", { event, args: plain(args) });
      if (answer) answer(...args.slice(0, 1));
    });
  },
  emit({ name, event, args }) {
    clients.get(name).socket.emit(event, ...rich(args));
  },
  ack({ name, event, args, id }) {
    const answer = (error, ...values) =>
      say({ client: name, what: "ack", id, error: error?.message, args: plain(values) });
    const { socket } = clients.get(name);
    // With `retries` the client has timeouts of its own, and a callback of the same form.
    (socket.io.opts.retries ? socket : socket.timeout(5000)).emit(event, ...rich(args), answer);
  },
  auth({ name, auth }) {
    clients.get(name).state.auth = auth;
  },
  cut({ name }) {
    clients.get(name).socket.io.engine.transport.ws._socket.destroy();
  },
  hold({ name }) {
    clients.get(name).socket.io.engine.transport.ws._socket.pause();
  },
  resume({ name }) {
    clients.get(name).socket.io.engine.transport.ws._socket.resume();
  },
  wire({ name, id }) {
    const { ws } = clients.get(name).socket.io.engine.transport;
    say({ client: name, what: "wire", id, extensions: ws.extensions, bytes: ws._socket.bytesRead });
  },
  offer({ name, deflate }) {
    clients.get(name).socket.io.opts.perMessageDeflate = deflate;
  },
  open({ name }) {
    clients.get(name).socket.connect();
  },
  disconnect({ name }) {
    clients.get(name).socket.disconnect();
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    try {
      commands[command.do](command);
    } catch (error) {
      say({ client: command.name, what: "driver_error", message: String(error) });
    }
  })
  .on("close", () => process.exit(0));
say({ what: "ready" });
