// A Nest RMQ microservice that answers what the gateway forwards.
//
//   node dist/responder.js '<RmqOptions as JSON>'
//
// It says what it hears, one JSON line each, so that a test can tell what arrived and how.
import "reflect-metadata";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RmqContext,
  RpcException,
  Transport,
  type MicroserviceOptions,
  type RmqOptions,
} from "@nestjs/microservices";
import type { Channel, ConsumeMessage } from "amqplib";
import { from, type Observable } from "rxjs";
import { onLines, say } from "./lines.js";

type Settings = NonNullable<RmqOptions["options"]>;

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;

/** Report a message and acknowledge it, unless the queue is consumed with `noAck`. */
function take(what: "message" | "event", data: unknown, context: RmqContext): ConsumeMessage {
  const message = context.getMessage() as ConsumeMessage;
  const { headers, messageId, contentType, deliveryMode, correlationId } = message.properties;
  const properties = { headers, messageId, contentType, deliveryMode, correlationId };
  say({ what, pattern: context.getPattern(), data, ...properties });
  if (settings.noAck === false) (context.getChannelRef() as Channel).ack(message);
  return message;
}

@Controller()
class Answers {
  private readonly stumbled = new Set<string>();

  /** Answer with the data and the headers beside it. */
  @MessagePattern(["echo", { cmd: "echo" }])
  echo(@Payload() data: unknown, @Ctx() context: RmqContext): Record<string, unknown> {
    return { data, headers: take("message", data, context).properties.headers };
  }

  /** Answer with a stream of values; a client of Nest takes the last. */
  @MessagePattern("stream")
  stream(@Payload() data: unknown[], @Ctx() context: RmqContext): Observable<unknown> {
    take("message", data, context);
    return from(data);
  }

  /** Answer with nothing. */
  @MessagePattern("nothing")
  nothing(@Payload() data: unknown, @Ctx() context: RmqContext): void {
    take("message", data, context);
  }

  /** Answer after as many milliseconds as the data says. */
  @MessagePattern("slow")
  async slow(@Payload() data: { ms: number }, @Ctx() context: RmqContext): Promise<unknown> {
    take("message", data, context);
    await new Promise((resolve) => setTimeout(resolve, data.ms));
    return data;
  }

  /** Leave the first message with an id unanswered, and answer those that have it again. */
  @MessagePattern("stumble")
  async stumble(@Payload() data: unknown, @Ctx() context: RmqContext): Promise<unknown> {
    const id = String(take("message", data, context).properties.messageId);
    if (this.stumbled.has(id)) return data;
    this.stumbled.add(id);
    return new Promise<never>(() => undefined);
  }

  /** Refuse with what was sent, a text or an object. */
  @MessagePattern("refuse")
  refuse(@Payload() data: string | object, @Ctx() context: RmqContext): never {
    take("message", data, context);
    throw new RpcException(data);
  }

  /** Fail with an error that Nest keeps to itself. */
  @MessagePattern("crash")
  crash(@Payload() data: unknown, @Ctx() context: RmqContext): never {
    take("message", data, context);
    throw new Error("a detail that stays inside");
  }

  /** Never answer. */
  @MessagePattern("silent")
  async silent(@Payload() data: unknown, @Ctx() context: RmqContext): Promise<never> {
    take("message", data, context);
    return new Promise<never>(() => undefined);
  }

  /** Take an event; there is nobody to answer. */
  @EventPattern("note")
  note(@Payload() data: unknown, @Ctx() context: RmqContext): void {
    take("event", data, context);
  }
}

@Module({ controllers: [Answers] })
class ResponderModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(ResponderModule, {
    transport: Transport.RMQ,
    options: settings,
    logger: false,
  });
  await app.listen();
  onLines(() => undefined, async () => app.close());
  say({ what: "ready" });
}

void main();
