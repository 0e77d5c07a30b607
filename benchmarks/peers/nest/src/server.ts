// A NestJS gateway as its documentation builds one: a hybrid application, whose RabbitMQ microservice
// consumes a queue with manual acks, and whose WebSocket gateway emits each event to its tenant's room.
//
// Commands on stdin, as for every server that a broker feeds (see benchmarks/servers.py): `begin`,
// `stats`; the end of stdin stops it.
import "reflect-metadata";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Controller, Injectable, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  Ctx,
  EventPattern,
  Payload,
  RmqContext,
  Transport,
  type MicroserviceOptions,
} from "@nestjs/microservices";
import { IoAdapter } from "@nestjs/platform-socket.io";
import {
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayInit,
} from "@nestjs/websockets";
import type { Channel, ConsumeMessage } from "amqplib";
import jwt from "jsonwebtoken";
import type { Namespace, Socket } from "socket.io";

interface Claims {
  tenantId: string;
  sub: string;
}

interface BenchEvent {
  tenantId: string;
  seq: number;
  t: number;
  pad: string;
}

const PREFETCH = 1_000; // Tidegate's default; Nest's is no limit
const env = (name: string): string => process.env[name] ?? "";
const say = (line: Record<string, unknown>): void => console.log(JSON.stringify(line));
let events = 0;

@Injectable()
@WebSocketGateway({ namespace: "/bench", transports: ["websocket"], serveClient: false })
class BenchGateway implements OnGatewayInit<Namespace>, OnGatewayConnection<Socket> {
  @WebSocketServer()
  private readonly namespace!: Namespace;

  afterInit(namespace: Namespace): void {
    namespace.use((socket, next) => {
      const token = String(socket.handshake.auth["token"]);
      jwt.verify(token, env("BENCH_SECRET"), { algorithms: ["HS256"] }, (error, claims) => {
        if (error) return next(new Error("Unauthorized"));
        socket.data = claims;
        return next();
      });
    });
  }

  async handleConnection(socket: Socket): Promise<void> {
    const { tenantId, sub } = socket.data as Claims;
    await socket.join([`tenant:${tenantId}`, `user:${tenantId}:${sub}`]);
  }

  emit(event: BenchEvent): void {
    this.namespace.to(`tenant:${event.tenantId}`).emit("bench", event);
  }
}

@Controller()
class BenchController {
  constructor(private readonly gateway: BenchGateway) {}

  @EventPattern("bench")
  handle(@Payload() event: BenchEvent, @Ctx() context: RmqContext): void {
    this.gateway.emit(event);
    (context.getChannelRef() as Channel).ack(context.getMessage() as ConsumeMessage);
    events += 1;
  }
}

@Module({ controllers: [BenchController], providers: [BenchGateway] })
class BenchModule {}

async function begin(): Promise<void> {
  const app = await NestFactory.create(BenchModule, { logger: ["error"] });
  app.useWebSocketAdapter(new IoAdapter(app));
  app.connectMicroservice<MicroserviceOptions>({
    transport: Transport.RMQ,
    options: {
      urls: [env("BENCH_AMQP_URL")],
      queue: env("BENCH_NAME"),
      noAck: false,
      noAssert: true,
      prefetchCount: PREFETCH,
    },
  });
  await app.startAllMicroservices();
  await app.listen(0, "127.0.0.1");
  say({ port: (app.getHttpServer().address() as { port: number }).port });
}

function obey(line: string): void {
  if (line === "begin") void begin();
  else if (line === "stats") say({ events, rejected: 0 });
}

const versionOf = (name: string): unknown =>
  (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as { version: unknown })
    .version;

createInterface({ input: process.stdin })
  .on("line", obey)
  .on("close", () => process.exit(0));
const packages = ["@nestjs/core", "amqplib", "socket.io"];
const versions = Object.fromEntries(packages.map((name) => [name, versionOf(name)]));
say({ port: 0, versions: { node: process.version, ...versions } });
