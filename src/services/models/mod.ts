/**
 * The node's models, at models/rpc.sock.
 *
 * @module
 */
export { modelsService } from "./service.ts";
