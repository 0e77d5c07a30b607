import type { Tenant, User } from "../api.ts";
import { TOUR_STEPS, type TourStep } from "../tour/tour.ts";
import { type TourState, useTour } from "../tour/useTour.ts";
import { Icon } from "./Icon.tsx";
import styles from "./TourBar.module.css";

interface TourBarProps {
  readonly tenant: Tenant;
  readonly user: User;
}

/** What to try, in four steps, and a button that does them all. */
export function TourBar({ tenant, user }: TourBarProps) {
  const { state, start, stop } = useTour(tenant, user);
  const isRunning = state.kind === "running";
  const captions: Record<TourStep, readonly [title: string, detail: string]> = {
    publish: ["Publish", `${tenant.name} sees it, nobody else does`],
    cut: ["Cut", `${user.name} loses the connection`],
    miss: ["Publish three more", `${user.name} misses them, for now`],
    recover: ["Recovered", "All that was missed arrives, once"],
  };

  return (
    <section className={styles.tour} aria-label="What to try">
      <ol className={styles.steps}>
        {TOUR_STEPS.map((step, index) => (
          <li
            key={step}
            className={styles.step}
            data-progress={progressOf(index, state)}
            aria-current={isRunning && state.step === step ? "step" : undefined}
          >
            <span className={styles.number} aria-hidden="true">
              {index + 1}
            </span>
            <span>
              <strong className={styles.title}>{captions[step][0]}</strong>
              <span className={styles.detail}>{captions[step][1]}</span>
            </span>
          </li>
        ))}
      </ol>
      <button type="button" className="button" data-primary onClick={isRunning ? stop : start}>
        <Icon name={isRunning ? "stop" : "play"} />
        {isRunning ? "Stop the tour" : "Run the tour"}
      </button>
      <output className={styles.failure}>
        {state.kind === "failed" && `The tour stopped: ${state.message}`}
      </output>
    </section>
  );
}

function progressOf(index: number, state: TourState): "ahead" | "now" | "done" {
  if (state.kind === "done") return "done";
  if (state.kind !== "running") return "ahead";
  const current = TOUR_STEPS.indexOf(state.step);
  if (index === current) return "now";
  return index < current ? "done" : "ahead";
}
