import { useNotificationsConnection } from "../features/notifications/realtime/notifications-provider";
import type { RealtimeStatus } from "../lib/realtime/realtime-socket";
import styles from "./ConnectionState.module.css";

const LABELS: Readonly<Record<RealtimeStatus, string>> = {
  connecting: "Connecting",
  connected: "Live",
  reconnecting: "Reconnecting",
  unauthorized: "Signed out",
  closed: "Offline",
};

export function ConnectionState() {
  const { status, reconnect } = useNotificationsConnection();
  const isOver = status === "unauthorized" || status === "closed";

  return (
    <div className={styles.state}>
      <span role="status" className={styles.pill} data-status={status}>
        {LABELS[status]}
      </span>
      {isOver && (
        <button type="button" className={styles.again} onClick={reconnect}>
          Try again
        </button>
      )}
    </div>
  );
}
