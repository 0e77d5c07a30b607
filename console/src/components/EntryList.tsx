import type { Entry, Mark } from "../feed/state.ts";
import styles from "./EntryList.module.css";
import { Icon } from "./Icon.tsx";

interface EntryListProps {
  readonly entries: readonly Entry[];
  readonly name: string;
}

/** What the feed received, newest first, and what happened to its connection in between. */
export function EntryList({ entries, name }: EntryListProps) {
  return (
    <div className={styles.scroller} role="log" aria-label={`Events for ${name}`}>
      {entries.length === 0 && <p className={styles.empty}>Nothing yet.</p>}
      <ol className={styles.list}>
        {entries.map((entry) => (
          <li key={entry.seq}>
            {entry.kind === "event" ? (
              <EventEntry entry={entry} name={name} />
            ) : (
              <MarkEntry entry={entry} />
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

type EventProps = { readonly entry: Extract<Entry, { kind: "event" }>; readonly name: string };

function EventEntry({ entry: { event, caughtUp }, name }: EventProps) {
  const toUser = event.audience === "user";
  return (
    <div className={styles.event} data-type={event.type} data-caught-up={caughtUp || undefined}>
      <span className={styles.icon}>
        <Icon name={event.type} size={18} />
        <span className="visually-hidden">{event.type}:</span>
      </span>
      <div className={styles.body}>
        <p className={styles.message}>{event.message}</p>
        <p className={styles.meta}>
          <time dateTime={event.at}>{clock(Date.parse(event.at))}</time>
          {event.audience && (
            <span className={styles.audience} data-only={toUser || undefined}>
              <Icon name={toUser ? "one" : "everyone"} size={13} />
              {toUser ? `only ${name}` : "everyone"}
            </span>
          )}
          {caughtUp && <span className={styles.caughtUp}>caught up</span>}
        </p>
      </div>
    </div>
  );
}

function MarkEntry({ entry }: { readonly entry: Extract<Entry, { kind: "mark" }> }) {
  return (
    <p className={styles.mark} data-mark={entry.mark}>
      <Icon name={entry.mark} size={14} />
      <span>{markWords(entry.mark, entry.caughtUp)}</span>
      <time dateTime={new Date(entry.at).toISOString()}>{clock(entry.at)}</time>
    </p>
  );
}

function markWords(mark: Mark, caughtUp: number): string {
  switch (mark) {
    case "cut":
      return "Connection cut";
    case "recovered":
      return caughtUp === 0 ? "Recovered, nothing missed" : `Recovered, ${caughtUp} caught up`;
    case "restarted":
      return "Back, but the gap is gone";
    case "renewed":
      return "Token renewed";
    case "ended":
      return "Session ended";
  }
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

function clock(ms: number): string {
  return Number.isNaN(ms) ? "" : clockFormat.format(ms);
}
