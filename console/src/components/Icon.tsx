import type { ReactNode } from "react";

/** Stroke drawings on a 24 x 24 grid, in the colour of the text around them. */
const DRAWINGS = {
  gate: (
    <>
      <rect x="1.5" y="1.5" width="21" height="21" rx="6.5" fill="currentColor" stroke="none" />
      <path
        d="M5.5 10c2.2-2.3 4.3-2.3 6.5 0s4.3 2.3 6.5 0M5.5 15.2c2.2-2.3 4.3-2.3 6.5 0s4.3 2.3 6.5 0"
        stroke="var(--surface)"
      />
    </>
  ),
  info: <path d="M12 10.5v7.5M12 6v.1" />,
  success: <path d="m7 12.5 3.4 3.4L17.2 9" />,
  warning: <path d="M12 5.5v8M12 18v.1" />,
  cut: (
    <>
      <circle cx="6" cy="7" r="2.6" />
      <circle cx="6" cy="17" r="2.6" />
      <path d="M8.2 8.5 20 17M8.2 15.5 20 7" />
    </>
  ),
  everyone: (
    <>
      <circle cx="9" cy="8.5" r="3.2" />
      <path d="M3 19c.6-3.3 3-5 6-5s5.4 1.7 6 5M15.5 5.6a3.2 3.2 0 0 1 0 5.8M17.5 14.3c1.9.7 3.1 2.3 3.5 4.7" />
    </>
  ),
  one: (
    <>
      <circle cx="12" cy="8.5" r="3.4" />
      <path d="M5.5 19.5c.7-3.6 3.2-5.5 6.5-5.5s5.8 1.9 6.5 5.5" />
    </>
  ),
  recovered: <path d="M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 4.5v4.6h4.6" />,
  restarted: <path d="M5 12h14M13 6l6 6-6 6" />,
  renewed: (
    <>
      <circle cx="8" cy="15.5" r="3.6" />
      <path d="M10.7 12.8 19 4.5M15.5 8l3 3" />
    </>
  ),
  ended: <path d="M7 7l10 10M17 7 7 17" />,
  send: <path d="M4 12h15M13 6l6 6-6 6" />,
  play: <path d="M8 5.5v13l10.5-6.5z" fill="currentColor" />,
  stop: <rect x="6.5" y="6.5" width="11" height="11" rx="2" fill="currentColor" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWINGS;

interface IconProps {
  readonly name: IconName;
  readonly size?: number;
}

/** A decoration: the words beside it say the same. */
export function Icon({ name, size = 16 }: IconProps) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {DRAWINGS[name]}
    </svg>
  );
}
