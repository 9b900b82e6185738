/** Inputs of the frame benchmarks, and the plain JavaScript that they are compared with. */

/** `count` frames of a 4-byte length and as many bytes of JSON-like text. */
export function frameStretch(
  count: number,
  lengthOf: (index: number) => number,
): { readonly data: Uint8Array; readonly count: number } {
  const lengths = Array.from({ length: count }, (_, i) => lengthOf(i));
  const data = new Uint8Array(lengths.reduce((sum, length) => sum + 4 + length, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const length of lengths) {
    view.setUint32(at, length);
    for (let i = 0; i < length; i++) data[at + 4 + i] = 32 + (at + i * 7) % 95;
    at += 4 + length;
  }
  return { data, count };
}

/** Finds frames by a loop over bytes. Returns how many. */
export function plainScan(data: Uint8Array, table: Uint32Array, bytesMax: number): number {
  let at = 0;
  let n = 0;
  while (data.length - at >= 4) {
    const length = ((data[at] as number) << 24 | (data[at + 1] as number) << 16 |
      (data[at + 2] as number) << 8 | (data[at + 3] as number)) >>> 0;
    if (length > bytesMax) throw new RangeError(`Cannot read a frame of ${length} bytes`);
    if (length > data.length - at - 4) break;
    table[2 * n] = at + 4;
    table[2 * n + 1] = length;
    n++;
    at += 4 + length;
  }
  return n;
}
