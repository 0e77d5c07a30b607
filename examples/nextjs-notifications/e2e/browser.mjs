// The page in Chromium, driven by lines of JSON: the end-to-end test publishes and cuts lines itself.
// Each line {"do", …} is answered by one: {"value"} or {"error"}. It ends with its input.
// CHROMIUM names another browser than the system's.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const page = await browser.newPage({
  viewport: { width: 1180, height: 740 },
  deviceScaleFactor: 1.5,
  locale: "en-GB",
});
page.setDefaultTimeout(20_000);
const problems = [];
page.on("pageerror", (error) => problems.push(error.message));
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));

const company = (name) => page.getByRole("region", { name });
const notification = (name, text) => company(name).getByRole("listitem").filter({ hasText: text });

const steps = {
  open: ({ url }) => page.goto(url),
  see: ({ company: name, text }) => company(name).getByText(text, { exact: true }).first().waitFor(),
  messages: ({ company: name }) => company(name).getByRole("listitem").locator("p").allTextContents(),
  unread: ({ company: name }) =>
    company(name).getByRole("button", { name: "Notifications" }).getAttribute("aria-label"),
  press: ({ company: name, button }) => company(name).getByRole("button", { name: button }).click(),
  markRead: async ({ company: name, message }) => {
    const item = notification(name, message);
    await item.getByRole("button", { name: "Mark as read" }).click();
    await item.getByText("Read", { exact: true }).waitFor();
  },
  screenshot: async ({ path, scheme = "light" }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement?.blur());
    await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished)));
    await page.screenshot({ path });
  },
  problems: () => problems,
};

try {
  for await (const line of createInterface(process.stdin)) {
    const step = JSON.parse(line);
    const answer = await Promise.resolve(steps[step.do](step)).then(
      (value) => ({ value: ["messages", "unread", "problems"].includes(step.do) ? value : null }),
      (error) => ({ error: `${line}: ${error.message}` }),
    );
    console.log(JSON.stringify(answer));
  }
} finally {
  await browser.close();
}
