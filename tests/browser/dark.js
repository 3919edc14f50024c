// The panel in JupyterLab's dark theme: all of its text can be read.
import assert from "node:assert/strict";

import { Lab, until } from "./lab.js";

const READABLE = 4.5; // WCAG 2.1, 1.4.3

// In the page: the text of a panel with its contrast against what is behind it.
function contrasts(panel) {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0.9) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ownText = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("");
  return [...panel.querySelectorAll("*")]
    .filter((element) => ownText(element) && !element.ariaHidden && element.checkVisibility())
    .map((element) => {
      const [over, under] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
      return { text: ownText(element), contrast: (over + 0.05) / (under + 0.05) };
    });
}

await Lab.run("dark", async (lab) => {
  const { page } = lab;
  await lab.command("apputils:change-theme", { theme: "JupyterLab Dark" });
  await until("the theme is dark", () => page.evaluate(() => document.body.dataset.jpThemeLight === "false"));
  await lab.run(0);
  await lab.run(1);
  const panel = lab.output(1).locator(".era-panel");
  await panel.locator("[role=group]").first().waitFor();
  await panel.getByRole("button", { name: "temp cell" }).click(); // nothing is typed: an error
  await panel.getByRole("button", { name: "clean" }).click();
  await until("errors and questions are shown", async () => (await panel.locator("[role=alert], [role=status]").count()) > 1);
  await lab.picture("panel-dark");
  const texts = await panel.evaluate(contrasts);
  assert.ok(texts.length > 15);
  assert.deepEqual(texts.filter((each) => each.contrast < READABLE), []);
});
