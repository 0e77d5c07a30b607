import { connection } from "next/server";

import { Workspace } from "../components/Workspace";
import { PEOPLE } from "../demo/people";
import styles from "./page.module.css";

export default async function Page() {
  await connection(); // the address is read for each request, so that one build runs anywhere
  const url = process.env["REALTIME_URL"] ?? "http://localhost:8000";

  return (
    <div className={styles.page}>
      <header className={styles.masthead}>
        <h1 className={styles.headline}>Live notifications</h1>
        <p className={styles.lede}>
          Two companies, one gateway. Each bell rings for its own company only; cut the line, and
          what was missed is there when it is back.
        </p>
      </header>
      <main className={styles.workspaces}>
        {PEOPLE.map((person, index) => (
          <Workspace key={person.user} person={person} url={url} hue={index} />
        ))}
      </main>
      <footer className={styles.footer}>
        Hook, store and provider were written by <code>tidegate new Notification</code>.
      </footer>
    </div>
  );
}
