/**
 * Names of members that are none of the declared ones: a tree of the declared names, left at each
 * character that does not go on in it. Names are written without escapes, so each has one spelling.
 */
import { complement } from "./code_points.ts";
import { GrammarError } from "./errors.ts";
import { characters, choice, sequence, text } from "./expression.ts";
import type { Expression, Range } from "./expression.ts";
import { json } from "./json_rules.ts";
import { rulesMax } from "./limits.ts";
import type { SchemaContext } from "./_schema_reading.ts";

interface Node {
  readonly children: Map<number, Node>;
  isName: boolean;
  /** What may follow here; set when those below are known. */
  expression: Expression;
}

const needsEscape: readonly Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]];

/** The rest of a key after its opening quote, closing quote included. */
export function keyNotAmong(names: readonly string[], context: SchemaContext): Expression {
  let expression: Expression = choice();
  // Those below a node come before it: names may be longer than a stack is deep.
  for (const node of nodesOf(names).toReversed()) {
    const taken = [...node.children.keys()].map((codePoint): Range => [codePoint, codePoint]);
    const others = characters(...complement([...taken, ...needsEscape]));
    const options: Expression[] = [sequence(others, json.restOfKey)];
    if (!node.isName) options.push(text('"'));
    for (const [codePoint, child] of node.children) {
      const written = characters(
        ...complement([...complement([[codePoint, codePoint]]), ...needsEscape]),
      );
      options.push(sequence(written, child.expression));
    }
    expression = context.addRule("key", choice(...options));
    node.expression = expression;
  }
  return expression;
}

/** All nodes of the names' tree, each before those below it. */
function nodesOf(names: readonly string[]): Node[] {
  const root = newNode();
  const nodes = [root];
  for (const name of names) {
    let node = root;
    for (const character of name) {
      const codePoint = character.codePointAt(0) ?? 0;
      let child = node.children.get(codePoint);
      if (child === undefined) {
        child = newNode();
        node.children.set(codePoint, child);
        if (nodes.push(child) > rulesMax) throw tooLong();
      }
      node = child;
    }
    node.isName = true;
  }
  return nodes;
}

function tooLong(): GrammarError {
  return new GrammarError(
    "too-large",
    `Cannot use the schema as names beside "additionalProperties" must have at most ${rulesMax} characters together`,
  );
}

function newNode(): Node {
  return { children: new Map(), isName: false, expression: choice() };
}
