import { type FormEvent, useId, useRef, useState } from "react";

import { ApiError, type NotificationType, publish, type Tenant } from "../api.ts";
import { Choice, type Option } from "./Choice.tsx";
import { Icon } from "./Icon.tsx";
import styles from "./PublishForm.module.css";
import { SAMPLES } from "./samples.ts";

const TYPES: readonly Option<NotificationType>[] = [
  { value: "info", label: "Info", icon: "info" },
  { value: "success", label: "Success", icon: "success" },
  { value: "warning", label: "Warning", icon: "warning" },
];

/** The whole tenant, as a choice beside its users' ids (which are never empty). */
const EVERYONE = "";

/**
 * Publish to this tenant or to one of its users.
 *
 * A message is always at hand, so that one click shows something; the next one follows it.
 */
export function PublishForm({ tenant }: { readonly tenant: Tenant }) {
  const [sample, setSample] = useState(0);
  const [message, setMessage] = useState<string>(SAMPLES[0].message);
  const [type, setType] = useState<NotificationType>(SAMPLES[0].type);
  const [recipient, setRecipient] = useState(EVERYONE);
  const [error, setError] = useState<ApiError | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const errorId = useId();

  const offerNext = () => {
    const next = (sample + 1) % SAMPLES.length;
    const { message: text, type: kind } = SAMPLES[next] ?? SAMPLES[0];
    setSample(next);
    setMessage(text);
    setType(kind);
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const user = recipient === EVERYONE ? {} : { user: recipient };
    try {
      await publish({ tenant: tenant.id, message, type, ...user });
      setError(null);
      offerNext();
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(String(cause), "failed"));
      input.current?.focus();
    }
  };

  return (
    <form className={styles.form} onSubmit={submit} aria-label={`Publish to ${tenant.name}`}>
      <div className={styles.line}>
        <input
          ref={input}
          className={styles.message}
          aria-label="Message"
          aria-invalid={error !== null}
          aria-describedby={error ? errorId : undefined}
          value={message}
          onChange={(event) => setMessage(event.target.value)}
          maxLength={200}
          autoComplete="off"
        />
        <button type="submit" className="button" data-primary>
          Publish
          <Icon name="send" />
        </button>
      </div>
      {error && (
        <p id={errorId} className={styles.error} role="alert">
          {error.message}
        </p>
      )}
      <div className={styles.choices}>
        <Choice
          legend="To"
          options={[
            { value: EVERYONE, label: "Everyone", icon: "everyone" },
            ...tenant.users.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value={recipient}
          onChange={setRecipient}
        />
        <Choice legend="As" options={TYPES} value={type} onChange={setType} />
      </div>
    </form>
  );
}
