/**
 * The client's side of one connection that speaks frames: texts go out, JSON objects come in.
 *
 * What the objects mean is frame_client.ts's business.
 */
import type { Duplex } from "node:stream";
import { FrameLanding } from "./frame_landing.ts";
import { encodeTextFrame, frameDecoder } from "./frames.ts";
import type { RpcConnectOptions } from "./frame_client.ts";
import { FRAME_LIMITS } from "./listen.ts";
import { borrowScanner, returnScanner } from "./_shared_scanner.ts";
import { WireError } from "./wire_error.ts";

/** What came in a frame, by its kind. */
export interface LineHandlers {
  readonly message: (value: Readonly<Record<string, unknown>>, text: string) => void;
  readonly closed: (error: WireError) => void;
}

/** One connection: texts go out in frames, texts come in. */
export interface Line {
  readonly stream: Duplex;
  handlers: LineHandlers | undefined;
  /** @throws {WireError} "too-large" */
  send(text: string): void;
}

const decoder = new TextDecoder();

/** Dials, with a scanner of its own for the connection while there is one. @throws {NetworkError} */
export async function openLine(options: RpcConnectOptions, signal?: AbortSignal): Promise<Line> {
  const { network, path, frameBytesMax: bytesMax = FRAME_LIMITS.frameBytesMax } = options;
  const ending: { reason?: WireError } = {};
  function broken(error: WireError): void {
    ending.reason ??= error;
    line.stream.destroy();
  }
  function take(bytes: Uint8Array): void {
    const text = decoder.decode(bytes);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null) throw new SyntaxError("It is no object");
      line.handlers?.message(value as Readonly<Record<string, unknown>>, text);
    } catch (cause) {
      const message = "Cannot read the answer as it must be a JSON-RPC response";
      broken(new WireError({ code: "bad-response", message, cause }));
    }
  }
  const scanner = borrowScanner();
  const address = { kind: "unix", path } as const;
  let stream: Duplex;
  try {
    const into = scanner === undefined
      ? undefined
      : new FrameLanding({ scanner, bytesMax, take, onBroken: broken });
    stream = await network.dial(address, signal, into);
  } catch (thrown) {
    if (scanner !== undefined) returnScanner(scanner);
    throw thrown;
  }
  const line: Line = {
    stream,
    handlers: undefined,
    send: (text) => void stream.write(encodeTextFrame(text, { bytesMax })),
  };
  if (scanner === undefined) readCopied(stream, { bytesMax, take, broken });
  else stream.resume();
  stream.once("close", () => {
    if (scanner !== undefined) returnScanner(scanner);
    const message = "Cannot finish the call as the connection was closed";
    line.handlers?.closed(ending.reason ?? new WireError({ code: "closed", message }));
  });
  return line;
}

/** For a connection that has no scanner of its own. */
function readCopied(stream: Duplex, options: {
  readonly bytesMax: number;
  readonly take: (bytes: Uint8Array) => void;
  readonly broken: (error: WireError) => void;
}): void {
  const frames = frameDecoder({ bytesMax: options.bytesMax, utf8: true });
  stream.on("data", (bytes: Uint8Array) => {
    try {
      frames.push(bytes);
      for (let one = frames.next(); one !== undefined; one = frames.next()) options.take(one);
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      options.broken(thrown);
    }
  });
}
