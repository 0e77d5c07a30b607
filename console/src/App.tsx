import styles from "./App.module.css";
import type { DemoConfig } from "./api.ts";
import { Icon } from "./components/Icon.tsx";
import { TenantPanel } from "./components/TenantPanel.tsx";
import { TourBar } from "./components/TourBar.tsx";
import { useConfig } from "./useConfig.ts";

export function App() {
  const config = useConfig();

  return (
    <div className={styles.page}>
      <header className={styles.masthead}>
        <div className={styles.brand}>
          <Icon name="gate" size={30} />
          <span className={styles.wordmark}>Tidegate</span>
          <span className={styles.tag}>demo</span>
        </div>
        <h1 className={styles.headline}>Every tenant its own tide.</h1>
        <p className={styles.lede}>
          Two customers share this gateway. What is published to one never reaches the other, and a
          feed that loses its connection gets what it missed: all of it, in order, once. Each feed is
          a plain <code>socket.io-client</code> with a token of its own.
        </p>
      </header>
      {config.kind === "ready" && <Board config={config.config} />}
      {config.kind === "loading" && <p className={styles.note}>Asking the gateway who is here…</p>}
      {config.kind === "failed" && (
        <div className={styles.note} role="alert">
          <p>{config.message}</p>
          <button type="button" className="button" onClick={() => location.reload()}>
            Try again
          </button>
        </div>
      )}
    </div>
  );
}

function Board({ config }: { readonly config: DemoConfig }) {
  const [tenant] = config.tenants;
  const [user] = tenant?.users ?? [];

  return (
    <main className={styles.main}>
      {tenant && user && <TourBar tenant={tenant} user={user} />}
      <div className={styles.tenants}>
        {config.tenants.map((each, index) => (
          <TenantPanel key={each.id} tenant={each} namespace={config.namespace} hue={index} />
        ))}
      </div>
    </main>
  );
}
