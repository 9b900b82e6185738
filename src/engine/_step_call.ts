/** A step of the face, as a pass computes it. */
import type { LayerCounts } from "./_layer_counts.ts";
import type { Span, StepCall } from "./_pass.ts";
import { PagedSession } from "./_session.ts";
import type { SessionHome } from "./_session.ts";
import type { StepEntry } from "./face.ts";

/** A span of a step. */
export type TokenSpan = Span & Pick<StepEntry, "tokens" | "logits"> & {
  readonly counts: LayerCounts;
};

/** Entries as spans that begin where their sessions end. @throws {TypeError} a foreign session */
export function spansOf(entries: readonly StepEntry[], home: SessionHome): readonly TokenSpan[] {
  return entries.map((entry) => {
    const session = PagedSession.of(entry.session, home);
    const { tokens, logits } = entry;
    const { counts, positionCount: firstPosition } = session;
    return { session, counts, firstPosition, positionCount: tokens.length, tokens, logits };
  });
}

/** Rows of a step, entry after entry. */
export function stepCall(spans: readonly TokenSpan[]): StepCall {
  return { spans, ...rowsOf(spans) };
}

/** Tokens of all rows, and the rows whose logits are wanted. */
export function rowsOf(
  spans: readonly Pick<StepEntry, "tokens" | "logits">[],
): Omit<StepCall, "spans"> {
  const tokens = new Uint32Array(spans.reduce((sum, span) => sum + span.tokens.length, 0));
  const logitRows: number[] = [];
  let row = 0;
  for (const span of spans) {
    tokens.set(span.tokens, row);
    const end = row + span.tokens.length;
    const first = span.logits === "all" ? row : span.logits === "last" ? end - 1 : end;
    for (let each = first; each < end; each++) logitRows.push(each);
    row = end;
  }
  return { tokens, logitRows };
}
