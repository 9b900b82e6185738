/**
 * Every field of `POST /v1/embeddings`.
 *
 * Source of the names: `EmbeddingCreateParams` of the official `openai` npm client, against which a
 * test compares this table.
 */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";
import { textUpTo } from "./field_schemas.ts";
import type { Schema } from "./field_schemas.ts";
import type { Field } from "./fields.ts";
import { embeddingTextsMax, promptTokensMax } from "./limits.ts";

/** A text to embed, or its tokens. */
export type EmbeddingText = string | number[];

const shapeMessage = "it must be a string, an array of token ids, or an array of these";

const emptyMessage = "a text must not be empty";

function isText(value: unknown): value is EmbeddingText {
  if (typeof value === "string") return value !== "";
  return Array.isArray(value) && value.length > 0 && value.length <= promptTokensMax &&
    value.every((id) => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 31);
}

const input: Schema<EmbeddingText[]> = v.pipe(
  v.unknown(),
  v.check((value) => typeof value === "string" || Array.isArray(value), shapeMessage),
  v.transform((value): unknown[] => {
    const isOne = typeof value === "string" ||
      (Array.isArray(value) && typeof value[0] === "number");
    return isOne ? [value] : value as unknown[];
  }),
  v.minLength(1, emptyMessage),
  v.maxLength(embeddingTextsMax, `it may hold at most ${embeddingTextsMax} texts`),
  v.check(
    (texts: unknown[]) =>
      texts.every((text) => text !== "" && !(Array.isArray(text) && text.length === 0)),
    emptyMessage,
  ),
  v.check((texts: unknown[]) => texts.every(isText), shapeMessage),
  v.transform((texts) => texts as EmbeddingText[]),
) as Schema<EmbeddingText[]>;

/** The table. */
export const embeddingFields = {
  model: {
    use: "honoured",
    note: "an id of `GET /v1/models`, of a model that is an encoder",
    required: true,
    schema: textUpTo(256),
  } as Field<string>,
  input: {
    use: "honoured",
    note: `a string, token ids, or up to ${embeddingTextsMax.toLocaleString("en")} of these`,
    required: true,
    schema: input,
  } as Field<EmbeddingText[]>,
  encoding_format: {
    use: "honoured",
    note: "`float` (default) or `base64`, which is of f32, little endian",
    schema: v.picklist(["float", "base64"], "it must be float or base64"),
  } as Field<"float" | "base64">,
  dimensions: {
    use: "honoured",
    note: "only what the model's embeddings have",
    schema: wholeNumber({ from: 1 }),
  } as Field<number>,
  user: {
    use: "identifier",
    note: "up to 512 characters",
    schema: textUpTo(512),
  } as Field<string>,
};
