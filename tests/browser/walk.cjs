// Lets users that can be chosen on loopback walk through pages in Chromium; writes what each came to as JSON on stdout.
// {chromium, modules, base, walks: [{user, steps: [{to | press | fill, value | choose, value | heading | see | lack}]}]}
"use strict";
const fs = require("node:fs");
const { plan, begin } = require("./browser.cjs");
async function signIn(page, user) {
  await page.goto(plan.base);
  await page.getByRole("link", { name: "Välj användare" }).click();
  await page.locator(`button[name=staff][value="${user}"]`).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/valj-anvandare"));
  await page.goto(plan.base);
}

async function take(page, step) {
  if (step.address) await page.goto(new URL(step.address, plan.base).href);
  else if (step.to) await page.locator(`main a[href*="${step.to}"], nav.house a[href*="${step.to}"], aside a[href*="${step.to}"]`).first().click();
  else if (step.press) await page.getByRole("button", { name: step.press }).first().click();
  else if (step.fill) await page.locator(step.fill).fill(step.value);
  else if (step.choose) await page.locator(step.choose).selectOption(step.value);
  else if (step.mark) await page.locator(step.mark).check();
  else if (step.heading) await page.getByRole("heading", { level: 1, name: step.heading }).waitFor();
  else if (step.see) await page.locator("main").getByText(step.see).first().waitFor();
  else if (step.above) await page.getByRole("status").getByText(step.above).first().waitFor();
  else if (step.find) await page.locator(step.find).first().waitFor();
  else if (step.lack) {
    if (await page.getByText(step.lack).count()) throw new Error(`${step.lack} is shown`);
  } else if (step.download) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: step.download }).click()]);
    return fs.readFileSync(await file.path(), "utf8");
  } else throw new Error(`no such step: ${JSON.stringify(step)}`);
  return null;
}

async function walk(browser, { user, steps }) {
  const context = await browser.newContext({ locale: "sv-SE", acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const found = { user, files: [], complaints: [], failed: null };
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  let at = "signing in";
  try {
    await signIn(page, user);
    for (const step of steps) {
      at = JSON.stringify(step);
      const file = await take(page, step);
      if (file !== null) found.files.push(file);
    }
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
