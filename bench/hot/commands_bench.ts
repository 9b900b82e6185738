/**
 * How long does it take to find the arguments of a Redis pipeline: 16 commands of three short ones?
 * Expected: some tens of ns a command; no gate until it has been measured on more machines.
 */
import { FrameScanner } from "../../src/hot/mod.ts";
import type { Comparison, Row } from "../harness.ts";

const LIMITS = { bytesMax: 4096, argumentsMax: 1024 };
const CR = 13;

/** The row of commands. */
export const row: Row = {
  name: "resp-pipeline",
  what: "RESP pipeline, 16 commands of 3 arguments, per command",
  gates: [],
  prepare(): Promise<Comparison> {
    const commands = Array.from({ length: 16 }, (_, i) => ["SET", `key:${i * 997}`, `value-${i}`]);
    const text = commands.map((args) =>
      `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`
    ).join("");
    const data = new TextEncoder().encode(text);
    const scanner = new FrameScanner();
    const table = new Uint32Array(256);
    let ours = 0;
    let theirs = 0;
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => {
          const found = scanner.scanCommands(data, LIMITS);
          ours = (scanner.records[4 * found - 2] as number) + 3;
        },
        checksum: () => ours,
      },
      peers: [{
        name: "JS parser to offsets",
        run: () => void (theirs = parsePlain(data, table)),
        checksum: () => theirs,
      }],
      units: commands.length,
    });
  },
};

/** Offsets of all arguments; the same checks, in the order in which bytes come. */
function parsePlain(data: Uint8Array, table: Uint32Array): number {
  let at = 0;
  let n = 0;
  while (at < data.length) {
    if (data[at] !== 42) throw new RangeError("Cannot parse as a command begins with *");
    let count = 0;
    for (at++; data[at] !== CR; at++) count = count * 10 + digitAt(data, at);
    if (count > LIMITS.argumentsMax) throw new RangeError("Cannot parse as arguments are too many");
    at += 2;
    for (let i = 0; i < count; i++) {
      if (data[at] !== 36) throw new RangeError("Cannot parse as an argument begins with $");
      let length = 0;
      for (at++; data[at] !== CR; at++) length = length * 10 + digitAt(data, at);
      if (length > LIMITS.bytesMax) throw new RangeError("Cannot parse as an argument is too long");
      at += 2;
      table[2 * n] = at;
      table[2 * n + 1] = length;
      n++;
      at += length;
      if (data[at] !== CR || data[at + 1] !== 10) {
        throw new RangeError("Cannot parse without CR LF");
      }
      at += 2;
    }
  }
  return n;
}

function digitAt(data: Uint8Array, at: number): number {
  const digit = (data[at] as number) - 48;
  if (!(digit >= 0 && digit <= 9)) throw new RangeError("Cannot parse a count as it has no digits");
  return digit;
}
