import type { NotificationCreated } from "../features/notifications/realtime/notifications.events";
import { Icon, type IconName } from "./Icon";
import styles from "./NotificationList.module.css";
import type { ReadMark, ReadMarks } from "./useReadMarks";

interface Props {
  readonly notifications: readonly NotificationCreated[];
  readonly marks: ReadMarks["marks"];
  readonly unread: number;
  readonly onRead: (id: string) => void;
}

export function NotificationList({ notifications, marks, unread, onRead }: Props) {
  if (notifications.length === 0) {
    return (
      <div className={styles.empty}>
        <Icon name="bell" size={28} />
        <p>Nothing yet. What is sent to this company shows up here at once.</p>
      </div>
    );
  }
  return (
    <div>
      <div className={styles.heading}>
        <h3 className={styles.title}>Notifications</h3>
        <span className={styles.count}>{unread === 0 ? "All read" : `${unread} unread`}</span>
      </div>
      <ol className={styles.list}>
        {notifications.map((notification) => (
          <Item
            key={notification.id}
            notification={notification}
            mark={marks.get(notification.id)}
            onRead={onRead}
          />
        ))}
      </ol>
    </div>
  );
}

interface ItemProps {
  readonly notification: NotificationCreated;
  readonly mark: ReadMark | undefined;
  readonly onRead: (id: string) => void;
}

function Item({ notification: { id, message, type }, mark, onRead }: ItemProps) {
  return (
    <li className={styles.item} data-read={mark === "read"}>
      <span className={styles.icon} data-type={type}>
        <Icon name={iconOf(type)} size={22} />
      </span>
      <div className={styles.text}>
        <p className={styles.message}>{message}</p>
        {mark === "failed" && <p className={styles.failed}>Not saved. Try again?</p>}
      </div>
      {mark === "read" ? (
        <span className={styles.read}>
          <Icon name="check" size={16} /> Read
        </span>
      ) : (
        <button
          type="button"
          className={styles.markRead}
          disabled={mark === "saving"}
          onClick={() => onRead(id)}
        >
          Mark as read
        </button>
      )}
    </li>
  );
}

function iconOf(type: string): IconName {
  return type === "success" || type === "warning" ? type : "info";
}
