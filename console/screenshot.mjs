// Takes the README's picture of a running demo.
// Usage: node screenshot.mjs <url> <out.png> [width] [height] [light|dark]
import { chromium } from "playwright-core";

const [url, out, width = "1440", height = "900", colorScheme = "light"] = process.argv.slice(2);
if (!url || !out) {
  console.error("usage: node screenshot.mjs <url> <out.png> [width] [height] [light|dark]");
  process.exit(2);
}

const publish = (tenant, message, type, user) =>
  fetch(new URL("/demo/publish", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant, message, type, ...(user ? { user } : {}) }),
  });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const page = await browser.newPage({
  viewport: { width: Number(width), height: Number(height) },
  colorScheme,
});
page.on("pageerror", (error) => console.error("page error:", error.message));
await page.goto(url);
await page.getByText(/^Live/).first().waitFor();
await publish("acme", "Invoice 2041 was paid", "success");
await publish("acme", "Your export is ready", "info", "ada");
await publish("globex", "Backup finished in 4 minutes", "success");
await page.getByRole("button", { name: /cut/i }).first().click();
await publish("acme", "Deployment 318 started", "info");
await publish("acme", "Deployment 318 needs your approval", "warning", "ada");
await publish("globex", "Certificate expires in 7 days", "warning", "cleo");
await page.waitForFunction(() => /recovered\s*true/.test(document.body.innerText));
await page.waitForTimeout(600); // the entries' fade-in
await page.screenshot({ path: out });
await browser.close();
