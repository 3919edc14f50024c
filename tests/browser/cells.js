// Cells of an era kernel, as a user runs them: output while it comes, an interrupt that keeps variables, a restart.
import assert from "node:assert/strict";

import { Lab, until } from "./lab.js";

await Lab.run("cells", async (lab) => {
  await lab.run(0);
  assert.equal((await lab.output(0).innerText()).trim(), "hello from the VM");

  await lab.start(1);
  await until("the first line is there", async () => (await lab.output(1).innerText()).includes("step 1"));
  assert.ok(!(await lab.output(1).innerText()).includes("step 3"), "output comes as it is printed");
  await until("the last line is there", async () => (await lab.output(1).innerText()).includes("step 3"));

  await lab.run(2);
  await until("the picture is there", async () => (await lab.output(2).locator("img").count()) === 1);

  await lab.start(3);
  await until("the endless cell runs", async () => (await lab.output(3).innerText()).includes("begun"));
  await lab.page.locator('[data-command="notebook:interrupt-kernel"]').click();
  await until("it is interrupted", async () => (await lab.output(3).innerText()).includes("KeyboardInterrupt"));
  await lab.run(4);
  assert.match(await lab.output(4).innerText(), /42/, "variables are kept");
  await lab.picture("cells");
  await lab.drawing("cells", 560, 2);

  await lab.page.locator('[data-command="notebook:restart-kernel"]').click();
  await lab.page.locator(".jp-Dialog .jp-mod-accept").click();
  await lab.page.locator(".jp-Dialog").waitFor({ state: "detached" });
  await lab.start(4);
  await until("variables are gone", async () => (await lab.output(4).innerText()).includes("NameError"));
});
