/** How the console looks in this browser: its colours and how much of it fits on the screen. */
import { keep, kept } from "./kept";

export type Theme = "auto" | "light" | "dark";
export type Density = "comfortable" | "compact";

export const THEMES: Theme[] = ["auto", "light", "dark"];
const THEME = "theme";
const DENSITY = "density";
const system = matchMedia("(prefers-color-scheme: dark)");

/** `choice` is what the user wants, `dark` what is shown now; charts redraw when `dark` changes. */
export const theme = $state<{ choice: Theme; dark: boolean; density: Density }>({
  choice: THEMES.find((one) => one === kept(THEME)) ?? "auto",
  dark: system.matches,
  density: kept(DENSITY) === "compact" ? "compact" : "comfortable",
});

/** What the names of colours and fonts stand for now: reading a style makes the browser compute all of them. */
const meanings = new Map<string, string>();

export function applyTheme() {
  meanings.clear();
  theme.dark = theme.choice === "auto" ? system.matches : theme.choice === "dark";
  document.documentElement.dataset.theme = theme.choice;
  document.documentElement.dataset.density = theme.density;
}

system.addEventListener("change", applyTheme);

export function setTheme(choice: Theme) {
  theme.choice = choice;
  keep(THEME, choice);
  applyTheme();
}

export function setDensity(density: Density) {
  theme.density = density;
  keep(DENSITY, density);
  applyTheme();
}

export function colour(name: string): string {
  let found = meanings.get(name);
  if (!found) {
    found = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    meanings.set(name, found);
  }
  return found;
}
