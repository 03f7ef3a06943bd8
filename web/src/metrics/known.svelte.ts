import { get } from "../lib/api";
import { Catalogue, type Reference } from "./completion";

/** What fields for expressions complete: the language, and the names of metrics. */
export class Known {
  reference = $state.raw<Reference>({ functions: [], statistics: [], labels: [], sql: [] });
  readonly names = new Catalogue();

  constructor() {
    // Without it fields complete less, and everything else works.
    get<Reference>("expressions").then((answer) => (this.reference = answer), () => undefined);
  }
}
