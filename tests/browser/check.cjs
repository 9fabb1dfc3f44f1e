// Opens pages in Chromium as the plan on stdin says, and writes what was found as JSON on stdout.
// {chromium, modules, base, cookie: {name, value} | null, checks: [{name, kind, path, language, width, height, scale}]}
"use strict";
const path = require("node:path");
const { plan, violations, focused, begin } = require("./browser.cjs");

/** How many pixels the page can be scrolled sideways. */
async function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function tabTo(page, wanted, seen) {
  for (let pressed = 0; pressed < 200; pressed += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    seen.push(now);
    if (wanted(now)) return now;
  }
  throw new Error(`the focus never came to ${wanted}`);
}

/** From the list to its first check, and its answer, with nothing but a keyboard. */
async function answerByKeyboard(page, check) {
  const seen = [];
  await tabTo(page, (now) => now.tag === "A" && /sysselsättning|occupation/.test(now.text), seen);
  await Promise.all([page.waitForURL(/uppfoljningar\/[0-9a-f]{24}/), page.keyboard.press("Enter")]);
  if (check.script) {
    await page.keyboard.press("2");
    seen.push(await focused(page));
  } else {
    await tabTo(page, (now) => now.type === "radio", seen);
    await page.keyboard.press("ArrowDown");
    if ((await focused(page)).value !== "studies") await page.keyboard.press("ArrowDown");
  }
  await Promise.all([page.waitForURL(/saved=answer/), page.keyboard.press("Enter")]);
  return {
    first: seen[0],
    unseen: seen.filter((now) => !now.seen),
    status: await page.getByRole("status").innerText(),
    next: new URL(page.url()).pathname.split("/").pop(),
  };
}

/** Puts off all that is on the page, and takes it back, with nothing but a keyboard. */
async function severalByKeyboard(page, check) {
  const seen = [];
  await tabTo(page, (now) => now.tag === "A" && /Markera alla|Select all/.test(now.text), seen);
  if (check.script) await page.keyboard.press("Enter");
  else await Promise.all([page.waitForURL(/select=page/), page.keyboard.press("Enter")]);
  await tabTo(page, (now) => now.name === "act" && now.tag === "SELECT", seen);
  await page.keyboard.press("End");
  await tabTo(page, (now) => now.name === "bulk_on", seen);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("2018-01-14");
  await Promise.all([page.waitForURL(/act=postpone/), page.keyboard.press("Enter")]);
  const put = await page.getByRole("status").locator("strong").innerText();
  await tabTo(page, (now) => now.tag === "BUTTON", seen);
  await Promise.all([page.waitForURL(/act=undo/), page.keyboard.press("Enter")]);
  return { unseen: seen.filter((now) => !now.seen), put, undone: await page.getByRole("status").locator("strong").innerText() };
}

/** From the table of figures, by a unit and a figure, to the cases behind it, with nothing but a keyboard. */
async function figuresByKeyboard(page) {
  const seen = [];
  await tabTo(page, (now) => now.tag === "A" && /(^|\s)1$/.test(now.text), seen);
  await page.keyboard.press("Enter");
  const note = await page.evaluate(() => location.hash.slice(1));
  await page.reload();
  await tabTo(page, (now) => now.tag === "SELECT" && now.name === "unit", seen);
  await page.keyboard.press("ArrowDown");
  await tabTo(page, (now) => now.tag === "BUTTON" && /Visa|Show/.test(now.text), seen);
  await Promise.all([page.waitForURL(/unit=/), page.keyboard.press("Enter")]);
  const chosen = page.url();
  await tabTo(page, (now) => now.tag === "A" && /^(Avslutade inom tolv|Closed within twelve)/.test(now.text), seen);
  await Promise.all([page.waitForURL(/nyckeltal\/closed_12m\?/), page.keyboard.press("Enter")]);
  const figure = page.url();
  await tabTo(page, (now) => now.tag === "A" && /^(Se ärendena|See the cases)/.test(now.text), seen);
  await Promise.all([page.waitForURL(/underlag/), page.keyboard.press("Enter")]);
  const path = (url) => url.slice(new URL(url).origin.length);
  return { unseen: seen.filter((now) => !now.seen), note, chosen: path(chosen), figure: path(figure), cases: path(page.url()) };
}

