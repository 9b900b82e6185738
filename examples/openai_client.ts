/**
 * Asks a node by OpenAI's official client, and prints the answer as it is written.
 *
 *     skep up --detach
 *     deno run -A examples/openai_client.ts http://127.0.0.1:7737
 *     node examples/openai_client.ts http://127.0.0.1:7737
 */
import process from "node:process";
import OpenAI from "openai";

const base = process.argv[2] ?? "http://127.0.0.1:7737";
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none" });

const [model] = (await client.models.list()).data;
if (model === undefined) throw new TypeError(`Cannot find a model at ${base}`);

const stream = await client.chat.completions.create({
  model: model.id,
  messages: [{ role: "user", content: "Once upon a time" }],
  max_tokens: 40,
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}
process.stdout.write("\n");
