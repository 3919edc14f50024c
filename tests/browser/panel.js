// The panel, as a user meets it: VMs live, buttons by mouse and keyboard, progress, errors in their place.
import assert from "node:assert/strict";

import { Lab, until } from "./lab.js";

await Lab.run("panel", async (lab) => {
  const { page } = lab;
  await lab.run(0);
  await lab.start(1);
  const panel = lab.output(1).locator(".era-panel");
  const rowOf = (language) => panel.locator(`[role=group][aria-label^="${language}-"]`);
  const lineOf = (language) =>
    panel.locator(".widget-hbox").filter({ has: page.locator(`[role=group][aria-label^="${language}-"]`) });
  const row = rowOf("python");
  const line = lineOf("python");
  await row.waitFor();
  const reads = (what) => () => row.innerText().then((text) => what.test(text));
  const id = (await row.innerText()).match(/python-[0-9a-f]{8}/)[0];
  assert.match(await row.innerText(), /python\s+● running\s+\d+%\s+\d+\/272 MiB\s+\d+ s\s+1\s+no\s+none/);

  // Live: the uptime counts on without a cell.
  const before = await row.innerText();
  await until("the row changes by itself", async () => (await row.innerText()) !== before, 10_000);

  // A VM of a kind that there was none of yet: its template is made, with a bar that moves through the stages.
  await panel.locator("select").selectOption("bash");
  await panel.getByRole("button", { name: "new VM" }).click();
  const bar = panel.locator(".progress-bar");
  await bar.waitFor();
  const shares = new Set();
  await until("the bar was there and is gone", async () => {
    if (!(await bar.isVisible())) return true;
    shares.add(await bar.evaluate((each) => each.style.width));
    if (shares.size === 2) await lab.picture("panel-progress");
    return false;
  });
  assert.ok(shares.size >= 2, `the bar moves: ${[...shares]}`);
  const other = rowOf("bash");
  await other.waitFor();
  await lab.picture("panel");

  // Stopped and started by keyboard alone, the focus staying where it is.
  await line.getByRole("button", { name: "stop" }).focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.title), `Delete ${id}`);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await until("it is stopped", reads(/stopped/));
  await until("it has a snapshot", reads(/yes\s+none/));
  await until("the button starts now", async () => (await line.getByRole("button", { name: "start" }).count()) === 1);
  await page.keyboard.press("Space");
  await until("it is up again", reads(/running|ready/));

  // A command in a VM of its own.
  await panel.locator("textarea").fill("echo from a VM of my own; exit 3");
  await panel.getByRole("button", { name: "temp cell" }).click();
  await until("its output is there", async () => (await panel.locator("pre").innerText()) === "from a VM of my own\n");
  await until("so is what went wrong", async () =>
    (await panel.locator("[role=alert]").allInnerTexts()).includes("The command ended with status 3"),
  );
  await lab.picture("panel-temp");

  // Clean asks once.
  const clean = lineOf("bash").getByRole("button").last();
  await clean.click();
  await until("it asks", async () => (await clean.innerText()) === "sure?");
  assert.equal(await other.count(), 1);
  await lab.picture("panel-clean");
  await lab.drawing("panel", 460);
  await clean.click();
  await until("the VM is gone", async () => (await other.count()) === 0);
  assert.equal(await row.count(), 1, `${id} stays`);
});
