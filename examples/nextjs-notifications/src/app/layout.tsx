import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";

import "./globals.css";

export const metadata: Metadata = {
  title: "Live notifications · Tidegate",
  description: "Two tenants, each with notifications of its own, live.",
};

export const viewport: Viewport = { colorScheme: "light dark" };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
