export type Theme = "auto" | "light" | "dark";

const KEY = "epochwatch-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

const system = matchMedia("(prefers-color-scheme: dark)");

/** `choice` is what the user wants, `dark` what is shown now; charts redraw when `dark` changes. */
export const theme = $state<{ choice: Theme; dark: boolean }>({ choice: stored(), dark: system.matches });

export function applyTheme() {
  theme.dark = theme.choice === "auto" ? system.matches : theme.choice === "dark";
  document.documentElement.dataset.theme = theme.choice;
}

system.addEventListener("change", applyTheme);

export function setTheme(choice: Theme) {
  theme.choice = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Private windows may refuse storage: the choice then lasts as long as the page.
  }
  applyTheme();
}

export const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
