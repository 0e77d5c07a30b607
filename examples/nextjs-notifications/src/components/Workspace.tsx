"use client";

import { useState } from "react";

import { fetchNotifications, fetchToken } from "../demo/api";
import type { Person } from "../demo/people";
import {
  NotificationsProvider,
  useNotifications,
} from "../features/notifications/realtime/notifications-provider";
import { Bell } from "./Bell";
import { ConnectionState } from "./ConnectionState";
import { NotificationList } from "./NotificationList";
import { SendSample } from "./SendSample";
import { useReadMarks } from "./useReadMarks";
import styles from "./Workspace.module.css";

interface Props {
  readonly person: Person;
  readonly url: string;
  readonly hue: number;
}

/** One person's app: a connection, a store and a list of their own. */
export function Workspace({ person, url, hue }: Props) {
  const { user } = person;

  return (
    <NotificationsProvider
      url={url}
      getToken={() => fetchToken(user)}
      refetch={async () => ({ "notification.created": await fetchNotifications(user) })}
    >
      <section className={styles.workspace} data-hue={hue} aria-label={person.company}>
        <Desk person={person} />
      </section>
    </NotificationsProvider>
  );
}

function Desk({ person }: { readonly person: Person }) {
  const notifications = useNotifications((state) => state.received["notification.created"]);
  const { marks, markRead } = useReadMarks();
  const [isOpen, setIsOpen] = useState(true);
  const unread = notifications.filter(({ id }) => marks.get(id) !== "read");

  return (
    <>
      <header className={styles.bar}>
        <span className={styles.mark} aria-hidden="true">
          {person.company.slice(0, 1)}
        </span>
        <div className={styles.who}>
          <h2 className={styles.company}>{person.company}</h2>
          <p className={styles.person}>{person.name}</p>
        </div>
        <ConnectionState />
        <Bell unread={unread.length} isOpen={isOpen} onToggle={() => setIsOpen(!isOpen)} />
      </header>
      {isOpen && (
        <NotificationList
          notifications={notifications}
          marks={marks}
          onRead={markRead}
          unread={unread.length}
        />
      )}
      <SendSample person={person} />
    </>
  );
}
