/**
 * Take the picture of the demo page for the README.
 *
 *     node screenshot.mjs <url> <out.png> [--dark]
 *
 * Works the page as a visitor would: publishes to both tenants, cuts Ada's connection, publishes three
 * events that she misses, and takes the picture once they have been caught up. Needs a Chromium;
 * `CHROMIUM` names another than the system's.
 */

import { existsSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", // containers run as root
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TO_EVERYONE = "Everyone";

const [url, out, ...flags] = process.argv.slice(2);
if (!url || !out) {
  console.error("usage: node screenshot.mjs <url> <out.png> [--dark]");
  process.exit(2);
}

const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (!executablePath) {
  console.error("No Chromium found: install one, or name it in CHROMIUM.");
  process.exit(2);
}

const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
try {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    deviceScaleFactor: 2,
    colorScheme: flags.includes("--dark") ? "dark" : "light",
    locale: "en-GB",
  });
  await page.goto(url);
  await show(page);
  await page.screenshot({ path: out });
} finally {
  await browser.close();
}

async function show(page) {
  await page.getByRole("article").filter({ hasText: "Live" }).nth(3).waitFor(); // all four

  await publish(page, "Acme", "Success", "Invoice 1042 was paid");
  await publish(page, "Globex", "Info", "Maintenance tonight at 22:00");
  await publish(page, "Acme", "Info", "Your export is ready", "Ben");

  await page.getByRole("button", { name: "Cut Ada's connection" }).click();
  await feedOf(page, "Ada").getByText("Connection cut", { exact: true }).waitFor();
  await publish(page, "Acme", "Info", "Import started: 4,120 rows");
  await publish(page, "Acme", "Warning", "Import: 3 rows need a look");
  await publish(page, "Acme", "Success", "Import finished");
  await publish(page, "Globex", "Warning", "Storage is 90% full");

  await feedOf(page, "Ada").getByText(/^Recovered, \d+ caught up$/).waitFor();
  await feedOf(page, "Ada").getByText("Import finished").waitFor();
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished)));
}

function feedOf(page, name) {
  return page.getByRole("article", { name: `${name}'s feed` });
}

async function publish(page, tenant, type, message, recipient = TO_EVERYONE) {
  const form = page.getByRole("form", { name: `Publish to ${tenant}` });
  await form.getByLabel("Message").fill(message);
  await form.getByText(recipient, { exact: true }).click();
  await form.getByText(type, { exact: true }).click();
  await form.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("article").getByText(message).first().waitFor();
}
