/**
 * Kernels for a memory of one size: the same module with other limits at its import.
 *
 * V8 loads the size of a shared memory that may grow before every access which it checks itself, as
 * it does in Deno (Node leaves that to the processor's pages). Of a memory whose least size is its
 * largest it keeps the size in a register: products of a prompt take a quarter less time.
 */

/** Sections begin behind the magic number and the version. */
const headerBytes = 8;
const importSection = 2;
/** One import, "env" "memory", a memory, shared and with a largest size; the two sizes follow. */
const importHead = [1, 3, ...ascii("env"), 6, ...ascii("memory"), 2, 3] as const;

/**
 * A module that imports nothing but a shared memory, for one of exactly `pages` of 64 KiB.
 *
 * @throws {SyntaxError} when the module imports something else
 */
export function withMemoryOf(
  module: Uint8Array<ArrayBuffer>,
  pages: number,
): Uint8Array<ArrayBuffer> {
  const size = unsigned(pages);
  const content = [...importHead, ...size, ...size];
  const section = [importSection, ...unsigned(content.length), ...content];
  const { from, to } = importsOf(module);
  const out = new Uint8Array(module.length - (to - from) + section.length);
  out.set(module.subarray(0, from));
  out.set(section, from);
  out.set(module.subarray(to), from + section.length);
  return out;
}

/** Where the section of imports lies. */
function importsOf(module: Uint8Array): { readonly from: number; readonly to: number } {
  for (let from = headerBytes; from < module.length;) {
    const { value: length, next } = readUnsigned(module, from + 1);
    const to = next + length;
    if (module[from] === importSection) {
      if (importHead.every((byte, i) => module[next + i] === byte)) return { from, to };
      break;
    }
    from = to;
  }
  throw new SyntaxError("Cannot fix a module's memory as it must import one, and nothing else");
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...unsigned(Math.floor(value / 128))];
}

function readUnsigned(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0;; i++) {
    const byte = bytes[at + i] ?? 0;
    value += (byte % 128) * 128 ** i;
    if (byte < 128) return { value, next: at + i + 1 };
  }
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
