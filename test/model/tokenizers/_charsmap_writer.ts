/**
 * Writes precompiled normalisation maps, as SentencePiece has them: see src/model/tokenizers/charsmap.ts.
 */

interface Node {
  readonly children: Map<number, Node>;
  /** Offset of the replacement, for a key that ends here. */
  value: number | undefined;
}

/** Most children of a node, and the alignment of their places: any byte stays within its block. */
const BLOCK = 256;

/** A map that replaces keys, none of them empty, by texts. */
export function writeCharsmap(
  entries: Iterable<readonly [key: string, text: string]>,
): Uint8Array {
  const encoder = new TextEncoder();
  const root: Node = { children: new Map(), value: undefined };
  const texts: number[] = [];
  for (const [key, text] of entries) {
    let node = root;
    for (const byte of encoder.encode(key)) {
      let child = node.children.get(byte);
      if (child === undefined) {
        child = { children: new Map(), value: undefined };
        node.children.set(byte, child);
      }
      node = child;
    }
    node.value = texts.length;
    texts.push(...encoder.encode(text), 0);
  }
  const units = place(root);
  const bytes = new Uint8Array(4 + units.length * 4 + texts.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, units.length * 4, true);
  units.forEach((unit, i) => view.setUint32(4 + i * 4, unit, true));
  bytes.set(texts, 4 + units.length * 4);
  return bytes;
}

/** Gives each node's children places `base ^ byte`, the value at `base`; the root is at 0. */
function place(root: Node): Uint32Array {
  let units = new Uint32Array(BLOCK * 4);
  let taken = new Uint8Array(units.length);
  let firstFree = 1;
  taken[0] = 1;
  const grow = (): void => {
    const more = new Uint32Array(units.length * 2);
    more.set(units);
    units = more;
    const moreTaken = new Uint8Array(units.length);
    moreTaken.set(taken);
    taken = moreTaken;
  };
  const findBase = (labels: readonly number[]): number => {
    while (taken[firstFree] === 1) firstFree++;
    const [label = 0] = labels;
    for (let at = firstFree;; at++) {
      while (at + BLOCK >= units.length) grow();
      const base = at ^ label;
      if (labels.every((other) => taken[base ^ other] !== 1)) return base;
    }
  };
  const queue: { node: Node; at: number }[] = [{ node: root, at: 0 }];
  for (const { node, at } of queue) {
    const labels = [...node.children.keys()];
    if (node.value !== undefined) labels.unshift(0);
    if (labels.length === 0) continue;
    const base = findBase(labels);
    for (const label of labels) taken[base ^ label] = 1;
    units[at] = ((units[at] ?? 0) | offsetBits(base ^ at)) >>> 0;
    if (node.value !== undefined) {
      units[at] = ((units[at] ?? 0) | 0x100) >>> 0;
      units[base] = (node.value | 0x8000_0000) >>> 0;
    }
    for (const [label, child] of node.children) {
      units[base ^ label] = label;
      queue.push({ node: child, at: base ^ label });
    }
  }
  return units;
}

function offsetBits(offset: number): number {
  if (offset < 1 << 21) return offset << 10;
  if (offset % BLOCK === 0) return (offset << 2) | 0x200;
  throw new RangeError(
    `Cannot write a map as an offset must fit: current offset is ${offset}`,
  );
}
