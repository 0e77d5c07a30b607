const PATHS = {
  bell: "M12 3.5a5.5 5.5 0 0 0-5.5 5.5v3.6L4.5 16.5h15l-2-3.9V9A5.5 5.5 0 0 0 12 3.5ZM9.8 19.5a2.3 2.3 0 0 0 4.4 0",
  check: "m5 12.5 4.5 4.5L19 7.5",
  info: "M12 11.2V17M12 7v.1",
  success: "m6.5 12.5 3.7 3.7L17.5 8.5",
  warning: "M12 6.5v6.3M12 17v.1",
  send: "m4.5 11.5 15-7-6 15-2.5-6.5-6.5-1.5Z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
