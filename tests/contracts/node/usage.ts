// Uses the generated contract with the official client's own types, in strict mode. Nothing here
// runs: it compiles, and each line below `@ts-expect-error` must not.
import { io, type Socket } from "socket.io-client";
import type {
  ChatClientToServerEvents,
  ChatServerToClientEvents,
  Marked,
  NotificationCreated,
  NotificationsClientToServerEvents,
  NotificationsServerToClientEvents,
  PageNotificationCreated,
  TidegateConnectRefusal,
  TidegateRefusal,
  TidegateRoomAnswer,
} from "./contract.js";

type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function is<A, B>(_same: Is<A, B>): void {}

const notifications: Socket<NotificationsServerToClientEvents, NotificationsClientToServerEvents> =
  io("/notifications", { auth: (give) => give({ token: "…" }) });
const chat: Socket<ChatServerToClientEvents, ChatClientToServerEvents> = io("/chat");

// What the gateway emits.

notifications.on("notification.created", (notification) => {
  is<typeof notification, NotificationCreated>(true);
  is<typeof notification.created_at, string>(true);
  is<typeof notification.priority, "high" | "low">(true);
  is<typeof notification.note, string | null | undefined>(true);
  is<typeof notification.counts, Record<string, number | null> | undefined>(true);
  // @ts-expect-error optional and nullable
  notification.note.length;
  // @ts-expect-error no such kind
  notification.kind === "error";
});
notifications.on("tidegate.token_expiring", ({ expires_in }) => is<typeof expires_in, number>(true));
chat.on("message posted!", (message) => {
  is<typeof message.author.initials, string>(true);
  for (const part of message.parts) {
    if (part.type === "text") is<typeof part.text, string>(true);
    else is<typeof part.url, string>(true);
  }
});
// @ts-expect-error no such event
notifications.on("notification.deleted", () => {});
// @ts-expect-error an event of the other namespace
notifications.on("presence", () => {});

// What clients emit, and the acks.

notifications.emit("notification.markRead", { notificationId: "1" }, (answer) => {
  is<typeof answer, Marked | TidegateRefusal>(true);
  // @ts-expect-error it may be a refusal
  answer.unread;
  if ("error" in answer) is<typeof answer.error.field, string | undefined>(true);
  else is<typeof answer.unread, number>(true);
});
// @ts-expect-error the name in Python
notifications.emit("notification.markRead", { notification_id: "1" }, () => {});
// @ts-expect-error a number is no id
notifications.emit("notification.markRead", { notificationId: 1 }, () => {});
// @ts-expect-error the ack is not listened to
notifications.emit("notification.markRead", { notificationId: "1" });
notifications.emit("notification.list", (page) =>
  is<typeof page, PageNotificationCreated | TidegateRefusal>(true),
);
notifications.emit("notification.list", null, 10, () => {});
// @ts-expect-error the limit is a number
notifications.emit("notification.list", null, "10", () => {});
notifications.emit("notification.last", (last) =>
  is<typeof last, NotificationCreated | TidegateRefusal | undefined>(true),
);
chat.emit("author.rename", { id: 1, name: "Ada" }, (...answer) => {
  if (answer.length === 2) is<typeof answer[0]["initials"], string>(true);
  else is<typeof answer[0], TidegateRefusal>(true);
});
chat.emit("typing", "low");
chat.emit("typing", "low", (refusal) => is<typeof refusal, TidegateRefusal | undefined>(true));
// @ts-expect-error no such priority
chat.emit("typing", "medium");
chat.emit("message.send", { client_id: "…", parts: [{ type: "text", text: "Hello" }] });
// @ts-expect-error a part of neither kind
chat.emit("message.send", { client_id: "…", parts: [{ type: "video", url: "…" }] });
chat.emit("report", { anything: true });

// Rooms.

chat.emit("tidegate.join", { room: "conversation:7" }, () => {});
chat.emit("tidegate.join", { room: "thread:7" }, () => {});
// @ts-expect-error no number
chat.emit("tidegate.join", { room: "thread:seven" }, () => {});
// @ts-expect-error no such rooms
chat.emit("tidegate.join", { room: "tenant:acme" }, () => {});
// @ts-expect-error no rooms in this namespace
notifications.emit("tidegate.join", { room: "conversation:7" }, () => {});

// Promises, and timeouts.

async function ask(): Promise<void> {
  const marked = await notifications.emitWithAck("notification.markRead", { notificationId: "1" });
  is<typeof marked, Marked | TidegateRefusal>(true);
  const refreshed = await chat.emitWithAck("tidegate.refresh_token", { token: "…" });
  if ("ok" in refreshed) is<typeof refreshed.expires_at, number | null>(true);
  // The client's own types lose the answer after `timeout`, so it has to be named.
  const left: TidegateRoomAnswer | TidegateRefusal = await chat
    .timeout(5_000)
    .emitWithAck("tidegate.leave", { room: "thread:7" });
  if ("error" in left) is<typeof left.error.code, string>(true);
  notifications
    .timeout(5_000)
    .emit("notification.markRead", { notificationId: "1" }, (error, answer) => {
      is<typeof error, Error>(true);
      is<typeof answer, Marked | TidegateRefusal>(true);
    });
}

chat.on("connect_error", (error) => {
  const refusal = (error as { data?: TidegateConnectRefusal }).data;
  if (refusal?.code === "token_expired") void ask();
});
