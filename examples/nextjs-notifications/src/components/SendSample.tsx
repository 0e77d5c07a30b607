"use client";

import { useState } from "react";

import { sendSample } from "../demo/api";
import type { Person } from "../demo/people";
import { Icon } from "./Icon";
import styles from "./SendSample.module.css";

export function SendSample({ person }: { readonly person: Person }) {
  const [failed, setFailed] = useState(false);
  const send = () => {
    sendSample(person.user).then(
      () => setFailed(false),
      () => setFailed(true),
    );
  };

  return (
    <footer className={styles.footer}>
      <button type="button" className={styles.send} onClick={send}>
        <Icon name="send" size={16} />
        Send a sample to {person.company}
      </button>
      {failed && <p role="alert">The gateway did not take it; is REALTIME_API_KEY set?</p>}
    </footer>
  );
}
