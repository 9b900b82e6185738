/**
 * How many KV pages an executor gets, and what is said when a model does not fit: before anything of
 * it is read.
 */
import type { ModelShape } from "../model/mod.ts";
import { roundUp } from "./_scratch.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";
import type { KeyValueType } from "./numeric_class.ts";

/** Bytes of one memory of wasm32; the last 64 KiB stay unused. */
export const partBytesDefault = 2 ** 32 - 2 ** 16;

/** A context that nobody asked for is made shorter to fit, but not shorter than this. */
const contextLeast = 2048;

const alignment = 64;

/** What to make room for. */
export interface PageRoomOptions {
  /** Of the file, for messages. */
  readonly name: string;
  readonly shape: ModelShape;
  readonly layers: LayerRange;
  /** Undefined when nobody asked for a number. */
  readonly contextAsked: number | undefined;
  readonly contextMax: number;
  readonly kvBytesMax: number | undefined;
  readonly keyValueType: KeyValueType;
  /** Bytes of one WebAssembly memory. */
  readonly partBytesMax: number;
  /** Bytes that the machine has; undefined when that is not known. */
  readonly availableBytes: number | undefined;
  /** Bytes of weights and scratch, and how many of them are the layers'. */
  readonly fixedBytes: number;
  readonly layersBytes: number;
}

/** KV pages. */
export interface PageRoom {
  readonly pageBytes: number;
  /** Bytes of one layer within a page. */
  readonly layerPageBytes: number;
  readonly pageCountMax: number;
  /** Positions that a session may have. */
  readonly contextMax: number;
}

/** Width of a value row in a page: the head's, rounded up to a SIMD vector. */
export function valueWidthOf(headWidth: number): number {
  return roundUp(headWidth, 4);
}

/** Bytes of a page of one layer's keys and values. */
function layerPageBytesOf(shape: ModelShape, keyValueType: KeyValueType): number {
  const { kvHeadCount, headWidth } = shape;
  const elements = kvHeadCount * (headWidth + valueWidthOf(headWidth));
  return elements * tilePositions * (keyValueType === "f16" ? 2 : 4);
}

/** Bytes of a page, 32 positions, of all layers' keys and values. */
export function pageBytesOf(shape: ModelShape, keyValueType: KeyValueType): number {
  return roundUp(layerPageBytesOf(shape, keyValueType) * shape.layerCount, alignment);
}

/**
 * Plans the pages: four contexts where `kvBytesMax` says nothing, or what fits.
 *
 * @throws {EngineError} "no-memory" with the bytes needed, those there are, and what would fit
 * @throws {RangeError} when `kvBytesMax` does not hold one page
 */
export function planPages(options: PageRoomOptions): PageRoom {
  const { shape, layers, contextAsked, kvBytesMax, keyValueType, fixedBytes } = options;
  const layerPageBytes = layerPageBytesOf(shape, keyValueType);
  const pageBytes = roundUp(layerPageBytes * (layers.to - layers.from), alignment);
  const free = roomOf(options) - fixedBytes;
  const pages = { pageBytes, layerPageBytes };
  if (kvBytesMax !== undefined) {
    checkKeyValueBytes(kvBytesMax, pageBytes);
    if (kvBytesMax > free) throw refusal(options, { ...pages, needed: kvBytesMax });
    const pageCountMax = Math.floor(kvBytesMax / pageBytes);
    return { ...pages, pageCountMax, contextMax: options.contextMax };
  }
  const fits = Math.floor(free / pageBytes) * tilePositions;
  const isFree = contextAsked === undefined && fits >= contextLeast;
  const contextMax = isFree ? Math.min(options.contextMax, fits) : options.contextMax;
  const needed = Math.ceil(contextMax / tilePositions) * pageBytes;
  if (needed > free) throw refusal(options, { ...pages, needed });
  return { ...pages, pageCountMax: Math.floor(Math.min(free, 4 * needed) / pageBytes), contextMax };
}

function checkKeyValueBytes(kvBytesMax: number, pageBytes: number): void {
  if (Number.isSafeInteger(kvBytesMax) && kvBytesMax >= pageBytes) return;
  throw new RangeError(
    `Cannot load the model as "kvBytesMax" must be an integer of at least ${pageBytes} (one page): current value is ${kvBytesMax}`,
  );
}

/** Bytes that there are. */
function roomOf({ availableBytes, partBytesMax }: PageRoomOptions): number {
  return Math.min(partBytesMax, availableBytes ?? Infinity);
}

function refusal(
  options: PageRoomOptions,
  pages: { readonly pageBytes: number; readonly layerPageBytes: number; readonly needed: number },
): EngineError {
  const { name, kvBytesMax, contextMax, fixedBytes } = options;
  const room = roomOf(options);
  const who = room === options.partBytesMax ? "one WebAssembly memory holds" : "the machine has";
  const what = kvBytesMax === undefined ? `${contextMax} positions` : '"kvBytesMax"';
  return new EngineError({
    code: "no-memory",
    message: `Cannot load "${name}" as ${who} ${room} bytes: weights and scratch need ${
      Math.ceil(fixedBytes)
    }, keys and values of ${what} ${pages.needed}, in all ${fixedBytes + pages.needed}; ${
      whatFits(options, pages)
    }`,
  });
}

/** The largest context that would fit, or how many layers would with one page of positions. */
function whatFits(
  options: PageRoomOptions,
  { pageBytes, layerPageBytes }: { readonly pageBytes: number; readonly layerPageBytes: number },
): string {
  const { layers, fixedBytes, layersBytes, contextMax, kvBytesMax } = options;
  const room = roomOf(options);
  const positions = Math.floor((room - fixedBytes) / pageBytes) * tilePositions;
  if (positions >= tilePositions) {
    return kvBytesMax === undefined
      ? `a context of ${Math.min(positions, contextMax)} positions would fit`
      : `"kvBytesMax" of up to ${Math.floor(room - fixedBytes)} would fit`;
  }
  const count = layers.to - layers.from;
  const perLayer = layersBytes / count + layerPageBytes;
  const fit = Math.max(0, Math.floor((room - (fixedBytes - layersBytes)) / perLayer));
  return `${Math.min(fit, count)} of its ${count} layers would fit`;
}
