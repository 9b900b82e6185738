/**
 * Parts of models: kept in sparse files, served to peers and fetched from them, each chunk checked
 * against the model's BLAKE3 root.
 *
 * A library: it holds no sockets of its own. Format of the frames: `part_frames.ts`.
 *
 * @module
 */
export { PartsError } from "./errors.ts";
export type { PartsErrorCode } from "./errors.ts";
export { PartFile, readAll, verified } from "./part_file.ts";
export type { PartPlace } from "./part_file.ts";
export { groupsOf, partsProtocol } from "./part_frames.ts";
export type { RefusalCode } from "./part_frames.ts";
export { serveParts } from "./part_server.ts";
export type { HeldModel, HeldModels, PartServerMeters } from "./part_server.ts";
export { beginParts, fetchParts } from "./fetch_parts.ts";
export type { FetchOptions } from "./fetch_parts.ts";
