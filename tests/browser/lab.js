// JupyterLab in Debian's chromium, for the scenarios beside this file. What they need comes by the environment:
// LAB_URL (with its token), ARTIFACTS (a folder for pictures), NOTEBOOK (a file in Lab's folder).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const SLOW = 60_000;

export class Lab {
  // Runs a scenario on a page that shows NOTEBOOK; a picture of how it ended badly is kept.
  static async run(name, scenario) {
    const profile = await mkdtemp(join(tmpdir(), "era-chromium-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: ARGUMENTS,
      viewport: { width: 1280, height: 800 },
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const lab = new Lab(page);
    try {
      await lab.open();
      await scenario(lab);
      await page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown());
    } catch (error) {
      await lab.picture(`${name}-failed`);
      throw error;
    } finally {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    }
  }

  constructor(page) {
    this.page = page;
    this.frames = []; // what the page and kernels said to each other
    page.setDefaultTimeout(SLOW);
    page.on("websocket", (socket) => {
      for (const event of ["framesent", "framereceived"]) {
        socket.on(event, (frame) => this.frames.push(frame.payload.toString()));
      }
    });
  }

  async open() {
    const url = new URL(process.env.LAB_URL);
    url.pathname = `/lab/workspaces/${process.env.NOTEBOOK.replace(".ipynb", "")}/tree/${process.env.NOTEBOOK}`;
    await this.page.goto(url.href);
    await this.page.locator(".jp-Notebook .jp-Cell").first().waitFor();
    await until("the kernel is idle", () =>
      this.page.evaluate(() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"),
    );
  }

  cell(number) {
    return this.page.locator(".jp-Notebook .jp-CodeCell").nth(number);
  }

  output(number) {
    return this.cell(number).locator(".jp-Cell-outputArea");
  }

  async start(number) {
    await this.cell(number).locator(".cm-content").click();
    await this.page.keyboard.press("Shift+Enter");
  }

  // Runs a cell to its end, which is when it has its number.
  async run(number) {
    await this.start(number);
    await this.cell(number).locator(".jp-InputArea-prompt", { hasText: /\[\d+\]/ }).waitFor();
  }

  async command(name, options = {}) {
    await this.page.evaluate(([id, args]) => window.jupyterapp.commands.execute(id, args), [name, options]);
  }

  // How many messages of comms pass in some seconds, both ways.
  async commsIn(seconds) {
    this.frames.length = 0;
    await pause(seconds);
    return this.frames.filter((text) => text.includes('"comm_msg"')).length;
  }

  // The page as a PDF, from which the README's pictures are made (CONTRIBUTING.md).
  async drawing(name, height, first = 0) {
    const size = { width: 1040, height };
    const before = this.page.viewportSize();
    await this.command("application:toggle-left-area");
    await this.page.setViewportSize(size);
    await this.page.emulateMedia({ media: "screen" });
    await pause(0.5);
    await this.cell(first).evaluate((cell) => cell.scrollIntoView());
    await this.page.pdf({
      path: join(process.env.ARTIFACTS, `${name}.pdf`),
      width: `${size.width}px`,
      height: `${size.height}px`,
      printBackground: true,
      pageRanges: "1",
    });
    await this.page.emulateMedia({ media: null });
    await this.page.setViewportSize(before);
    await this.command("application:toggle-left-area");
  }

  async picture(name) {
    await this.page.screenshot({ path: join(process.env.ARTIFACTS, `${name}.png`) });
  }
}

// Waits until `condition` holds, asked every 100 ms.
export async function until(what, condition, patience = SLOW) {
  const end = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${patience / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
