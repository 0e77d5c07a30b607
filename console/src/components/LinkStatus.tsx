import type { Link } from "../feed/state.ts";
import styles from "./LinkStatus.module.css";
import { useSecondsUntil } from "./useSecondsUntil.ts";

type Tone = "live" | "busy" | "down";

/** The state of a connection as a dot and a few words. */
export function LinkStatus({ link }: { readonly link: Link }) {
  return (
    <p className={styles.status} data-tone={toneOf(link)}>
      <span className={styles.dot} aria-hidden="true" />
      {/* Spoken once per change; the running countdown is for the eye only. */}
      <output className="visually-hidden">{wordsFor(link)}</output>
      <span className={styles.words} aria-hidden="true">
        {link.kind === "waiting" ? <Countdown until={link.retryAt} /> : wordsFor(link)}
      </span>
    </p>
  );
}

interface LinkNoticeProps {
  readonly link: Link;
  readonly name: string;
}

/** Shown while the feed is off: what to do with the pause, or why there will be no next try. */
export function LinkNotice({ link, name }: LinkNoticeProps) {
  switch (link.kind) {
    case "waiting":
      return (
        <div className={styles.notice}>
          <p>Publish now: {name} gets it once back.</p>
          <span className={styles.progress} aria-hidden="true" />
        </div>
      );
    case "refused":
      return (
        <p className={styles.notice}>
          {link.message} (<code>{link.code}</code>)
        </p>
      );
    case "ended":
      return <p className={styles.notice}>The gateway ended this session.</p>;
    case "connecting":
    case "live":
      return null;
  }
}

function Countdown({ until }: { readonly until: number }) {
  const seconds = useSecondsUntil(until);
  return <>Cut · back in {seconds} s</>;
}

function wordsFor(link: Link): string {
  switch (link.kind) {
    case "connecting":
      return "Connecting…";
    case "live":
      return liveWords(link);
    case "waiting":
      return "Connection cut, reconnecting soon";
    case "refused":
      return "Refused";
    case "ended":
      return "Ended";
  }
}

function liveWords({ arrival, caughtUp }: Extract<Link, { kind: "live" }>): string {
  switch (arrival) {
    case "first":
      return "Live";
    case "recovered":
      return caughtUp === 0 ? "Recovered" : `Recovered · ${caughtUp} caught up`;
    case "restarted":
      return "Live, history lost";
  }
}

function toneOf(link: Link): Tone {
  if (link.kind === "live") return "live";
  return link.kind === "connecting" ? "busy" : "down";
}
