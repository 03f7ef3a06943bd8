import { ApiError } from "./api";

/** What a page asks of the server: the last refusal, until something succeeds. */
export class Attempts {
  failure = $state.raw<ApiError | null>(null);

  /** Does it; what fails otherwise than by a refusal is a fault. With its signal aborted, nobody minds. */
  async make(act: () => Promise<void>, signal?: AbortSignal) {
    try {
      await act();
      this.failure = null;
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }
}
