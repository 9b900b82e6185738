/** Mutates good frames about journals and reads them: a seed, a count, what came of it. */
import {
  judgeAnswer,
  logAnswerFrame,
  logRequestFrame,
  MembershipError,
  parseHeadMessage,
  parseLogAnswer,
  parseLogRequest,
} from "../../src/mesh/mod.ts";
import type { SeededRandom } from "../../src/sim/mod.ts";

const head = { size: 7, root: "ab".repeat(32), tsMs: 5, signature: "cd".repeat(64) };
const known = { ...head, size: 3 };

const good: readonly Uint8Array[] = [
  logRequestFrame([head, known]),
  logAnswerFrame({ head, proofs: [[head.root, head.root, head.root], null] }),
  new TextEncoder().encode(JSON.stringify(head)),
];

/** Reads `count` mutated frames by every parser, and judges what is an answer. @throws for a surprise */
export function mutatedFrames(
  about: { readonly count: number; readonly random: SeededRandom },
): { read: number; refused: number } {
  const seen = { read: 0, refused: 0 };
  for (let i = 0; i < about.count; i++) {
    const frame = mutated(good[i % good.length] ?? new Uint8Array(0), about.random);
    for (const parse of [parseLogRequest, parseHeadMessage, readAnswer]) {
      try {
        parse(frame);
        seen.read++;
      } catch (thrown) {
        if (!(thrown instanceof MembershipError)) throw thrown;
        seen.refused++;
      }
    }
  }
  return seen;
}

function readAnswer(frame: Uint8Array): void {
  const { head: said, proofs } = parseLogAnswer(frame);
  for (const proof of proofs) {
    const { kind } = judgeAnswer(known, { head: said, proof });
    if (kind === "proven") throw new Error("A proof of nothing was taken");
  }
}

function mutated(frame: Uint8Array, random: SeededRandom): Uint8Array {
  const bytes = frame.slice();
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(bytes.length);
    // Mostly digits and brackets, so that some stay JSON.
    const byte = random.below(2) === 0 ? random.below(256) : 0x30 + random.below(10);
    bytes[at] = byte;
  }
  return random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}
