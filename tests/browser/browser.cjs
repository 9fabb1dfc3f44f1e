// What every script of the browser checks begins and ends with: the plan on stdin, one Chromium, JSON on stdout.
"use strict";
const { createRequire } = require("node:module");
const path = require("node:path");
const fs = require("node:fs");

const plan = JSON.parse(fs.readFileSync(0, "utf8"));
const fromModules = createRequire(path.join(plan.modules, "package.json"));

/** Does something with a browser, and writes what comes of it; a failure is told on stderr. */
async function withBrowser(work) {
  const browser = await fromModules("playwright-core").chromium.launch({
    executablePath: plan.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  try {
    process.stdout.write(JSON.stringify(await work(browser)));
  } finally {
    await browser.close();
  }
}

module.exports = {
  plan,
  fromModules,
  begin: (work) => withBrowser(work).catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }),
};
