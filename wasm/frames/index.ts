/**
 * The frames module: finds the messages in a stretch of bytes and checks them in the same pass. The
 * result is a table of offsets; an incomplete message is no error. Addresses and statuses: map.ts.
 *
 * Nothing is allocated or copied, and limits are arguments. The typed face, `src/hot/frames.ts`,
 * checks that the bytes are within the input and the records within the table.
 */
export { scanCommands } from "./commands";
export { scanLengths } from "./lengths";
export { scanLines } from "./lines";
export { utf8Prefix } from "./utf8";
