/** What was refused, by the field that it is about. */
export type Refused = Record<string, string | undefined>;
