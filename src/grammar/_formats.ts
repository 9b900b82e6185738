/**
 * Values of `format` that are held to: those whose texts a grammar tells.
 *
 * Forms: RFC 3339 (dates and times; no 29 February and no leap seconds, which depend on the year),
 * RFC 4122 (UUIDs), RFC 2673 (IPv4), RFC 4291 (IPv6, all eight groups), RFC 1123 (hosts), and the
 * usual part of RFC 5321 (addresses without quotes).
 */
import { parseGrammar } from "./parse_grammar.ts";
import type { Expression } from "./expression.ts";

const source = String.raw`
root ::= date
date ::= [0-9]{4} "-" (
  ("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ("0" [1-9] | [12] [0-9] | "30" | "31")
  | ("04" | "06" | "09" | "11") "-" ("0" [1-9] | [12] [0-9] | "30")
  | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8]))
clock ::= ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]
time ::= clock ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+-] clock)
date-time ::= date "T" time
duration ::= "P" ([0-9]{1,4} "W" | days ("T" times)? | "T" times)
days ::= [0-9]{1,4} ("Y" ([0-9]{1,4} "M" ([0-9]{1,4} "D")?)? | "M" ([0-9]{1,4} "D")? | "D")
times ::= [0-9]{1,4} ("H" ([0-9]{1,4} "M" ([0-9]{1,4} "S")?)? | "M" ([0-9]{1,4} "S")? | "S")
uuid ::= [0-9a-f]{8} ("-" [0-9a-f]{4}){3} "-" [0-9a-f]{12}
octet ::= [0-9] | [1-9] [0-9] | "1" [0-9]{2} | "2" [0-4] [0-9] | "25" [0-5]
ipv4 ::= octet ("." octet){3}
ipv6 ::= [0-9a-f]{1,4} (":" [0-9a-f]{1,4}){7}
label ::= [A-Za-z0-9] ([A-Za-z0-9-]{0,20} [A-Za-z0-9])?
hostname ::= label ("." label){0,5}
word ::= [A-Za-z0-9_+-]{1,24}
email ::= word ("." word){0,1} "@" label ("." label){1,4}
`;

/** Rules by the name of the format, and those that they call. */
export const formatRules: ReadonlyMap<string, Expression> = new Map(
  [...parseGrammar(source).rules].filter(([name]) => name !== "root"),
);

/** Formats that may be asked for. */
export const formats: readonly string[] = [
  "date",
  "time",
  "date-time",
  "duration",
  "uuid",
  "ipv4",
  "ipv6",
  "hostname",
  "email",
];
