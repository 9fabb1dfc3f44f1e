// Lets users that can be chosen on loopback walk through pages in Chromium with nothing but a keyboard: a link or a field
// is reached by Tab. axe looks at every page on the way. Writes what each came to as JSON on stdout.
// {chromium, modules, base, walks: [{user, steps: [{to | press | download | mark | fill, value | choose, value} or
// {address | heading | see | above | find | lack}]}]}
"use strict";
const fs = require("node:fs");
const { plan, violations, focused, begin } = require("./browser.cjs");

const MOST_TABS = 400;

/** Presses Tab until the focus is on the element, or on another radio button of its group; notes what cannot be seen. */
async function tabTo(page, locator, found) {
  const wanted = await locator.first().elementHandle();
  for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (!now.seen && now.tag !== "BODY") found.unseen.push(now);
    const reached = await wanted.evaluate((element) => {
      const active = document.activeElement;
      return active === element || (element.type === "radio" && active.type === "radio" && active.name === element.name);
    });
    if (reached) return wanted;
  }
  throw new Error("the focus never came there");
}

/** Presses Enter where the focus is, and waits for the page that comes of it. */
async function enter(page) {
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}

/** Presses a key until the element is as it should be. */
async function pressUntil(page, key, element, holds) {
  for (let pressed = 0; !(await element.evaluate(holds.test, holds.value)); pressed += 1) {
    if (pressed === MOST_TABS) throw new Error(`${key} never led there`);
    await page.keyboard.press(key);
  }
}

async function signIn(page, user, found) {
  await page.goto(plan.base);
  await tabTo(page, page.getByRole("link", { name: "Välj användare" }), found);
  await enter(page);
  await tabTo(page, page.locator(`button[name=staff][value="${user}"]`), found);
  await enter(page);
  await page.goto(plan.base);
}

async function take(page, step, found) {
  if (step.address) await page.goto(new URL(step.address, plan.base).href);
  else if (step.to) {
    await tabTo(page, page.locator(`main a[href*="${step.to}"], nav.house a[href*="${step.to}"], aside a[href*="${step.to}"]`), found);
    await enter(page);
  } else if (step.press) {
    await tabTo(page, page.getByRole("button", { name: step.press }), found);
    await enter(page);
  } else if (step.fill) {
    await tabTo(page, page.locator(step.fill), found);
    await page.keyboard.press("Control+a");
    await page.keyboard.type(step.value);
  } else if (step.choose) {
    const list = await tabTo(page, page.locator(step.choose), found);
    await page.keyboard.press("Home");
    await pressUntil(page, "ArrowDown", list, { test: (element, value) => element.value === value, value: step.value });
  } else if (step.mark) {
    const button = await tabTo(page, page.locator(step.mark), found);
    await pressUntil(page, "ArrowDown", button, { test: (element) => element === document.activeElement });
    await page.keyboard.press("Space");
  } else if (step.download) {
    await tabTo(page, page.getByRole("link", { name: step.download }), found);
    const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    found.files.push(fs.readFileSync(await file.path(), "utf8"));
  } else if (step.heading) await page.getByRole("heading", { level: 1, name: step.heading }).waitFor();
  else if (step.see) await page.locator("main").getByText(step.see).first().waitFor();
  else if (step.above) await page.getByRole("status").getByText(step.above).first().waitFor();
  else if (step.find) await page.locator(step.find).first().waitFor();
  else if (step.lack) {
    if (await page.getByText(step.lack).count()) throw new Error(`${step.lack} is shown`);
  } else throw new Error(`no such step: ${JSON.stringify(step)}`);
}

async function walk(browser, { user, steps }) {
  const context = await browser.newContext({ locale: "sv-SE", acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const found = { user, files: [], complaints: [], unseen: [], violations: [], looked: 0, failed: null };
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  let opened = true;
  page.on("load", () => { opened = true; });
  const look = async () => {
    if (!opened) return;
    opened = false;
    found.looked += 1;
    found.violations.push(...(await violations(page)).map((each) => `${page.url()} ${each}`));
  };
  let at = "signing in";
  try {
    await signIn(page, user, found);
    for (const step of steps) {
      await look();
      at = JSON.stringify(step);
      await take(page, step, found);
    }
    await look();
  } catch (error) {
    found.failed = `${at} at ${page.url()}: ${String(error).slice(0, 300)}; ${(await page.locator("main").innerText()).slice(0, 600)}`;
  } finally {
    await context.close();
  }
  return found;
}

begin(async (browser) => {
  const found = [];
  for (const each of plan.walks) found.push(await walk(browser, each));
  return found;
});
