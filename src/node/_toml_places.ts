/**
 * Finds the line on which each key of a TOML document is written, for messages. It does not check
 * the document: smol-toml has accepted it before. https://toml.io/en/v1.0.0
 */

/** Lines (from 1) by dotted path; array-of-table entries count as "name.0", "name.1" ... */
export function tomlPlaces(text: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const arrays = new Map<string, number>();
  let table: readonly string[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = at;
    const header = /^[ \t]*(\[\[?)([^\n]*?)\]/.exec(text.slice(at, lineEnd(text, at)));
    if (header !== null) {
      table = openTable(splitKey(header[2] ?? ""), { repeated: header[1] === "[[", arrays });
      places.set(table.join("."), line);
      at = lineEnd(text, at) + 1;
    } else {
      const equals = equalsAt(text, at);
      if (equals === undefined) {
        at = lineEnd(text, at) + 1;
      } else {
        places.set([...table, ...splitKey(text.slice(at, equals))].join("."), line);
        at = valueEnd(text, equals + 1) + 1;
      }
    }
    line += newlines(text.slice(start, at));
  }
  return places;
}

/** The line of `path`, or of its nearest ancestor that is written down. */
export function tomlLineOf(places: ReadonlyMap<string, number>, path: string): number | undefined {
  for (let rest = path; rest !== ""; rest = rest.slice(0, Math.max(0, rest.lastIndexOf(".")))) {
    const line = places.get(rest);
    if (line !== undefined) return line;
  }
  return undefined;
}

function openTable(
  path: readonly string[],
  options: { repeated: boolean; arrays: Map<string, number> },
): readonly string[] {
  const name = path.join(".");
  if (!options.repeated) return path;
  const index = options.arrays.get(name) ?? 0;
  options.arrays.set(name, index + 1);
  return [...path, String(index)];
}

/** Where the "=" of the key on this line is; `undefined` for blank lines and comments. */
function equalsAt(text: string, from: number): number | undefined {
  const end = lineEnd(text, from);
  for (let i = from; i < end; i++) {
    const c = text[i];
    if (c === "#") return undefined;
    if (c === "=") return i;
    if (c === '"' || c === "'") i = stringEnd(text, i);
  }
  return undefined;
}

/** Index of the newline that ends the value (brackets closed, strings over), or the text's end. */
function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '"' || c === "'") i = stringEnd(text, i);
    else if (c === "[" || c === "{") depth++;
    else if (c === "]" || c === "}") depth--;
    else if (c === "#") i = lineEnd(text, i) - 1;
    else if (c === "\n" && depth <= 0) return i;
  }
  return text.length;
}

/** Index of the last character of the string that starts at `from`. */
function stringEnd(text: string, from: number): number {
  const quote = text[from] ?? "";
  const triple = quote.repeat(3);
  const closing = text.startsWith(triple, from) ? triple : quote;
  for (let i = from + closing.length; i < text.length; i++) {
    if (quote === '"' && text[i] === "\\") i++;
    else if (text.startsWith(closing, i)) return i + closing.length - 1;
  }
  return text.length;
}

function splitKey(key: string): readonly string[] {
  const parts = key.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^.\s]+/g) ?? [];
  return parts.map((part) => /^["']/.test(part) ? part.slice(1, -1) : part);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function newlines(text: string): number {
  return text.split("\n").length - 1;
}
