/** A stranger's program: boots a node by the library, asks it through the official client, stops. */
import { run } from "@skep/skep";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";

const home = mkdtempSync(join(tmpdir(), "sk-"));
try {
  const node = await run({ api: { listen: "127.0.0.1:0" } }, { home, configFile: false });
  const client = new OpenAI({ baseURL: `${node.addresses.api}/v1`, apiKey: "none" });
  const { data } = await client.models.list();
  const completion = await client.chat.completions.create({
    model: data[0].id,
    max_tokens: 8,
    temperature: 0,
    messages: [{ role: "user", content: "Once upon a time" }],
  });
  console.log(`answer: ${JSON.stringify(completion.choices[0].message.content)}`);
  await node.stop();
} finally {
  rmSync(home, { recursive: true, force: true });
}
