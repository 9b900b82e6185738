/**
 * A node's card: what it says of itself, and how new that is. A card that its owner has given (in
 * hello, or by gossip that is proven to be its own) is worth more than one that another passed on.
 */
import * as v from "valibot";
import { count, hex32, hex64 } from "./_forms.ts";
import { capabilitiesSchema } from "./capabilities.ts";

/** Addresses of a card, at most, and characters of each. */
export const cardAddressesMax = 12;
const addressCharactersMax = 256;

/** The entries of a card, for other documents that hold one. */
export const cardEntries = {
  key: hex64,
  /** Drawn at each start of the node: two nodes with one key differ in it. */
  instance: hex32,
  /** Begins at the node's time of start; the node raises it to take back a claim that it is gone. */
  incarnation: count,
  /** Counts what it has said since its start. */
  sequence: v.pipe(count, v.maxValue(0xffffffff)),
  addresses: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(addressCharactersMax))),
    v.maxLength(cardAddressesMax),
  ),
  capabilities: capabilitiesSchema,
};

/** The form of a card. */
export const cardSchema = v.strictObject(cardEntries);

/** A node's card. */
export type Card = v.InferOutput<typeof cardSchema>;

/** Whether `other` says something newer than `known`, of the same node. */
export function isNewerCard(other: Card, known: Card | undefined): boolean {
  if (known === undefined) return true;
  if (other.instance !== known.instance) return other.incarnation >= known.incarnation;
  return other.sequence > known.sequence || other.incarnation > known.incarnation;
}
