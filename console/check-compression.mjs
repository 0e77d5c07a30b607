// Connects the official client in Chromium, as any page would, and prints what it saw as JSON: the
// extensions that were agreed on, and the first arguments of the first events.
// Usage: node check-compression.mjs <url> <token> <event> <count>
import { chromium } from "playwright-core";

const given = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});

try {
  const page = await browser.newPage();
  let extensions;
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  devtools.on("Network.webSocketHandshakeResponseReceived", ({ response }) => {
    extensions = response.headers["Sec-WebSocket-Extensions"];
  });
  await page.addScriptTag({ path: "node_modules/socket.io-client/dist/socket.io.min.js" });
  await page.exposeFunction("say", (line) => console.log(line));
  const heard = await page.evaluate(
    ([url, token, event, count]) =>
      new Promise((resolve, reject) => {
        const firsts = [];
        const socket = window.io(url, { transports: ["websocket"], auth: { token } });
        socket.on("connect", () => window.say("connected"));
        socket.on("connect_error", (error) => reject(error));
        socket.on("disconnect", (reason) => reject(new Error(reason)));
        socket.on(event, (first) => firsts.push(first) === Number(count) && resolve(firsts));
      }),
    given,
  );
  console.log(JSON.stringify({ extensions, heard }));
} finally {
  await browser.close();
}
