/**
 * Tickets: what one hands over so that another node can join. The text holds where the issuer is, its
 * key, and a secret that is good once; whoever has it may join in the holder's place.
 *
 * Text: "skep1", then base32 of the bytes below, lower case; white space anywhere is dropped, since
 * terminals wrap, and capitals are taken for small letters. All lengths are of bytes.
 *
 *   length of the whole, u16 big-endian | issuer's key, 32 | secret, 32 |
 *   count of addresses, u8 | for each: length, u8; UTF-8 | checksum, 4
 *
 * The length comes first, so that a cut text can be told from a mistyped one; the checksum is the
 * beginning of SHA-256 over "skep/ticket/v1", a zero byte, and all before it.
 */
import { createHash } from "node:crypto";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { decodeBase32, encodeBase32 } from "./base32.ts";
import { MembershipError } from "./membership_error.ts";

/** Bytes of a ticket's secret: 256 bits. */
export const secretBytes = 32;

/** Addresses in a ticket, at most. */
export const ticketAddressesMax = 8;

/** Characters of a ticket's text, at most; white space counts. */
export const ticketCharactersMax = 4096;

const prefix = "skep1";
const headBytes = 2 + 32 + secretBytes + 1;
const checksumBytes = 4;
const addressBytesMax = 255;

/** What a ticket holds. */
export interface Ticket {
  /** Who issued it, and whose mesh it is. */
  readonly issuer: PeerKey;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** Where the issuer can be dialled; at most `ticketAddressesMax`. */
  readonly addresses: readonly string[];
}

/**
 * The text of a ticket. Addresses lose their "/p2p/ID" end: the issuer's key says it already.
 *
 * @throws {RangeError} for a secret of another length, or an address that is too long
 */
export function encodeTicket(ticket: Ticket): string {
  if (ticket.secret.length !== secretBytes) {
    throw new RangeError(
      `Cannot write a ticket as its secret must have ${secretBytes} bytes: current value is ${ticket.secret.length}`,
    );
  }
  const addresses = ticket.addresses.slice(0, ticketAddressesMax).map(addressBytes);
  const size = headBytes + checksumBytes +
    addresses.reduce((sum, address) => sum + 1 + address.length, 0);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint16(0, size);
  bytes.set(decodeHex(ticket.issuer), 2);
  bytes.set(ticket.secret, 34);
  bytes[headBytes - 1] = addresses.length;
  let at = headBytes;
  for (const address of addresses) {
    bytes[at] = address.length;
    bytes.set(address, at + 1);
    at += 1 + address.length;
  }
  bytes.set(checksumOf(bytes.subarray(0, at)), at);
  return prefix + encodeBase32(bytes);
}

/**
 * Reads a ticket.
 *
 * @throws {MembershipError} "ticket-cut" when its end is missing, else "ticket-malformed"
 */
export function parseTicket(text: string): Ticket {
  if (text.length > ticketCharactersMax) {
    throw malformed(`it has more than ${ticketCharactersMax} characters`);
  }
  const plain = text.replace(/\s+/g, "").toLowerCase();
  if (!plain.startsWith(prefix)) throw malformed(`it must begin with "${prefix}"`);
  const digits = plain.slice(prefix.length);
  if (!/^[a-z2-7]*$/.test(digits)) throw malformed("a character in it is in no ticket");
  refuseCut(digits);
  const bytes = decodeBase32(digits);
  if (bytes === undefined) throw malformed("its end is mistyped");
  const size = new DataView(bytes.buffer).getUint16(0);
  if (bytes.length !== size) throw malformed("there is something behind its end");
  const body = bytes.subarray(0, size - checksumBytes);
  if (!checksumOf(body).every((byte, i) => byte === bytes[size - checksumBytes + i])) {
    throw malformed("its checksum does not fit: copy it once more");
  }
  return {
    issuer: encodeHex(body, 2, 32),
    secret: body.slice(34, 34 + secretBytes),
    addresses: readAddresses(body),
  };
}

/** Compares the length that a text announces with what is there. */
function refuseCut(digits: string): void {
  const head = decodeBase32(`${digits.slice(0, 4)}`.padEnd(8, "a"))?.subarray(0, 2);
  const size = digits.length < 4 || head === undefined
    ? undefined
    : new DataView(head.buffer).getUint16(0);
  if (size !== undefined && size < headBytes + checksumBytes) {
    throw malformed("it announces an impossible length");
  }
  const wanted = size === undefined ? undefined : Math.ceil(size * 8 / 5);
  if (wanted !== undefined && digits.length >= wanted) return;
  const whole = wanted === undefined ? "" : ` of ${prefix.length + wanted}`;
  throw new MembershipError({
    code: "ticket-cut",
    message: `Cannot use the ticket as it is cut: it has ${
      prefix.length + digits.length
    }${whole} characters; copy the whole`,
  });
}

function readAddresses(body: Uint8Array): string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const count = body[headBytes - 1] ?? 0;
  if (count > ticketAddressesMax) throw malformed("it has too many addresses");
  const addresses: string[] = [];
  let at = headBytes;
  for (let i = 0; i < count; i++) {
    const end = at + 1 + (body[at] ?? body.length);
    if (end > body.length) throw malformed("an address in it is cut");
    try {
      addresses.push(decoder.decode(body.subarray(at + 1, end)));
    } catch {
      throw malformed("an address in it is no text");
    }
    at = end;
  }
  if (at !== body.length) throw malformed("there is something behind its addresses");
  return addresses;
}

function addressBytes(address: string): Uint8Array {
  const bytes = new TextEncoder().encode(address.replace(/\/p2p\/[^/]+$/, ""));
  if (bytes.length > addressBytesMax) {
    throw new RangeError(
      `Cannot write a ticket as an address must have at most ${addressBytesMax} bytes: current value is ${bytes.length}`,
    );
  }
  return bytes;
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update("skep/ticket/v1\0").update(bytes).digest();
  return Uint8Array.from(digest.subarray(0, checksumBytes));
}

function malformed(why: string): MembershipError {
  return new MembershipError({
    code: "ticket-malformed",
    message: `Cannot use the ticket as ${why}`,
  });
}
