// A browser with one page for tests/integration/page.py: a request in JSON on each line of stdin, its answer on a line
// of stdout. Usage: node page.mjs FOLDER-OF-NODE-PACKAGES CHROMIUM [OPTION…]
// SPDX-License-Identifier: GPL-2.0-or-later
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [packages, executablePath, ...args] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/package.json`)("playwright-core");

// As a server of its own, so that its process is known to those who may have to end it.
const server = await chromium.launchServer({ executablePath, args, headless: true, chromiumSandbox: false });
const browser = await chromium.connect(server.wsEndpoint());
let context;
let page;
let devtools;
let seen;

// What the page did that a test may want to know.
async function watch() {
  seen = { messages: [], violations: [], requests: [], failures: [] };
  const now = seen; // what an earlier page still says is not this one's
  page.on("console", (message) => {
    now.messages.push({ type: message.type(), text: message.text(), url: message.location().url });
  });
  page.on("pageerror", (error) => now.messages.push({ type: "exception", text: `${error.stack ?? error}` }));
  page.on("request", (request) => now.requests.push(`${request.method()} ${request.url()}`));
  page.on("requestfailed", (request) => now.failures.push(`${request.url()} ${request.failure()?.errorText}`));
  devtools.on("Audits.issueAdded", ({ issue }) => {
    if (issue.code === "ContentSecurityPolicyIssue") now.violations.push(issue.details.contentSecurityPolicyIssueDetails);
  });
  await devtools.send("Audits.enable");
}

// Through the protocol of the developer tools and not with page.evaluate(), whose eval() a page's policy forbids.
async function evaluate(expression) {
  const given = await devtools.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (given.exceptionDetails) {
    throw new Error(given.exceptionDetails.exception?.description ?? given.exceptionDetails.text);
  }
  return given.result.value;
}

const commands = {
  // A page of its own in a context of its own; the one before it is closed.
  async open({ settings }) {
    await context?.close();
    context = await browser.newContext(settings);
    page = await context.newPage();
    devtools = await context.newCDPSession(page);
    await watch();
  },
  goto: async ({ url, timeout }) => (await page.goto(url, { waitUntil: "domcontentloaded", timeout })).status(),
  evaluate: ({ expression }) => evaluate(expression),

  // Waits until the expression has a value that is true, over all that may come between, such as a page that is loaded.
  async wait_for({ expression, timeout }) {
    const deadline = Date.now() + timeout;
    for (;;) {
      let value;
      try {
        value = await evaluate(expression);
      } catch (error) {
        value = undefined;
        if (Date.now() > deadline) throw error;
      }
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`not in time: ${expression} is ${JSON.stringify(value)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },

  click: ({ selector, timeout }) => page.click(selector, { timeout }),
  fill: ({ selector, text, timeout }) => page.fill(selector, text, { timeout }),
  type: ({ text }) => page.keyboard.type(text),
  press: ({ key }) => page.keyboard.press(key),
  text: ({ selector, timeout }) => page.innerText(selector, { timeout }),
  content: () => page.content(),
  color_scheme: ({ scheme }) => page.emulateMedia({ colorScheme: scheme }),
  viewport: ({ width, height }) => page.setViewportSize({ width, height }),
  screenshot: async ({ path }) => void (await page.screenshot({ path })),
  seen: () => seen,
};

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

answer({ result: { browser: server.process().pid } });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  try {
    answer({ result: (await commands[command](parameters)) ?? null });
  } catch (error) {
    answer({ error: error.message });
  }
}
await browser.close();
await server.close();
