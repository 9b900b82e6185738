/**
 * How a model writes the calls of tools: told from its chat template, which shows the model its own
 * earlier calls in that form.
 *
 * Forms: Hermes and Qwen (`<tool_call>` around each call), Mistral (`[TOOL_CALLS]` before a list, or
 * before each call with `[ARGS]` in it), Phi (`<|tool_call|>` around a list), Llama 3 (bare JSON with
 * "parameters"), and bare JSON with "arguments" for templates that show tools and none of these marks.
 */

/**
 * One form: `open`, a call, then `between` and a call as often as there are more, `close`. A call is
 * `start`, its name, `middle`, its arguments as JSON, `end`.
 */
export interface ToolFormat {
  readonly name: "hermes" | "mistral" | "mistral-args" | "phi" | "llama3" | "json";
  /**
   * What begins calls wherever it is in an answer; "" when an answer that is a call begins with the
   * call itself.
   */
  readonly trigger: string;
  /** Begins with the trigger. */
  readonly open: string;
  readonly between: string;
  readonly close: string;
  readonly start: string;
  readonly middle: string;
  readonly end: string;
}

/** A call as a JSON object. */
const object = { start: '{"name": "', middle: '", "arguments": ', end: "}" };

const hermes: ToolFormat = {
  name: "hermes",
  trigger: "<tool_call>",
  open: "<tool_call>\n",
  between: "\n</tool_call>\n<tool_call>\n",
  close: "\n</tool_call>",
  ...object,
};

const mistral: ToolFormat = {
  name: "mistral",
  trigger: "[TOOL_CALLS]",
  open: "[TOOL_CALLS][",
  between: ", ",
  close: "]",
  ...object,
};

const mistralArgs: ToolFormat = {
  name: "mistral-args",
  trigger: "[TOOL_CALLS]",
  open: "[TOOL_CALLS]",
  between: "[TOOL_CALLS]",
  close: "",
  start: "",
  middle: "[ARGS]",
  end: "",
};

const phi: ToolFormat = {
  name: "phi",
  trigger: "<|tool_call|>",
  open: "<|tool_call|>[",
  between: ", ",
  close: "]<|/tool_call|>",
  ...object,
};

const llama3: ToolFormat = {
  name: "llama3",
  trigger: "",
  open: "",
  between: "; ",
  close: "",
  ...object,
  middle: '", "parameters": ',
};

const json: ToolFormat = { ...llama3, ...object, name: "json", between: "\n" };

/**
 * The form that goes with a template.
 *
 * @returns undefined for a template that has no place for tools
 */
export function toolFormat(template: string | undefined): ToolFormat | undefined {
  if (template === undefined || !/\btools\b/.test(template)) return undefined;
  if (template.includes(hermes.trigger)) return hermes;
  if (template.includes(mistral.trigger)) {
    return template.includes(mistralArgs.middle) ? mistralArgs : mistral;
  }
  if (template.includes(phi.trigger) || template.includes("<|tool|>")) return phi;
  const isLlama = /<\|python_tag\|>|ipython|"parameters"|'parameters'/.test(template);
  return isLlama ? llama3 : json;
}
