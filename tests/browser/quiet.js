// The panel is live while it is seen, and silent when it is not, or when the kernel is busy.
import assert from "node:assert/strict";

import { Lab, pause, until } from "./lab.js";

const SECONDS = 4;

await Lab.run("quiet", async (lab) => {
  const { page } = lab;
  await lab.run(0);
  await lab.run(1);
  await lab.output(1).locator("[role=group]").first().waitFor();
  const lively = async () => (await lab.commsIn(SECONDS)) >= SECONDS - 1;

  await until("the panel is live", lively);
  const looks = lab.frames.filter((text) => text.includes('"kind":"look"') || text.includes('"kind": "look"')).length;
  assert.ok(looks <= SECONDS + 1, `${looks} looks in ${SECONDS} s`);

  await lab.command("launcher:create"); // another tab of JupyterLab
  await pause(2);
  assert.equal(await lab.commsIn(SECONDS), 0, "hidden: silent");
  await page.locator(".lm-TabBar-tab", { hasText: "quiet.ipynb" }).first().click();
  await until("it is live again", lively);

  await lab.start(2);
  await until("the cell runs", async () => (await lab.output(2).innerText()).includes("begun"));
  await pause(2);
  assert.equal(await lab.commsIn(SECONDS), 0, "busy elsewhere: silent");
  await until("the cell has ended", async () => (await lab.output(2).innerText()).includes("done"));
  await until("it is live after the cell", lively);

  await lab.cell(1).locator(".jp-InputArea-prompt").click();
  await lab.command("notebook:clear-cell-output");
  await pause(2);
  assert.equal(await lab.commsIn(SECONDS), 0, "taken away: silent");
});
