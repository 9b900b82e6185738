/**
 * Random JSON schemas of what is held to, bounded so that their longest text is short.
 */

/** Numbers from 0 to 1, exclusive, that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const names = ["id", "name", "a", "ab", "süß", 'q"uote', "x/y~z", "日本", "tags", "n 1"];
const words = ["red", "green", 'say "hi"', "tab\t", "ünï", "", "😀"];
const patterns = ["^[a-z]{1,6}$", "^\\d{3}-\\d{2,4}$", "^(foo|ba[rz])+?$".replace("+?", "{1,2}")];
const formats = ["date", "time", "date-time", "uuid", "ipv4", "email", "duration", "ipv6"];

type Schema = Record<string, unknown>;

/** A random schema. */
export function randomSchema(seed: number): Schema {
  return new SchemaMaker(seeded(seed)).root();
}

class SchemaMaker {
  readonly #random: () => number;
  readonly #definitions: Record<string, Schema> = {};

  constructor(random: () => number) {
    this.#random = random;
  }

  root(): Schema {
    const schema = this.#chance(0.8) ? this.#object(3) : this.#any(2);
    return Object.keys(this.#definitions).length === 0
      ? schema
      : { ...schema, $defs: this.#definitions };
  }

  #any(depth: number): Schema {
    const leaves = [
      () => this.#string(),
      () => this.#integer(),
      () => this.#number(),
      () => ({ type: "boolean" }),
      () => ({ type: "null" }),
      () => ({ enum: this.#some([...words, 1, -2.5, null, true, { k: [1] }], 3) }),
      () => ({ const: this.#one(words) }),
      () => ({ type: ["string", "null"], maxLength: 4 }),
    ];
    const branches = [
      () => this.#object(depth - 1),
      () => this.#array(depth - 1),
      () => ({ anyOf: [this.#any(depth - 1), this.#any(depth - 1), { type: "null" }] }),
      () => this.#tagged(depth - 1),
      () => this.#reference(depth - 1),
      () => ({ allOf: [this.#any(depth - 1)], title: "one", default: 1 }),
    ];
    return this.#one(depth > 0 ? [...leaves, ...branches, ...branches] : leaves)();
  }

  #string(): Schema {
    if (this.#chance(0.2)) return { type: "string", pattern: this.#one(patterns) };
    if (this.#chance(0.2)) return { type: "string", format: this.#one(formats) };
    const maxLength = this.#count(9);
    return this.#chance(0.5)
      ? { type: "string", maxLength }
      : { type: "string", minLength: this.#count(maxLength), maxLength };
  }

  #integer(): Schema {
    const low = this.#count(3000) - 1500;
    const high = low + this.#count(2000);
    return this.#one<Schema>([
      { type: "integer", minimum: low, maximum: high },
      { type: "integer", exclusiveMinimum: low - 1, exclusiveMaximum: high + 1 },
      { type: "integer", minimum: low + 0.5, maximum: high + 1.5 },
      { type: "integer", minimum: low },
      { type: "integer", maximum: high },
      { type: "integer" },
    ]);
  }

  #number(): Schema {
    const low = (this.#count(3000) - 1500) / 100;
    const high = low + this.#count(2000) / 1000;
    return this.#one<Schema>([
      { type: "number", minimum: low, maximum: high },
      { type: "number", exclusiveMinimum: low, exclusiveMaximum: high + 0.001 },
      { type: "number", minimum: low },
      { type: "number", exclusiveMaximum: high },
      { type: "number" },
    ]);
  }

  #array(depth: number): Schema {
    const minItems = this.#count(2);
    const maxItems = minItems + this.#count(2);
    const items = this.#any(depth);
    if (this.#chance(0.7)) return { type: "array", items, minItems, maxItems };
    const prefixItems = [this.#any(depth), this.#any(0)];
    return this.#one<Schema>([
      { type: "array", prefixItems, items, minItems, maxItems: maxItems + 1 },
      { type: "array", prefixItems, items: false },
    ]);
  }

  #object(depth: number): Schema {
    const keys = this.#some(names, 4);
    const properties = Object.fromEntries(keys.map((key) => [key, this.#any(depth)]));
    const required = keys.filter(() => this.#chance(0.6));
    const schema = { type: "object", properties, required };
    if (this.#chance(0.6)) return { ...schema, additionalProperties: false };
    if (this.#chance(0.5)) return schema;
    return {
      ...schema,
      additionalProperties: { type: "integer", minimum: 0, maximum: 9 },
      maxProperties: keys.length,
    };
  }

  #tagged(depth: number): Schema {
    const options = ["circle", "square"].map((kind) => ({
      type: "object",
      properties: { kind: { const: kind }, value: this.#any(depth) },
      required: ["kind"],
      additionalProperties: false,
    }));
    return { oneOf: options };
  }

  #reference(depth: number): Schema {
    const name = `d${Object.keys(this.#definitions).length}`;
    this.#definitions[name] = {};
    this.#definitions[name] = this.#any(depth);
    return { $ref: `#/$defs/${name}` };
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #count(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #one<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.#random() * values.length)];
    if (value === undefined) {
      throw new RangeError("Cannot choose as there is nothing to choose from");
    }
    return value;
  }

  /** One to `most` different values. */
  #some<T>(values: readonly T[], most: number): T[] {
    const count = 1 + this.#count(most - 1);
    return values.toSorted(() => this.#random() - 0.5).slice(0, count);
  }
}
