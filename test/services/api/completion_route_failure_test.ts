// Goal: an answer that fails in the middle says so. Method: the real executor of the embedded model
// behind a wrapper that fails at its tenth token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { EngineError } from "../../../src/engine/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";
import { engineWithStep } from "../wrapped_engine.ts";

let stepCount = 0;
const failing = engineWithStep((executor, ...call) =>
  ++stepCount < 10 ? executor.step(...call) : Promise.reject(
    new EngineError({
      code: "not-a-number",
      message: "Cannot go on as layer 3 is not finite",
    }),
  )
);

let node: TestNode;

before(async () => {
  node = await startTestNode({ engine: failing });
});

after(() => node.stop());

const question = {
  model: "stories260K",
  messages: [{ role: "user" as const, content: "Once" }],
  temperature: 0,
};

async function ask(stream: boolean): Promise<Response> {
  stepCount = 0;
  return await fetch(`${node.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...question, stream }),
  });
}

test("A stream that fails in the middle ends with an event that says why, and without [DONE]", async () => {
  const response = await ask(true);
  assert.equal(response.status, 200);
  const events = (await response.text()).split("\n\n").filter((event) => event !== "");
  const last = JSON.parse((events.at(-1) ?? "").replace(/^data: /, "")) as {
    error: { message: string; type: string; code: string };
  };
  assert.equal(last.error.message, "Cannot go on as layer 3 is not finite");
  assert.deepEqual([last.error.type, last.error.code], ["server_error", "engine_not_a_number"]);
  assert.ok(events.length > 3);
  assert.ok(!events.join().includes("[DONE]"));
  await node.until(
    "the slot is free",
    async () => await node.metric("skep_inference_slots_active") === 0,
  );
});

test("The official client throws at such a stream, after the text so far", async () => {
  stepCount = 0;
  const client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
  let text = "";
  await assert.rejects(async () => {
    const stream = await client.chat.completions.create({ ...question, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  }, /layer 3 is not finite/);
  assert.notEqual(text, "");
});

test("An answer that is not streamed is 500 with the same sentence", async () => {
  const response = await ask(false);
  assert.equal(response.status, 500);
  const { error } = await response.json() as { error: { message: string; code: string } };
  assert.equal(error.code, "engine_not_a_number");
});
