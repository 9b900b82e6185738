/**
 * Reads cards from JSON. Members repeat theirs, and each neighbour of a node passes on those of all
 * others, so the same text comes again and again: a text that was checked once is remembered with its
 * card. A card follows from its text alone, so all nodes of a process share the memory, and the cards
 * in it are frozen.
 */
import * as v from "valibot";
import { cardSchema } from "./card.ts";
import type { Card } from "./card.ts";
import { frameRefusal } from "./json_frame.ts";
import type { MembershipError } from "./membership_error.ts";

/** What frames with cards are called. */
export const registryFrame = "frame of the registry";

/** Characters of the texts that are remembered; when there are more, all are forgotten. */
const charactersMax = 4 * 1024 * 1024;

const known = new Map<string, Card>();
let characters = 0;

/** The texts of those that are remembered, and of those that were and are still in use. */
const texts = new WeakMap<Card, string>();

/** A card's text, as `JSON.stringify` writes it. */
export function textOfCard(card: Card): string {
  return texts.get(card) ?? JSON.stringify(card);
}

/** Reads a card's text. @throws {MembershipError} "malformed" */
export function cardOfText(text: string): Card {
  return known.get(text) ?? check(parseText(text), { text, where: "" });
}

/** Reads cards from the text of an array. @throws {MembershipError} "malformed" */
export function cardsOfText(text: string, countMax: number): readonly Card[] {
  const values = parseText(text);
  if (!Array.isArray(values)) throw malformed("its cards are no array");
  if (values.length > countMax) throw malformed(`it has more than ${countMax} cards`);
  return values.map((value: unknown, i) => {
    const own = JSON.stringify(value);
    return known.get(own) ?? check(value, { text: own, where: `${i}.` });
  });
}

/** The card that is remembered for a text, or this one from now on. */
export function sameCard(card: Card): Card {
  const text = textOfCard(card);
  return known.get(text) ?? remember(text, card);
}

function check(
  value: unknown,
  { text, where }: { readonly text: string; readonly where: string },
): Card {
  const checked = v.safeParse(cardSchema, value);
  if (checked.success) return remember(text, checked.output);
  const [issue] = checked.issues;
  throw malformed(`"${where}${v.getDotPath(issue) ?? ""}": ${issue.message}`);
}

function remember(text: string, card: Card): Card {
  characters += text.length;
  if (characters > charactersMax) {
    known.clear();
    characters = text.length;
  }
  known.set(text, freeze(card));
  texts.set(card, text);
  return card;
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const entry of Object.values(value)) freeze(entry);
  return value;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("its cards are no JSON");
  }
}

function malformed(why: string): MembershipError {
  return frameRefusal({ what: registryFrame, why });
}
