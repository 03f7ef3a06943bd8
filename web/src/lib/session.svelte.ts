/** Who is signed in, here and now. */
import { get, send } from "./api";

export interface Account {
  access_key_id: string;
  account: string;
  region: string;
}

export interface Session {
  signed_in: boolean;
  /** Everybody is let in: there is nothing to sign in to. */
  open: boolean;
  account: string | null;
  region: string | null;
  access_key_id: string | null;
  /** Those this browser has signed in with. */
  accounts: Account[];
}

export type Given = { token: string } | { access_key_id: string; secret_access_key?: string };

/** `out`: nobody was signed in when the console was opened; `ended`: a session was over while a page was open. */
export const session = $state<{ who: Session | null; state: "in" | "out" | "ended" }>({ who: null, state: "in" });

/** Of the answer that the page came with; 0 where the browser does not say. */
const came = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.responseStatus ?? 0;
if (came === 401) session.state = "out";

/** The server said that nobody is signed in. */
export function refused() {
  if (session.state === "in") session.state = session.who?.signed_in ? "ended" : "out";
}

export async function whoAmI() {
  const who = await get<Session>("session");
  if (who.signed_in) session.who = who;
  else if (session.state === "out") session.who = who;
  else refused();
}

/** Signs in. The page that is open goes on where it is the same account; the whole console starts anew where it is not. */
export async function signIn(given: Given) {
  const before = session.who?.account;
  const who = await send<Session>("POST", "session", given);
  if (session.state === "ended" && before !== who.account) return location.reload();
  session.who = who;
  session.state = "in";
}

export async function signOut() {
  session.who = await send<Session>("DELETE", "session");
  session.state = "out";
}
