/** `skep chat`: asks the running node, or a private one that lives in this process alone. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, flag, option } from "@optique/core/primitives";
import { float, integer, string } from "@optique/core/valueparser";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import { named, ruled } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";

const stopText = ruled({
  metavar: "TEXT",
  pattern: /^.{1,512}$/s,
  rule: "1 to 512 characters",
});

const samplingOptions = object("Sampling", {
  temperature: optional(option("--temperature", float({ metavar: "T", min: 0, max: 2 }), {
    description: message`0 always takes the likeliest token.`,
  })),
  top_p: optional(option("--top-p", float({ metavar: "P", min: 0, max: 1 }), {
    description: message`Keep the likeliest tokens that together reach this probability.`,
  })),
  top_k: optional(option("--top-k", integer({ metavar: "K", min: 0, max: 2 ** 31 - 1 }), {
    description: message`Keep the K likeliest tokens; 0 keeps all.`,
  })),
  min_p: optional(option("--min-p", float({ metavar: "P", min: 0, max: 1 }), {
    description: message`Keep tokens with at least this share of the likeliest one's probability.`,
  })),
  repeat_penalty: optional(option("--repeat-penalty", float({ metavar: "R", min: 0.1, max: 10 }), {
    description: message`Above 1, tokens that were there already become less likely.`,
  })),
  seed: optional(option("--seed", integer({ metavar: "N", min: 0, max: Number.MAX_SAFE_INTEGER }), {
    description: message`The same seed, model and prompt give the same answer.`,
  })),
  max_tokens: optional(option("--max-tokens", integer({ metavar: "N", min: 1 }), {
    description: message`Stop after so many tokens.`,
  })),
  stop: multiple(
    option("--stop", stopText, {
      description: message`Stop before this text; may be given up to 16 times.`,
    }),
    { max: 16 },
  ),
});

const chatOptions = object("Chat", {
  prompt: optional(argument(string({ metavar: "PROMPT" }), {
    description:
      message`The question. Without it, standard input is the question, or, on a terminal, a conversation begins.`,
  })),
  system: optional(option("--system", string({ metavar: "TEXT" }), {
    description: message`A system message before the conversation.`,
  })),
  model: optional(option("--model", named("MODEL"), {
    description:
      message`A model of the running node or of its mesh, by its name; or a GGUF file, a model that was added, or "embedded", to ask in a private node.`,
  })),
  private: withDefault(
    flag("--private", { description: message`Ask a private node even if one is running.` }),
    false,
  ),
  json: jsonOption,
});

const allOptions = merge(chatOptions, samplingOptions, placeOptions);

/** The parser of `skep chat`. */
export const chatCommand: CommandParser = command(
  "chat",
  map(allOptions, (options) => async (io: CliIo) => {
    const { chat } = await import("./_chat_session.ts");
    return await chat(io, options);
  }),
  {
    brief: message`Ask the model and see the answer as it is written.`,
    description:
      message`Ask the running node. When none is running, a private node answers from within this process and leaves nothing behind. Ctrl-C stops the answer. With --json the answer names the seed and the fingerprint that give it again. In a conversation that no longer fits the model's context the oldest turns are left out.`,
    footer: examples(
      'skep chat "Once upon a time"',
      'skep chat --seed 7 --max-tokens 50 "Tell me a story"',
      'skep chat --model big "Tell me a story"',
      "skep chat --model ./model.gguf < question.txt",
      "skep chat",
    ),
  },
);
