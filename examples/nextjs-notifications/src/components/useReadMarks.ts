import { useCallback, useState } from "react";

import { useNotificationsConnection } from "../features/notifications/realtime/notifications-provider";

/** `saving` until the gateway has acknowledged it, `failed` if it did not. */
export type ReadMark = "saving" | "read" | "failed";

export interface ReadMarks {
  readonly marks: ReadonlyMap<string, ReadMark>;
  readonly markRead: (id: string) => void;
}

/** What the user has read, as far as the server knows of it. */
export function useReadMarks(): ReadMarks {
  const { commands } = useNotificationsConnection();
  const [marks, setMarks] = useState<ReadonlyMap<string, ReadMark>>(new Map());

  const markRead = useCallback(
    (id: string) => {
      const set = (mark: ReadMark) => setMarks((before) => new Map(before).set(id, mark));
      set("saving");
      commands.markRead({ notificationId: id }).then(
        () => set("read"),
        () => set("failed"),
      );
    },
    [commands],
  );

  return { marks, markRead };
}