/** Goes by link after link, or by a form's button, with nothing but a keyboard; each is known by its address. */
async function followByKeyboard(page, check) {
  const seen = [];
  for (const wanted of check.links) {
    const before = page.url();
    for (let pressed = 0; ; pressed += 1) {
      if (pressed === 300) throw new Error(`the focus never came to ${wanted}`);
      await page.keyboard.press("Tab");
      seen.push(await focused(page));
      const at = await page.evaluate(() => document.activeElement.href ?? document.activeElement.form?.action ?? "");
      if (at.includes(wanted)) break;
    }
    await Promise.all([page.waitForURL((url) => url.href !== before), page.keyboard.press("Enter")]);
  }
  const { pathname, search } = new URL(page.url());
  return { unseen: seen.filter((now) => !now.seen), address: pathname + search };
}

/** Presses a number with the keys on, off, and after the page has been opened again. */
async function switchKeysOff(page) {
  const chosen = () => page.evaluate(() => document.querySelector("input[name=answer]:checked")?.value ?? null);
  await page.keyboard.press("1");
  const on = await chosen();
  await page.locator("[data-keys] button").click();
  await page.reload();
  const said = await page.locator("[data-keys]").innerText();
  await page.keyboard.press("1");
  const off = await chosen();
  await page.reload();
  await page.keyboard.press("1");
  return { on, off, stillOff: await chosen(), said };
}

/** What of the things for the screen would be printed, and the text that would. */
async function printed(page) {
  await page.emulateMedia({ media: "print" });
  return page.evaluate(() => ({
    shown: [...document.querySelectorAll("form.filter, form.answer, .bulk, .keys, .languages, input, button, select")]
      .filter((each) => each.checkVisibility()).map((each) => each.outerHTML.slice(0, 80)),
    text: document.body.innerText,
  }));
}

/** Sends the form as it stands; what is wrong is to be told, and its link to lead to the field. */
async function sendTooEarly(page) {
  await page.locator("form.answer button").first().click();
  await page.getByRole("alert").waitFor();
  const summary = await focused(page);
  const wrong = await violations(page);
  const slip = await sideways(page);
  await page.getByRole("alert").getByRole("link").first().click();
  return { violations: wrong, sideways: slip, summary, field: await focused(page) };
}

/** The whole page, or as much of it as is wanted. */
async function takePicture(page, check) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const shown = Math.min(height, check.tallest ?? height);
  await page.screenshot({
    path: path.join(plan.pictures, `${check.name}.png`),
    fullPage: true,
    clip: { x: 0, y: 0, width: check.width, height: shown },
  });
}

async function run(browser, check) {
  const context = await browser.newContext({
    viewport: { width: check.width, height: check.height },
    deviceScaleFactor: check.scale,
    javaScriptEnabled: check.script !== false,
  });
  const complaints = [];
  try {
    const url = new URL(check.path, plan.base);
    url.searchParams.set("lang", check.language);
    if (plan.cookie && check.signedIn) await context.addCookies([{ ...plan.cookie, url: plan.base }]);
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
    const response = await page.goto(url.href);
    const found = { name: check.name, status: response.status() };
    if (check.kind === "keyboard") Object.assign(found, await answerByKeyboard(page, check));
    else if (check.kind === "several") Object.assign(found, await severalByKeyboard(page, check));
    else if (check.kind === "figures") Object.assign(found, await figuresByKeyboard(page));
    else if (check.kind === "follow") Object.assign(found, await followByKeyboard(page, check));
    else if (check.kind === "keys") Object.assign(found, await switchKeysOff(page));
    else if (check.kind === "print") Object.assign(found, await printed(page));
    else if (check.kind === "mistake") Object.assign(found, await sendTooEarly(page));
    else Object.assign(found, { violations: await violations(page), sideways: await sideways(page) });
    if (plan.pictures) await takePicture(page, check);
    return { ...found, complaints };
  } finally {
    await context.close();
  }
}

begin(async (browser) => {
  const found = [];
  for (const check of plan.checks) found.push(await run(browser, check));
  return found;
});
