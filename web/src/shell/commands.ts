/** What can be done from anywhere by its name. */
import { ALARMS, BASE, LOGS } from "../lib/router.svelte";
import { session, signOut } from "../lib/session.svelte";
import { setDensity, setTheme, THEMES } from "../lib/theme.svelte";
import { LOCAL, setZone } from "../lib/zone.svelte";
import type { Choice } from "./search";

type Command = Omit<Choice, "marks" | "score">;

export interface Frame {
  sections: readonly (readonly [string, string, string])[];
  settings: () => void;
  notifications: () => void;
  help: () => void;
}

export function commands({ sections, settings, notifications, help }: Frame): Command[] {
  const command = (name: string, about: string, act: () => void): Command => ({ kind: "command", name, about, act });
  const page = (name: string, path: string, about = ""): Command => ({ kind: "page", name, about, path });
  return [
    ...sections.map(([section, path, key]) => page(section, path, key)),
    page("Tuning jobs", `${BASE}tuning`),
    page("Compare jobs", `${BASE}compare`),
    page("Logs Insights", `${LOGS}/insights`),
    page("Live tail of logs", `${LOGS}/tail`),
    page("New alarm", `${ALARMS}?new=metric`, "on a metric, an expression, what is normal, or other alarms"),
    ...THEMES.map((theme) => command(`Theme ${theme}`, "t", () => setTheme(theme))),
    command("Density comfortable", "", () => setDensity("comfortable")),
    command("Density compact", "", () => setDensity("compact")),
    command("Time zone UTC", "", () => setZone("UTC")),
    command("Time zone local", "", () => setZone(LOCAL)),
    command("Settings", ",", settings),
    command("Notifications", "b", notifications),
    command("Keys and help", "?", help),
    command("Copy the link of this view", "", () => void navigator.clipboard?.writeText(location.href)),
    command("Print this page", "", () => window.print()),
    ...(session.who?.access_key_id ? [command("Sign out", session.who.account ?? "", () => void signOut())] : []),
  ];
}
