/**
 * How a model writes the calls of tools: told from its chat template, which shows the model its own
 * earlier calls in that form.
 *
 * Forms: Hermes and Qwen (`<tool_call>` around each call), Mistral (`[TOOL_CALLS]` before a list),
 * Phi (`<|tool_call|>` around a list), Llama 3 (bare JSON with "parameters"), and bare JSON with
 * "arguments" for templates that show tools and none of these marks.
 */

/** One form: `open`, a call, then `between` and a call as often as there are more, `close`. */
export interface ToolFormat {
  readonly name: "hermes" | "mistral" | "phi" | "llama3" | "json";
  /**
   * What begins calls wherever it is in an answer; "" when an answer that is a call begins with the
   * call itself.
   */
  readonly trigger: string;
  /** Begins with the trigger. */
  readonly open: string;
  readonly between: string;
  readonly close: string;
  /** The member of a call that has the arguments; "name" has the name. */
  readonly key: "arguments" | "parameters";
}

const hermes: ToolFormat = {
  name: "hermes",
  trigger: "<tool_call>",
  open: "<tool_call>\n",
  between: "\n</tool_call>\n<tool_call>\n",
  close: "\n</tool_call>",
  key: "arguments",
};

const mistral: ToolFormat = {
  name: "mistral",
  trigger: "[TOOL_CALLS]",
  open: "[TOOL_CALLS][",
  between: ", ",
  close: "]",
  key: "arguments",
};

const phi: ToolFormat = {
  name: "phi",
  trigger: "<|tool_call|>",
  open: "<|tool_call|>[",
  between: ", ",
  close: "]<|/tool_call|>",
  key: "arguments",
};

const llama3: ToolFormat = {
  name: "llama3",
  trigger: "",
  open: "",
  between: "; ",
  close: "",
  key: "parameters",
};

const json: ToolFormat = { ...llama3, name: "json", between: "\n", key: "arguments" };

/**
 * The form that goes with a template.
 *
 * @returns undefined for a template that has no place for tools
 */
export function toolFormat(template: string | undefined): ToolFormat | undefined {
  if (template === undefined || !/\btools\b/.test(template)) return undefined;
  if (template.includes(hermes.trigger)) return hermes;
  if (template.includes(mistral.trigger)) return mistral;
  if (template.includes(phi.trigger)) return phi;
  const isLlama = /<\|python_tag\|>|ipython|"parameters"|'parameters'/.test(template);
  return isLlama ? llama3 : json;
}
