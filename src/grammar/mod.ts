/**
 * Holding a model's output to a grammar or a JSON schema.
 *
 * @module
 */
export { GrammarError } from "./errors.ts";
export type { GrammarErrorCode } from "./errors.ts";
export { characters, choice, empty, nothing, repeat, rule, sequence, text } from "./expression.ts";
export type { Expression, Grammar, Range } from "./expression.ts";
export { parseGrammar } from "./parse_grammar.ts";
export { schemaGrammar } from "./json_schema.ts";
export { isNestedDeeper } from "./nesting.ts";
export { grammarUnitsMax, nestingMax } from "./limits.ts";
export { json, jsonObjectGrammar, jsonRules, listOf } from "./json_rules.ts";
export { vocabularySlices, vocabularyTree } from "./vocabulary.ts";
export type { VocabularyOptions, VocabularyTree } from "./vocabulary.ts";
export { compileGrammar } from "./matcher.ts";
export type { CompiledGrammar, CompileOptions, Matcher } from "./matcher.ts";
