import type { Tenant } from "../api.ts";
import { FeedPanel } from "./FeedPanel.tsx";
import { PublishForm } from "./PublishForm.tsx";
import styles from "./TenantPanel.module.css";

interface TenantPanelProps {
  readonly tenant: Tenant;
  readonly namespace: string;
  /** Which of the tenant colours: they tell tenants apart at a glance. */
  readonly hue: number;
}

export function TenantPanel({ tenant, namespace, hue }: TenantPanelProps) {
  const titleId = `tenant-${tenant.id}`;
  return (
    <section className={styles.panel} data-hue={hue % 2} aria-labelledby={titleId}>
      <header className={styles.header}>
        <span className={styles.monogram} aria-hidden="true">
          {tenant.name.charAt(0)}
        </span>
        <h2 id={titleId} className={styles.name}>
          {tenant.name}
        </h2>
        <span className={styles.kind}>tenant</span>
      </header>
      <PublishForm tenant={tenant} />
      <div className={styles.feeds}>
        {tenant.users.map((user) => (
          <FeedPanel key={user.id} tenant={tenant} user={user} namespace={namespace} />
        ))}
      </div>
    </section>
  );
}
