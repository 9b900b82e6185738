/**
 * libp2p's Noise with two costs of each message taken out. What is on the wire stays the same.
 *
 * It hands its key to `node:crypto` as bytes, which Node finds to be no key object by an exception that
 * it catches, with a stack trace each time: a key object, made once, spares 0.1 ms of each message.
 * And it finds out that a whole message has been read by an exception about the next one's length.
 * Short messages are left to libp2p's WebAssembly, which is faster there.
 */
import type { KeyObject } from "node:crypto";
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { noise } from "@libp2p/noise";
import type { Libp2pOptions } from "libp2p";

/** Where libp2p itself turns from WebAssembly to `node:crypto`, in bytes. */
const nativeBytesMin = 1200;

const cipherName = "chacha20-poly1305";
const tagBytes = 16;

/** Bytes, or a list of them that joins itself. */
interface Bytes {
  readonly byteLength: number;
  subarray(): Uint8Array;
}

/** One message: RFC 8439 with the tag at the end. */
// tidy: allow positional-parameters as libp2p calls it so
type Crypt = (
  text: Bytes,
  nonce: Uint8Array,
  ad: Uint8Array,
  key: Uint8Array,
  into?: Uint8Array,
) => Bytes;

/** What libp2p's Noise calls for each message; not in its types. */
interface Ciphers {
  encrypt: Crypt;
  decrypt: Crypt;
}

type EncrypterFactory = NonNullable<Libp2pOptions["connectionEncrypters"]>[number];

/** Makes Noise as libp2p does. */
export function leanNoise(options: Parameters<typeof noise>[0]): EncrypterFactory {
  return (components) => {
    const made = noise(options)(components);
    const inner: { crypto?: unknown } = made as object;
    if (areCiphers(inner.crypto)) inner.crypto = { ...inner.crypto, ...leanCiphers(inner.crypto) };
    const secureOutbound = made.secureOutbound.bind(made);
    made.secureOutbound = async (connection, secureOptions) => {
      const secured = await secureOutbound(connection, secureOptions);
      readLengthsQuietly(secured.connection);
      return secured;
    };
    const secureInbound = made.secureInbound.bind(made);
    made.secureInbound = async (connection, secureOptions) => {
      const secured = await secureInbound(connection, secureOptions);
      readLengthsQuietly(secured.connection);
      return secured;
    };
    return made;
  };
}

/** Ciphers with key objects; short messages go to `short`. */
export function leanCiphers(short: Ciphers): Ciphers {
  const objects = new WeakMap<Uint8Array, KeyObject>();
  const objectOf = (key: Uint8Array): KeyObject => {
    const known = objects.get(key);
    if (known !== undefined) return known;
    const made = createSecretKey(key);
    objects.set(key, made);
    return made;
  };
  return {
    encrypt: (...message) => {
      const [text, nonce, ad, key] = message;
      if (text.byteLength < nativeBytesMin) return short.encrypt(...message);
      const cipher = createCipheriv(cipherName, objectOf(key), nonce, { authTagLength: tagBytes });
      cipher.setAAD(ad, { plaintextLength: text.byteLength });
      const sealed = new Uint8Array(text.byteLength + tagBytes);
      sealed.set(cipher.update(text.subarray()));
      cipher.final();
      sealed.set(cipher.getAuthTag(), text.byteLength);
      return sealed;
    },
    decrypt: (...message) => {
      const [text, nonce, ad, key] = message;
      if (text.byteLength < nativeBytesMin) return short.decrypt(...message);
      const sealed = text.subarray();
      const end = sealed.length - tagBytes;
      const cipher = createDecipheriv(cipherName, objectOf(key), nonce, {
        authTagLength: tagBytes,
      });
      cipher.setAAD(ad, { plaintextLength: end });
      cipher.setAuthTag(sealed.subarray(end));
      const opened = cipher.update(sealed.subarray(0, end));
      cipher.final();
      return opened;
    },
  };
}

/** The longest length that two bytes tell: more than what is there when even they are not. */
const lengthMax = 65_535;

/** Lengths of messages: two bytes, the higher first. */
function readLengthsQuietly(connection: object): void {
  if (!("decoder" in connection)) return;
  const { decoder } = connection;
  if (typeof decoder !== "object" || decoder === null || !("lengthDecoder" in decoder)) return;
  decoder.lengthDecoder = (bytes: Bytes & { get(at: number): number }): number => {
    if (bytes.byteLength < 2) return lengthMax;
    return bytes.get(0) * 256 + bytes.get(1);
  };
}

function areCiphers(value: unknown): value is Ciphers {
  return typeof value === "object" && value !== null && "encrypt" in value && "decrypt" in value;
}
