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

const axe = fs.readFileSync(fromModules.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong, as "rule: where". */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((rules) => axe.run({ runOnly: rules, resultTypes: ["violations"] }), RULES);
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ${node.failureSummary}`));
}

/** What has the focus: its name, and whether it can be seen that it has it. */
async function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.right > 0 && box.width > 0;
    const { tagName: tag, id, type, value } = element;
    return { tag, id, type, value, name: element.getAttribute("name"), text: element.textContent.trim().slice(0, 60), seen };
  });
}

module.exports = {
  plan,
  violations,
  focused,
  begin: (work) => withBrowser(work).catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }),
};
