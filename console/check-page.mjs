// Drives a running demo in Chromium as a visitor would, and fails with a reason where it does not
// do what it says: tenants apart, one user's event for that user only, a cut that loses nothing.
// Usage: node check-page.mjs <url>
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [url] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});

try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(url);

  const log = (name) => page.getByRole("log", { name: `Events for ${name}` });
  const shows = (name, text) => log(name).getByText(text).first().waitFor();
  const count = (name, text) => log(name).getByText(text).count();
  const publish = async (tenant, message, user) => {
    const response = await fetch(new URL("/demo/publish", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tenant, message, type: "info", ...(user ? { user } : {}) }),
    });
    assert.equal(response.status, 202);
  };

  for (const name of ["Ada", "Ben", "Cleo", "Dan"]) {
    await page.getByRole("article", { name: `${name}'s feed` }).getByText("Live").first().waitFor();
  }

  await publish("acme", "for all of acme");
  await publish("acme", "for ben alone", "ben");
  await publish("globex", "for all of globex");
  await Promise.all([
    shows("Ada", "for all of acme"),
    shows("Ben", "for ben alone"),
    shows("Cleo", "for all of globex"),
    shows("Dan", "for all of globex"),
  ]);
  assert.equal(await count("Ada", "for ben alone"), 0);
  assert.equal(await count("Ben", "globex"), 0);
  assert.equal(await count("Cleo", "acme"), 0);

  await page.getByRole("button", { name: "Cut Ada's connection" }).click();
  await log("Ada").getByText("Connection cut").first().waitFor();
  for (const n of [1, 2, 3]) await publish("acme", `missed ${n}`);
  await shows("Ada", "missed 3");
  const missed = await log("Ada").getByText(/^missed \d$/).allTextContents();
  assert.deepEqual(missed, ["missed 3", "missed 2", "missed 1"], "newest first, each once");
  const facts = await page.getByRole("article", { name: "Ada's feed" }).locator("dd").first();
  assert.equal(await facts.textContent(), "true", "socket.recovered");

  // What the headers say is read whole, however narrow the feeds get.
  const words = page.getByRole("article").locator("header p > span:last-child");
  assert.match(await words.first().textContent(), /^Recovered · \d+ caught up$/);
  for (const width of [1920, 1440, 1140, 700, 390, 320]) {
    await page.setViewportSize({ width, height: 1000 });
    const cut = await words.evaluateAll((all) =>
      all.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent),
    );
    assert.deepEqual(cut, [], `cut off at ${width} px`);
  }
  await page.setViewportSize({ width: 1440, height: 1000 });

  // The form is what a visitor uses.
  const acme = page.getByRole("textbox").first();
  await acme.fill("typed by a visitor");
  await page.getByRole("button", { name: "Publish" }).first().click();
  await shows("Ben", "typed by a visitor");
  // A cut WebSocket is an error line of the browser's own; nothing else may be.
  assert.deepEqual(problems.filter((text) => !text.includes("WebSocket")), []);
} finally {
  await browser.close();
}
