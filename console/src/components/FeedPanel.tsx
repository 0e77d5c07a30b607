import { useState } from "react";

import { cutConnection, type Tenant, type User } from "../api.ts";
import { type Feed, useFeed } from "../feed/useFeed.ts";
import { EntryList } from "./EntryList.tsx";
import styles from "./FeedPanel.module.css";
import { Icon } from "./Icon.tsx";
import { LinkNotice, LinkStatus } from "./LinkStatus.tsx";

interface FeedPanelProps {
  readonly tenant: Tenant;
  readonly user: User;
  readonly namespace: string;
}

/** What one user sees, with the means to disturb it. */
export function FeedPanel({ tenant, user, namespace }: FeedPanelProps) {
  const feed = useFeed(namespace, tenant.id, user.id);
  const { link } = feed;

  return (
    <article className={styles.feed} data-link={link.kind} aria-label={`${user.name}'s feed`}>
      <header className={styles.header}>
        <div className={styles.person}>
          <span className={styles.avatar} aria-hidden="true">
            {user.name.charAt(0)}
          </span>
          <h3 className={styles.name}>{user.name}</h3>
          <div className={styles.status}>
            <LinkStatus link={link} />
          </div>
          <div className={styles.button}>
            <LinkButton feed={feed} name={user.name} />
          </div>
        </div>
      </header>
      <LinkNotice link={link} name={user.name} />
      <EntryList entries={feed.entries} name={user.name} />
      <SocketFacts feed={feed} />
    </article>
  );
}

/** Cut what is live; connect again what was refused or ended; wait for the rest. */
function LinkButton({ feed, name }: { readonly feed: Feed; readonly name: string }) {
  const { link, reconnect } = feed;
  const [failure, setFailure] = useState<string | null>(null);

  if (link.kind === "refused" || link.kind === "ended") {
    return (
      <button type="button" className="button" data-small onClick={reconnect}>
        Connect again
      </button>
    );
  }
  const cut = async (sid: string) => {
    try {
      await cutConnection(sid);
      setFailure(null);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <button
      type="button"
      className="button"
      data-small
      disabled={link.kind !== "live"}
      onClick={() => link.kind === "live" && cut(link.sid)}
      aria-label={`Cut ${name}'s connection`}
      title={failure ?? "The server drops this connection; the client comes back in 4 seconds"}
    >
      <Icon name="cut" size={15} />
      Cut
    </button>
  );
}

/** The client's own words, for who knows them. */
function SocketFacts({ feed: { link } }: { readonly feed: Feed }) {
  const isLive = link.kind === "live";
  return (
    <dl className={styles.facts}>
      <div>
        <dt>socket.recovered</dt>
        <dd data-yes={isLive && link.arrival === "recovered"}>
          {isLive ? String(link.arrival === "recovered") : "–"}
        </dd>
      </div>
      <div>
        <dt>id</dt>
        <dd>{isLive ? `${link.sid.slice(0, 8)}…` : "–"}</dd>
      </div>
    </dl>
  );
}
