/**
 * From what a request asks its answer to be, to a grammar that is ready: JSON, a schema, a grammar
 * of its own, or tool calls.
 */
import {
  GrammarError,
  isNestedDeeper,
  jsonObjectGrammar,
  nestingMax,
  parseGrammar,
  schemaGrammar,
} from "../../grammar/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import { chatTemplate, toolFormat } from "../../model/mod.ts";
import type { ToolFormat } from "../../model/mod.ts";
import type { StoredGrammar } from "./grammar_store.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { GenerateParams } from "./schemas.ts";
import { toolGrammar } from "./tool_grammar.ts";

/** What an answer is held to. */
export interface Constraint {
  readonly grammar: StoredGrammar;
  /** The parameter that says so. */
  readonly field: string;
  /** Control tokens that are text in this answer. */
  readonly spelled: ReadonlyMap<number, string>;
  /** The form of tool calls in it. */
  readonly toolFormat: ToolFormat | undefined;
}

/** What of a request says what its answer is held to. */
export type ConstraintParams = Pick<GenerateParams, "format" | "toolCalls" | "prompt">;

/** What of a model that takes. */
export type ConstraintModel = Pick<LoadedModel, "file" | "tokenizer" | "grammars">;

/**
 * Finds what the answer is held to.
 *
 * @returns undefined for an answer that may be anything
 * @throws {RpcError} "invalidParams" with the field in `data`
 */
export function constraintOf(
  params: ConstraintParams,
  model: ConstraintModel,
): Constraint | undefined {
  const { format, toolCalls } = params;
  if (toolCalls !== undefined) return toolConstraint(params, model);
  if (format === undefined) return undefined;
  const field = format.kind === "grammar" ? "grammar" : "format";
  if (isNestedDeeper(format, nestingMax)) {
    throw invalid(field, `Cannot use the schema as it must be nested at most ${nestingMax} deep`);
  }
  const grammar = guarded(field, () =>
    model.grammars.get({
      key: JSON.stringify(format),
      grammar: () => {
        switch (format.kind) {
          case "json":
            return jsonObjectGrammar;
          case "schema":
            return schemaGrammar(format.schema);
          case "grammar":
            return parseGrammar(format.grammar);
        }
      },
    }));
  return { grammar, field, spelled: new Map(), toolFormat: undefined };
}

function toolConstraint(
  params: ConstraintParams,
  model: ConstraintModel,
): Constraint | undefined {
  const { toolCalls, format, prompt } = params;
  if (toolCalls === undefined || prompt.kind !== "chat") return undefined;
  const { choice, name, parallel } = toolCalls;
  const form = toolFormat(chatTemplate(model.file, { tools: true }));
  if (form === undefined) {
    throw invalid("tools", "Cannot use tools as the model's chat template has no place for them");
  }
  if (format !== undefined) {
    throw invalid("tools", "Cannot use tools together with a format or a grammar of the answer");
  }
  const tools = prompt.tools.filter((tool) => name === undefined || tool.name === name);
  if (tools.length === 0) {
    throw invalid("toolCalls", `Cannot call "${name}" as it must be the name of one of the tools`);
  }
  const { vocabularySize } = model.tokenizer;
  const marks = model.tokenizer.specialTokens.filter(({ id, text, kind }) =>
    kind === "control" && id < vocabularySize && text !== "" &&
    (text === form.trigger || text === form.middle || form.close.endsWith(text)) &&
    !model.tokenizer.isEndOfGeneration(id)
  );
  const spelled = new Map(marks.map(({ id, text }) => [id, text] as const));
  const required = choice === "required";
  const grammar = guarded("tools", () =>
    model.grammars.get({
      key: JSON.stringify(["tools", form.name, required, parallel, tools]),
      grammar: () => toolGrammar({ format: form, tools, required, parallel }),
      spelled,
    }));
  return { grammar, field: "tools", spelled, toolFormat: form };
}

/**
 * Runs what may find that a grammar cannot be held to.
 *
 * @throws {RpcError} "invalidParams" for a `GrammarError`
 */
export function guarded<T>(field: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    if (!(thrown instanceof GrammarError)) throw thrown;
    const { code, message, path } = thrown;
    throw new RpcError({
      kind: "invalidParams",
      message,
      data: { field, code: `grammar_${code.replaceAll("-", "_")}`, path },
      cause: thrown,
    });
  }
}

function invalid(field: string, message: string): RpcError {
  return new RpcError({ kind: "invalidParams", message, data: { field } });
}
