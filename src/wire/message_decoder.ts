/**
 * What every decoder of a byte stream promises: bytes go in as they come, whole messages come out.
 *
 * Not a stream and not a reader: the caller moves the bytes, and decides how long to wait for the rest
 * of a message.
 */

/**
 * Turns a stream of bytes into messages. Where the stream is cut makes no difference.
 *
 * What is kept is at most one unfinished message, in memory that grows with what has arrived and never
 * with what was announced. A message's bytes are views: of what was pushed when the message came in
 * one piece, so the caller leaves pushed bytes as they are while it holds messages.
 */
export interface MessageDecoder<Message> {
  /**
   * Takes the stream's next bytes, of any length.
   *
   * @throws {TypeError} while `next` has not yet said that the last ones are used up
   */
  push(bytes: Uint8Array): void;
  /**
   * The next whole message, or `undefined` when more bytes have to come first.
   *
   * @throws {WireError} when the stream breaks a rule or a limit; "too-large", "not-utf8" or
   * "malformed". Messages before that place are given first; from then on every call throws.
   */
  next(): Message | undefined;
  /** Bytes of an unfinished message that are kept, once `next` has given `undefined`. */
  readonly pendingBytes: number;
}

/** What a decoder accepts. */
export interface DecoderLimits {
  /** Bytes of a message without what frames it; of a command, all of them. At most 8 MiB + 64 KiB. */
  readonly bytesMax: number;
  /** Refuse messages (of commands: arguments) that are not UTF-8. @default {false} */
  readonly utf8?: boolean;
}
