/** Checks what somebody wants recorded, and serialises it, so that later changes of it do no harm. */
import type { Waiting } from "./_append_queue.ts";
import { canonicalJson } from "./canonical_json.ts";
import { bodyDepthMax, checkDraft, lineBytes, zeroHash } from "./event.ts";
import type { EventDraft } from "./event.ts";

/**
 * Seals a draft.
 *
 * @throws {TypeError} for a body that is not JSON or a bad id; {RangeError} for a line over the limit
 */
export function sealDraft(
  { body, ...draft }: EventDraft,
  about: { readonly author: string; readonly lineBytesMax: number },
): Omit<Waiting, "resolve" | "reject"> & { readonly body: string } {
  checkDraft({ body, ...draft });
  const { author, lineBytesMax } = about;
  const text = canonicalJson(body, { depthMax: bodyDepthMax, bytesMax: lineBytesMax });
  const picked = draft.sid === undefined
    ? { chi: draft.chi, rid: draft.rid }
    : { chi: draft.chi, sid: draft.sid, rid: draft.rid };
  const [seq, tsMs] = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  const longest = { draft: picked, body: text, author, seq, tsMs, prevHash: zeroHash };
  const bytes = lineBytes(longest, new Uint8Array(64)).length;
  if (bytes <= lineBytesMax) return { draft: picked, body: text, lineBytes: bytes };
  throw new RangeError(
    `Cannot append to the journal as a line must be at most ${lineBytesMax} bytes: current value is ${bytes}`,
  );
}
