import styles from "./Bell.module.css";
import { Icon } from "./Icon";

interface Props {
  readonly unread: number;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

export function Bell({ unread, isOpen, onToggle }: Props) {
  return (
    <button
      type="button"
      className={styles.bell}
      aria-expanded={isOpen}
      aria-label={`Notifications, ${unread} unread`}
      onClick={onToggle}
    >
      <Icon name="bell" size={22} />
      {unread > 0 && (
        <span key={unread} className={styles.badge} aria-hidden="true">
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </button>
  );
}
