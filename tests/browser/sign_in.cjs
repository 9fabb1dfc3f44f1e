// Signs in at the door with a provider in Chromium, looks around and signs out; writes what was seen as JSON on stdout.
// {chromium, modules, base, user, expected: the heading to come to}
"use strict";
const { plan, begin } = require("./browser.cjs");
async function signIn(page) {
  await page.goto(plan.base);
  await page.getByRole("link", { name: "Logga in" }).click();
  await page.locator("input[name=login]").fill(plan.user);
  await page.locator("input[name=password]").fill("x");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${plan.base}/**`);
}

async function signOut(page) {
  await page.getByRole("button", { name: "Logga ut" }).click();
  await page.getByRole("heading", { name: "Du är utloggad" }).waitFor();
  await page.getByRole("link", { name: "Logga ut även hos inloggningstjänsten" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.waitForURL(`${plan.base}/`);
}

async function run(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page);
  const heading = page.getByRole("heading", { level: 1 });
  await heading.filter({ hasText: plan.expected }).waitFor();
  // Cookies know no port: the provider's own are among those of the machine.
  const ours = (await context.cookies(plan.base)).filter(({ name }) => name.startsWith("efterhand_"));
  const found = {
    address: page.url(),
    cookies: ours.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
    who: await page.locator(".who span").allInnerTexts(),
  };
  if (!found.who.length) return found;
  await signOut(page);
  return { ...found, after: await heading.innerText() };
}

begin(run);
