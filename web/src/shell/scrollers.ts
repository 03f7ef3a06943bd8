/** Tables and the like that are wider than their place can be scrolled by keyboard: they take the focus where nothing in
 * them does. Whether they are wider is known only once they are there. */

const SCROLLERS = ".scroll, pre";
const TAKES_FOCUS = "a[href], button, input, select, textarea, summary, [tabindex]";

function reachable(root: HTMLElement) {
  for (const one of root.querySelectorAll<HTMLElement>(SCROLLERS)) {
    const wide = one.scrollWidth > one.clientWidth + 1;
    if (wide && !one.querySelector(TAKES_FOCUS)) one.tabIndex = 0;
    else if (one.getAttribute("tabindex") === "0") one.removeAttribute("tabindex");
  }
}

/** For as long as `root` is shown; returns how to stop. */
export function keepReachable(root: HTMLElement): () => void {
  let frame = 0;
  const soon = () => (frame ||= requestAnimationFrame(() => ((frame = 0), reachable(root))));
  const changes = new MutationObserver(soon);
  const sizes = new ResizeObserver(soon);
  changes.observe(root, { childList: true, subtree: true });
  sizes.observe(root);
  return () => {
    cancelAnimationFrame(frame);
    changes.disconnect();
    sizes.disconnect();
  };
}
