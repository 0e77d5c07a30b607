// A service that publishes with Nest's own ClientProxy, by commands from the test.
//
//   node dist/publisher.js '<RmqOptions as JSON>'
//
// A command is {"id", "do": "emit" | "send", "pattern", "data", "options"?}: `options` go through
// RmqRecordBuilder (headers, messageId, ...). The answer is {"id", "reply"?} once the broker has
// confirmed an emit or the responder has answered a send, or {"id", "error"}.
import { Logger } from "@nestjs/common";
import {
  ClientProxyFactory,
  RmqRecordBuilder,
  Transport,
  type ClientProxy,
  type RmqOptions,
  type RmqRecordOptions,
} from "@nestjs/microservices";
import { lastValueFrom } from "rxjs";
import { onLines, say } from "./lines.js";

interface Command {
  id: number;
  do: "emit" | "send";
  pattern: string | Record<string, unknown>;
  data: unknown;
  options?: RmqRecordOptions;
}

type Settings = NonNullable<RmqOptions["options"]>;

async function run(client: ClientProxy, command: Command): Promise<void> {
  const { id, pattern } = command;
  const data = command.options
    ? new RmqRecordBuilder(command.data).setOptions(command.options).build()
    : command.data;
  try {
    const result = command.do === "emit" ? client.emit(pattern, data) : client.send(pattern, data);
    say({ id, reply: await lastValueFrom<unknown, null>(result, { defaultValue: null }) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : error });
  }
}

async function main(options: Settings): Promise<void> {
  const client = ClientProxyFactory.create({ transport: Transport.RMQ, options });
  await client.connect();
  onLines((line) => void run(client, JSON.parse(line) as Command), async () => client.close());
  say({ what: "ready" });
}

Logger.overrideLogger(false);
void main(JSON.parse(process.argv[2] ?? "{}") as Settings);
