/** The model that a receipt names, made ready to compute an answer once more. */
import type { LoadExecutorOptions, ModelExecutor } from "../engine/mod.ts";
import type { ByteSource, FoundModel, GgufFile } from "../model/mod.ts";
import type { OpenReceipt, Receipt } from "../receipts/mod.ts";
import { modelSetting } from "./_model_argument.ts";
import { manifestPlace, withBar } from "./_model_place.ts";
import type { LongRead } from "./_model_place.ts";
import type { PlaceOptions } from "./_options.ts";
import { safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** A receipt's model. */
export interface ReceiptModel {
  readonly file: GgufFile;
  readonly executor: ModelExecutor;
}

/** What to open. */
export interface ReceiptModelOptions {
  readonly model: string;
  readonly place: PlaceOptions;
  readonly receipt: Receipt;
}

/**
 * Opens the receipt's statements and loads its model, in its numeric class and with room for the
 * answer.
 *
 * @throws {CliError} "unjudged" when the file is another model, or the class is none of this release's
 * @throws {ReceiptError} when the statements do not hold
 */
export async function withReceiptModel<T>(
  io: CliIo,
  options: ReceiptModelOptions,
  run: (opened: OpenReceipt, model: ReceiptModel) => Promise<T>,
): Promise<T> {
  const { findModel, openFoundModel, openGguf, readModelShape } = await import("../model/mod.ts");
  const { openReceipt, openRequestStatement } = await import("../receipts/mod.ts");
  const { loadExecutor } = await import("../engine/mod.ts");
  const place = manifestPlace(io, options.place);
  const found = await findModel(place, modelSetting(io, options.model));
  const source = await openFoundModel(place, found);
  try {
    const file = await openGguf(source);
    const shape = readModelShape(file);
    // Of another model even the count of layers would speak against a receipt that tells the truth.
    const { root } = openRequestStatement(options.receipt.request);
    await checkRoot(io, { found, source, root });
    const opened = openReceipt(options.receipt, shape.layerCount);
    const room = await roomFor(opened, shape);
    const executor = await withBar(
      io,
      { verb: "Loading", what: safeText(file.name) },
      (read) => loadExecutor({ file, source, shape, ...room, ...read }),
    );
    try {
      return await run(opened, { file, executor });
    } finally {
      executor.close();
    }
  } finally {
    await source.close();
  }
}

/** A file that was not written to since it was added has the root that its manifest says. */
async function checkRoot(
  io: CliIo,
  { found: { manifest, hasChanged }, source, root }: {
    readonly found: FoundModel;
    readonly source: ByteSource;
    readonly root: string;
  },
): Promise<void> {
  const { rootOfSource } = await import("../model/mod.ts");
  const known = hasChanged ? undefined : manifest?.root;
  const how = { verb: "Hashing", what: safeText(source.name) };
  const actual = known ??
    await withBar(io, how, (read: LongRead) => rootOfSource({ source, ...read }));
  if (actual === root) return;
  throw unjudged(
    `its model has root ${root.slice(0, 16)} and "${safeText(source.name)}" has ${
      actual.slice(0, 16)
    }: name the very file by --model`,
  );
}

async function roomFor(
  { request }: OpenReceipt,
  shape: Parameters<typeof import("../engine/mod.ts").pageBytesOf>[0],
): Promise<Pick<LoadExecutorOptions, "contextMax" | "kvBytesMax" | "keyValueType">> {
  const { contextLimitOf, keyValueTypeOf, pageBytesOf, pagePositions } = await import(
    "../engine/mod.ts"
  );
  const { positionsOf } = await import("../receipts/mod.ts");
  const keyValueType = keyValueTypeOf(request.class);
  if (keyValueType === undefined) {
    throw unjudged(`this release does not compute numeric class "${request.class}"`);
  }
  const positions = Math.max(1, positionsOf(request));
  const limit = contextLimitOf(shape);
  if (positions > limit) {
    throw unjudged(`it has ${positions} positions and the model's context ${limit}`);
  }
  const pages = Math.ceil(positions / pagePositions) + 1;
  return {
    contextMax: positions,
    kvBytesMax: pages * pageBytesOf(shape, keyValueType),
    keyValueType,
  };
}

/** A receipt that can't be judged; `why` completes "as". */
export function unjudged(why: string, cause?: unknown): CliError {
  const message = `Cannot judge the receipt as ${why}`;
  return new CliError({ exitCode: exitCodes.unjudged, message, cause });
}
