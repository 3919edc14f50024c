// Asks for a new look at the VMs, once a second at most, while the panel is seen; and not again before the kernel has
// answered, so that a busy kernel is left alone. A hidden tab, a panel scrolled away or deleted, a closed page: all are
// silent, and the kernel needs no clock of its own.
const SECOND = 1000;
const PATIENCE = 60 * SECOND; // an answer that takes longer was lost

export default {
  render({ model, el }) {
    let onScreen = false;
    let waiting = false;
    let askedAt = 0;
    let removed = false;

    const ask = () => {
      const now = performance.now();
      if (!onScreen || document.visibilityState !== "visible" || (waiting && now - askedAt < PATIENCE)) return;
      waiting = true;
      askedAt = now;
      model.send({ kind: "look" });
    };
    const answered = () => {
      waiting = false;
    };
    const observer = new IntersectionObserver((entries) => {
      onScreen = entries[entries.length - 1].isIntersecting;
      ask();
    });
    const findPanel = () => {
      const panel = el.closest(".era-panel");
      if (panel) {
        panel.dataset.lmSuppressShortcuts = "true"; // JupyterLab's keys are not for those who press our buttons
        observer.observe(panel);
      } else if (!removed) {
        requestAnimationFrame(findPanel);
      }
    };

    model.on("msg:custom", answered);
    document.addEventListener("visibilitychange", ask);
    const timer = setInterval(ask, SECOND);
    findPanel();

    return () => {
      removed = true;
      clearInterval(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", ask);
      model.off("msg:custom", answered);
    };
  },
};
