/** What is said of a text that names no peer, or several: whom it could have meant. */
import type { PeerKey } from "../../ports/mod.ts";
import { shortIdOf } from "./keys.ts";
import { beginningMin } from "./peer_book.ts";
import type { PeerBook } from "./peer_book.ts";

/** Peers that a sentence names, at most. */
const namedMax = 8;

/** The sentence. @param text what names none of `others`, or more than one */
export function notFoundWords(
  text: string,
  { peerBook, others }: { readonly peerBook: PeerBook; readonly others: readonly PeerKey[] },
): string {
  const found = peerBook.matches(text, others);
  const list = (keys: readonly PeerKey[]): string => {
    const names = keys.map((key) => {
      const alias = peerBook.aliasOf(key);
      return alias === undefined ? shortIdOf(key) : `${alias} (${shortIdOf(key)})`;
    }).sort();
    const more = names.length - namedMax;
    return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  };
  if (found.length > 1) return `Cannot tell which peer "${text}" is as it may be ${list(found)}`;
  const isShort = /^(skep_)?[0-9a-f]*$/i.test(text) &&
    text.replace(/^skep_/i, "").length < beginningMin;
  const why = isShort
    ? `the beginning of an id or a key must have ${beginningMin} digits or more`
    : "nobody in the mesh has such an id, key or alias";
  const there = others.length === 0 ? "this node has no peers" : `there are ${list(others)}`;
  return `Cannot find peer "${text}" as ${why}: ${there}`;
}
