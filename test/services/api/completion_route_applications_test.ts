// Goal: the bodies that widespread applications send are answered. Method: literal bodies; only
// "model" is ours. LangChain's are written down from its source; Open WebUI's from what is publicly
// said of it, not captured from a running one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const model = "stories260K";

const bodies: Readonly<Record<string, string>> = {
  "LangChain Python, ChatOpenAI.invoke()":
    `{"messages":[{"content":"You tell stories.","role":"system"},{"content":"Once","role":"user"}],"model":"${model}","max_completion_tokens":8,"temperature":0.7}`,
  "LangChain Python, older, with n and stop":
    `{"messages":[{"role":"user","content":"Once"}],"model":"${model}","max_tokens":8,"n":1,"temperature":0.7,"stream":false,"stop":["\\nObservation:"]}`,
  "LangChain Python, ChatOpenAI.stream()":
    `{"messages":[{"content":"Once","role":"user"}],"model":"${model}","max_completion_tokens":8,"stream":true,"stream_options":{"include_usage":true}}`,
  "LangChain Python, a conversation with an answer of ours in it":
    `{"messages":[{"content":"Once","role":"user"},{"content":"upon a time","role":"assistant"},{"content":[{"type":"text","text":"and"}],"role":"user","name":"ann"}],"model":"${model}","max_tokens":8,"presence_penalty":0,"frequency_penalty":0,"top_p":1,"logprobs":false}`,
  "LangChain Python, OpenAI.invoke() (completions)":
    `{"model":"${model}","prompt":["Once"],"frequency_penalty":0,"logit_bias":null,"max_tokens":8,"n":1,"presence_penalty":0,"seed":null,"temperature":0.7,"top_p":1}`,
  "LangChain JS, ChatOpenAI.invoke()":
    `{"model":"${model}","temperature":0.7,"top_p":1,"frequency_penalty":0,"presence_penalty":0,"n":1,"stream":false,"max_tokens":8,"messages":[{"role":"user","content":"Once"}]}`,
  "LangChain JS, ChatOpenAI.stream()":
    `{"model":"${model}","stream":true,"stream_options":{"include_usage":true},"max_tokens":8,"messages":[{"role":"system","content":"You tell stories."},{"role":"user","content":"Once"}]}`,
  "Open WebUI, a chat":
    `{"stream":true,"model":"${model}","messages":[{"role":"user","content":"Once"}],"max_tokens":8}`,
  "Open WebUI, a chat with usage and model parameters":
    `{"stream":true,"model":"${model}","messages":[{"role":"system","content":"You tell stories."},{"role":"user","content":"Once"},{"role":"assistant","content":"upon a time"},{"role":"user","content":"and"}],"stream_options":{"include_usage":true},"temperature":0.8,"top_p":0.9,"top_k":40,"min_p":0.05,"repeat_penalty":1.1,"frequency_penalty":0,"presence_penalty":0,"seed":0,"max_tokens":8,"stop":["User:"]}`,
  "Open WebUI, a title for the chat":
    `{"model":"${model}","messages":[{"role":"user","content":"Give a title: Once"}],"stream":false,"max_completion_tokens":8}`,
};

let node: TestNode;

before(async () => {
  node = await startTestNode();
});

after(() => node.stop());

for (const [name, body] of Object.entries(bodies)) {
  test(`${name}: the body is answered`, async () => {
    const path = body.includes('"prompt"') ? "completions" : "chat/completions";
    const response = await fetch(`${node.baseUrl}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-none" },
      body,
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    if (body.includes('"stream":true')) {
      assert.match(text, /data: \[DONE\]\n\n$/);
      assert.equal(text.includes('"usage":{'), body.includes("include_usage"));
    } else {
      assert.match(text, /"finish_reason":"(stop|length)"/);
      assert.match(text, /"total_tokens":\d+/);
    }
  });
}
