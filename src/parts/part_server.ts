/**
 * Serves parts of models to peers: `/skep/parts/1`.
 *
 * A peer has at most four streams, and on each one request is answered at a time, so what it can make
 * this node hold in memory is bounded; it is read from only as fast as it reads.
 */
import { encodeHex } from "../hot/mod.ts";
import type { GroupRange } from "../hot/mod.ts";
import type { MeshNetwork, MeshStream, PeerKey } from "../ports/mod.ts";
import { PartsError } from "./errors.ts";
import {
  decodePartRequest,
  encodePartAbout,
  encodePartAnswer,
  groupsOf,
  partsProtocol,
} from "./part_frames.ts";
import type { PartAnswer, PartRequest, RefusalCode } from "./part_frames.ts";

/** A model of which groups can be read. */
export interface HeldModel {
  readonly name: string;
  readonly sizeBytes: number;
  /** The whole outboard. */
  outboard(): Promise<Uint8Array>;
  /** @throws {PartsError} "not-held" */
  read(range: GroupRange): Promise<Uint8Array>;
}

/** Where models are found. */
export interface HeldModels {
  /** The model of a root (64 hexadecimal digits), if anything of it is held. */
  find(root: string): Promise<HeldModel | undefined>;
}

/** Told of what was served and refused. */
export interface PartServerMeters {
  served(peer: PeerKey, bytes: number): void;
  refused(peer: PeerKey, code: RefusalCode): void;
  /** What peers are not told. */
  failed(peer: PeerKey, cause: unknown): void;
}

/** Streams of one peer at once. */
const streamsPerPeerMax = 4;

/** Serves parts until the returned function is called. */
export function serveParts(
  options: {
    readonly mesh: Pick<MeshNetwork, "handle">;
    readonly models: HeldModels;
    readonly meters: PartServerMeters;
  },
): () => void {
  const { mesh, models, meters } = options;
  const open = new Set<MeshStream>();
  const unhandle = mesh.handle(partsProtocol, (stream) => {
    open.add(stream);
    void stream.closed.then(() => open.delete(stream));
    void serve(stream, { models, meters });
  }, { streamsPerPeerMax });
  return () => {
    unhandle();
    for (const stream of open) stream.reset();
  };
}

async function serve(
  stream: MeshStream,
  { models, meters }: { readonly models: HeldModels; readonly meters: PartServerMeters },
): Promise<void> {
  try {
    for await (const frame of stream.frames) {
      const answer = await answerTo(frame, models);
      if (answer.isOk) meters.served(stream.peer, answer.bytes.length);
      else {
        meters.refused(stream.peer, answer.code);
        if (answer.cause !== undefined) meters.failed(stream.peer, answer.cause);
      }
      if (!stream.send(encodePartAnswer(answer))) await stream.drained();
      // Who does not speak the protocol is not listened to any longer.
      if (!answer.isOk && answer.code === "malformed") return stream.reset();
    }
    await stream.close();
  } catch {
    // The peer has gone; it asks again when it wants to.
    stream.reset();
  }
}

async function answerTo(
  frame: Uint8Array,
  models: HeldModels,
): Promise<PartAnswer & { readonly cause?: unknown }> {
  try {
    const request = decodePartRequest(frame);
    const root = encodeHex(request.root);
    const model = await models.find(root);
    if (model === undefined) {
      const sentence = "Nothing of this model is held here";
      return { isOk: false, code: "not-held", sentence };
    }
    return { isOk: true, bytes: await bytesFor(request, model) };
  } catch (thrown) {
    if (thrown instanceof PartsError && thrown.code !== "damaged") {
      const code = thrown.code === "malformed" ? "malformed" : "not-held";
      const sentence = code === "malformed" ? thrown.message : "These groups are not held here";
      return { isOk: false, code, sentence };
    }
    return { isOk: false, code: "damaged", sentence: "They can't be read here", cause: thrown };
  }
}

async function bytesFor(request: PartRequest, model: HeldModel): Promise<Uint8Array> {
  const { sizeBytes, name } = model;
  if (request.kind === "about") return encodePartAbout({ sizeBytes, name });
  if (request.kind === "outboard") {
    const outboard = await model.outboard();
    const { fromBytes, bytes } = request;
    if (fromBytes + bytes <= outboard.length) {
      return outboard.subarray(fromBytes, fromBytes + bytes);
    }
    const message = `Cannot read a parts frame as the outboard has ${outboard.length} bytes`;
    throw new PartsError({ code: "malformed", message });
  }
  const { first, count } = request.range;
  if (first + count <= groupsOf(sizeBytes)) return await model.read(request.range);
  const message = `Cannot read a parts frame as the file has ${groupsOf(sizeBytes)} groups`;
  throw new PartsError({ code: "malformed", message });
}
