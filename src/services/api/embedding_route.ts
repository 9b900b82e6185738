/**
 * `POST /v1/embeddings`.
 *
 * Shape: `CreateEmbeddingResponse` of the official `openai` client.
 */
import type { HttpBindings } from "@hono/node-server";
import { encodeHex } from "../../hot/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { decodeBase64 } from "../inference/mod.ts";
import type { Embeddings } from "../inference/mod.ts";
import { ApiError } from "./api_error.ts";
import type { ApiConfig } from "./config.ts";
import { embeddingFields } from "./embedding_fields.ts";
import { readFields } from "./fields.ts";
import { readJson } from "./read_json.ts";

/** What answering needs. */
export interface EmbeddingOptions {
  readonly host: Host;
  readonly config: ApiConfig;
}

/**
 * Answers one request; the client's going away ends its computation.
 *
 * @throws {ApiError}
 */
export async function answerEmbeddings(
  env: HttpBindings,
  { host, config }: EmbeddingOptions,
): Promise<Response> {
  try {
    const body = await readJson(env.incoming, { bytesMax: config.bodyBytesMax });
    const values = readFields(embeddingFields, body);
    const id = encodeHex(host.random.fill(new Uint8Array(12)));
    const abort = new AbortController();
    env.outgoing.once("close", () => abort.abort());
    const { dimensions } = values;
    const params = {
      requestId: `emb-${id}`,
      model: values.model ?? "",
      texts: values.input ?? [],
      ...(dimensions === undefined ? {} : { dimensions }),
    };
    const answer = await host.call("inference", "embed", params, abort.signal) as Embeddings;
    const asNumbers = values.encoding_format !== "base64";
    const headers = { "x-request-id": params.requestId };
    return Response.json(embeddingBody(answer, asNumbers), { headers });
  } catch (thrown) {
    throw ApiError.from(thrown, paramOf);
  }
}

/** The request field for a parameter of the inference service. */
function paramOf(field: string): string {
  return field === "texts" || field === "prompt" ? "input" : field;
}

function embeddingBody(
  { model, embeddings, promptTokens }: Embeddings,
  asNumbers: boolean,
): unknown {
  return {
    object: "list",
    data: embeddings.map((embedding, index) => ({
      object: "embedding",
      index,
      embedding: asNumbers ? floatsOf(embedding) : embedding,
    })),
    model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

function floatsOf(base64: string): number[] {
  const bytes = decodeBase64(base64);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, at) => view.getFloat32(at * 4, true));
}
