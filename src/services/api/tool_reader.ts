/**
 * Reads tool calls out of an answer's text as it comes.
 *
 * The inference service holds such answers to the form that it tells, so what has begun as a call is
 * one; an answer that was cut off has a last call without its end.
 */
import type { ToolFormat } from "../inference/mod.ts";

/** A part of an answer. */
export type ToolPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "call"; readonly index: number; readonly id: string; readonly name: string }
  /** More of the arguments' JSON. */
  | { readonly kind: "arguments"; readonly index: number; readonly text: string };

/** Where in the answer the reader is. */
type State = "start" | "text" | "open" | "between" | "name" | "arguments";

/** Reads one answer. */
export class ToolReader {
  readonly #format: ToolFormat;
  readonly #newId: () => string;
  #state: State;
  #rest = "";
  #parts: ToolPart[] = [];
  #calls = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param newId makes the id of a call */
  constructor(format: ToolFormat, newId: () => string) {
    this.#format = format;
    this.#newId = newId;
    this.#state = format.trigger === "" ? "start" : "text";
  }

  /** How many calls have begun. */
  get callCount(): number {
    return this.#calls;
  }

  /** Takes more text; gives the parts that are certain. */
  push(text: string): ToolPart[] {
    this.#rest += text;
    while (this.#step());
    return this.#take();
  }

  /** The text has ended: what was held back is text, unless a call has begun. */
  flush(): ToolPart[] {
    if (this.#state === "start" || this.#state === "text") this.#give(this.#rest.length);
    return this.#take();
  }

  #take(): ToolPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** Goes on to another state if it can. */
  #step(): boolean {
    switch (this.#state) {
      case "start":
        return this.#start();
      case "text":
        return this.#text();
      case "open":
        return this.#skipTo(
          this.#format.open.slice(this.#format.trigger.length) + this.#format.start,
        );
      case "between":
        return this.#skipTo(this.#format.end + this.#format.between + this.#format.start);
      case "name":
        return this.#name();
      case "arguments":
        return this.#arguments();
    }
  }

  /** Without a trigger, the first characters tell whether the answer is a call. */
  #start(): boolean {
    const { start } = this.#format;
    if (this.#rest.startsWith(start)) {
      this.#state = "open";
      return true;
    }
    if (!start.startsWith(this.#rest)) this.#give(this.#rest.length);
    if (this.#rest === "" && this.#parts.length > 0) this.#state = "text";
    return false;
  }

  #text(): boolean {
    const { trigger } = this.#format;
    if (trigger === "") {
      this.#give(this.#rest.length);
      return false;
    }
    const at = this.#rest.indexOf(trigger);
    if (at >= 0) {
      this.#give(at);
      this.#rest = this.#rest.slice(trigger.length);
      this.#state = "open";
      return true;
    }
    let held = Math.min(trigger.length - 1, this.#rest.length);
    while (held > 0 && !trigger.startsWith(this.#rest.slice(-held))) held--;
    this.#give(this.#rest.length - held);
    return false;
  }

  /** Goes on to a name after the mark. */
  #skipTo(mark: string): boolean {
    if (!this.#rest.startsWith(mark)) return false;
    this.#rest = this.#rest.slice(mark.length);
    this.#state = "name";
    return true;
  }

  #name(): boolean {
    const { middle } = this.#format;
    const end = this.#rest.indexOf(middle);
    if (end < 0) return false;
    const name = this.#rest.slice(0, end);
    this.#parts.push({ kind: "call", index: this.#calls++, id: this.#newId(), name });
    this.#rest = this.#rest.slice(end + middle.length);
    this.#state = "arguments";
    this.#depth = 0;
    return true;
  }

  #arguments(): boolean {
    let end = 0;
    let isDone = false;
    while (end < this.#rest.length && !isDone) isDone = this.#passes(this.#rest[end++] ?? "");
    const text = this.#rest.slice(0, end);
    if (text !== "") this.#parts.push({ kind: "arguments", index: this.#calls - 1, text });
    this.#rest = this.#rest.slice(end);
    if (isDone) this.#state = "between";
    return isDone;
  }

  /** Whether the object ends with this character. */
  #passes(letter: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (letter === "\\") this.#escaped = true;
      else if (letter === '"') this.#inString = false;
      return false;
    }
    if (letter === '"') this.#inString = true;
    else if (letter === "{" || letter === "[") this.#depth++;
    else if (letter === "}" || letter === "]") return --this.#depth === 0;
    return false;
  }

  #give(length: number): void {
    if (length > 0) this.#parts.push({ kind: "text", text: this.#rest.slice(0, length) });
    this.#rest = this.#rest.slice(length);
  }
}
