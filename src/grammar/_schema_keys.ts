/**
 * Names of members that are none of the declared ones: a tree of the declared names, left at each
 * character that does not go on in it. Names are written without escapes, so each has one spelling.
 */
import { complement } from "./code_points.ts";
import { characters, choice, repeat, sequence, text } from "./expression.ts";
import type { Expression, Range } from "./expression.ts";
import { plainCharacters } from "./json_rules.ts";
import type { SchemaContext } from "./_schema_reading.ts";

interface Node {
  readonly children: Map<number, Node>;
  isName: boolean;
}

const needsEscape: readonly Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]];

/** The rest of a key after its opening quote, closing quote included. */
export function keyNotAmong(
  names: readonly string[],
  { path, context }: { readonly path: string; readonly context: SchemaContext },
): Expression {
  const root: Node = { children: new Map(), isName: false };
  for (const name of names) {
    let node = root;
    for (const character of name) {
      const codePoint = character.codePointAt(0) ?? 0;
      const child: Node = node.children.get(codePoint) ?? { children: new Map(), isName: false };
      node.children.set(codePoint, child);
      node = child;
    }
    node.isName = true;
  }
  const free = context.addRule("json-key", sequence(repeat(plainCharacters, 0), text('"')));
  let count = 0;
  const expressionOf = (node: Node): Expression => {
    const taken = [...node.children.keys()].map((codePoint): Range => [codePoint, codePoint]);
    const others = characters(...complement([...taken, ...needsEscape]));
    const options: Expression[] = [sequence(others, free)];
    if (!node.isName) options.push(text('"'));
    for (const [codePoint, child] of node.children) {
      const written = characters(
        ...complement([...complement([[codePoint, codePoint]]), ...needsEscape]),
      );
      options.push(sequence(written, expressionOf(child)));
    }
    return context.addRule(`key ${path} ${count++}`, choice(...options));
  };
  return expressionOf(root);
}
