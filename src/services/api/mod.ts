/**
 * OpenAI's HTTP API, on loopback.
 *
 * @module
 */
export { apiService } from "./service.ts";
export { apiConfig } from "./config.ts";
export type { ApiConfig } from "./config.ts";
export { parseListenAddress } from "./listen_address.ts";
export type { ListenAddress } from "./listen_address.ts";
export { listenDefault } from "./limits.ts";

// The tables behind docs/API.md and its tests.
export { chatFields } from "./chat_fields.ts";
export { embeddingFields } from "./embedding_fields.ts";
export { completionFields } from "./completion_fields.ts";
export type { Field, Fields, FieldUse } from "./fields.ts";
