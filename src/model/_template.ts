/**
 * Running a chat template within bounds.
 *
 * The language is @huggingface/jinja's; this file gives it a budget (a hostile template may loop for
 * ever), its own `range` and `raise_exception`, and no clock but the one handed in.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { ModelError, quoteForMessage } from "./errors.ts";
import {
  RENDERED_UNITS_MAX,
  TEMPLATE_ITEMS_MAX,
  TEMPLATE_UNITS_MAX,
  TEMPLATE_WORK_MAX,
} from "./limits.ts";
import { formatTime } from "./_strftime.ts";

/** A parsed template. */
type Program = ReturnType<typeof parse>;
type Evaluated = ReturnType<Interpreter["evaluate"]>;

/** Work of one string: a unit for so many UTF-16 units. */
const STRING_UNITS_PER_WORK = 32;
/** Work of one array: a unit for so many items. */
const ITEMS_PER_WORK = 128;

/**
 * Renders `template` with `variables`.
 *
 * @param options `nowMs` (Unix milliseconds) defines `strftime_now`, which is undefined without it
 * @throws {ModelError} `bad-template` when it does not parse, fails, or exceeds its budget;
 * `bad-messages` when it calls `raise_exception`
 */
export function runTemplate(
  template: string,
  options: { variables: Readonly<Record<string, unknown>>; nowMs?: number | undefined },
): string {
  const program = parseTemplate(template);
  const environment = globals(options.nowMs);
  try {
    for (const [name, value] of Object.entries(options.variables)) environment.set(name, value);
    const { value } = new BoundedInterpreter(environment).run(program);
    if (typeof value === "string") return value;
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw failure(cause, "fails");
  }
  throw new ModelError("bad-template", "Cannot render the chat as the template yields no text");
}

function parseTemplate(template: string): Program {
  if (template.length > TEMPLATE_UNITS_MAX) {
    throw new ModelError(
      "bad-template",
      `Cannot render the chat as its template must be at most ${TEMPLATE_UNITS_MAX} UTF-16 units:` +
        ` current length is ${template.length}`,
    );
  }
  try {
    return parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw failure(cause, "does not parse");
  }
}

function failure(cause: unknown, what: string): ModelError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "bad-template",
    `Cannot render the chat as the template ${what}: ${quoteForMessage(said)}`,
    { cause },
  );
}

/** The names that every chat template may rely on. */
function globals(nowMs: number | undefined): Environment {
  const environment = new Environment();
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null };
  for (const [name, value] of Object.entries(constants)) environment.set(name, value);
  environment.set("range", range);
  environment.set("raise_exception", (message: unknown): never => {
    throw new ModelError(
      "bad-messages",
      `Cannot render the chat as the template refuses its messages: ${
        quoteForMessage(String(message))
      }`,
    );
  });
  if (nowMs !== undefined) {
    environment.set("strftime_now", (format: unknown): string => formatTime(nowMs, String(format)));
  }
  return environment;
}

/** Python's `range`, with a bound on its length. */
function range(...bounds: unknown[]): number[] {
  const numbers = bounds.filter((bound) => typeof bound === "number");
  const [first = 0, second, step = 1] = numbers;
  const start = second === undefined ? 0 : first;
  const stop = second ?? first;
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= TEMPLATE_ITEMS_MAX)) {
    throw new RangeError(
      `Cannot make a range as it must have at most ${TEMPLATE_ITEMS_MAX} items: it has ${length}`,
    );
  }
  return Array.from({ length }, (_, i) => start + i * step);
}

/** Counts work at every evaluated expression, and bounds what each may yield. */
class BoundedInterpreter extends Interpreter {
  #workLeft = TEMPLATE_WORK_MAX;

  override evaluate(...args: Parameters<Interpreter["evaluate"]>): Evaluated {
    this.#charge(1);
    const result = super.evaluate(...args);
    const { value } = result;
    if (typeof value === "string") {
      this.#limit(value.length, RENDERED_UNITS_MAX, "text");
      this.#charge(value.length / STRING_UNITS_PER_WORK);
    } else if (Array.isArray(value)) {
      this.#limit(value.length, TEMPLATE_ITEMS_MAX, "array");
      this.#charge(value.length / ITEMS_PER_WORK);
    }
    return result;
  }

  #charge(work: number): void {
    this.#workLeft -= work;
    if (this.#workLeft < 0) {
      throw new ModelError(
        "bad-template",
        "Cannot render the chat as the template needs too much work for these messages",
      );
    }
  }

  #limit(length: number, lengthMax: number, what: string): void {
    if (length <= lengthMax) return;
    throw new ModelError(
      "bad-template",
      `Cannot render the chat as the template makes ${what} above ${lengthMax}: current length is ${length}`,
    );
  }
}
