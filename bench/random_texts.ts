/** Random texts that try tokenizers: words, digits, marks, white space, scripts, any code point. */

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PHRASES: readonly string[] = [
  "Hello world",
  "the quick brown fox",
  "don't they'LL we'Ve I'm he'S you'd 'RE 't",
  "function(x) { return x*2; }",
  "https://example.org/a?b=c&d=%20",
  "MixedCaseWords HTTPServer iPhoneXS",
  "1234567890",
  "3.14159",
  "12,345,678",
  "\u00bd\u00b2\u0663\u0968\u2167",
  "\u4f60\u597d\u4e16\u754c",
  "\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca",
  "\uc548\ub155\ud558\uc138\uc694",
  "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",
  "\u0645\u0631\u062d\u0628\u0627\u060c \u0645\u0640\u064e\u0631\u0652",
  "\u0928\u092e\u0938\u094d\u0924\u0947\u0964",
  "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
  "Ti\u1ebfng Vi\u1ec7t e\u0301a\u0308o\u0302",
  "\u0130I\u0131\u1e9e\u00df\u03a3\u03c2\u01c5",
  "\u{1f999}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u{1f3fd}\ufe0f",
  "\uff21\uff42\uff13\uff01\u3000\uff5e\u3002\u3001",
  "\u2018q\u2019 \u201cw\u201d \u2026 \u2014 \u00ab\u00bb",
  "$+<=>^`|~#%&*@\\_",
  "<|im_start|><|endoftext|></s><s><unk>[CLS][SEP]<0x0A>",
  "\u2581\u0120\u010a",
];
const SPACES: readonly string[] = [
  " ",
  "  ",
  "     ",
  "\n",
  "\r\n",
  "\n\n",
  "\t",
  " \n ",
  "\n  \n",
  "\u00a0",
  "\u3000",
  "\u2028",
  "\u0085",
  "\v\f",
  "\u200b",
  "\ufeff",
];

/** A random text of up to some hundred characters, well formed and without U+0000. */
export function randomText(random: () => number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const parts: string[] = [];
  for (let count = 1 + Math.floor(random() * 12); count > 0; count--) {
    const kind = random();
    if (kind < 0.35) parts.push(part(pick(PHRASES), random));
    else if (kind < 0.6) parts.push(pick(SPACES));
    else if (kind < 0.7) parts.push(String(Math.floor(random() * 1e9)));
    else if (kind < 0.8) {
      parts.push(String.fromCharCode(0x21 + Math.floor(random() * 94)));
    } else if (kind < 0.95) {
      parts.push(String.fromCodePoint(randomPoint(random)));
    } else {parts.push(
        pick(["a", "A", "1", " ", "\n", ".", "\u00e9"]).repeat(random() * 40),
      );}
  }
  return parts.join("");
}

/** A cut of a phrase, at code points. */
function part(phrase: string, random: () => number): string {
  const points = [...phrase];
  const from = random() < 0.5 ? 0 : Math.floor(random() * points.length);
  return points.slice(from, from + 1 + Math.floor(random() * points.length))
    .join("");
}

/** Any code point that text can have, those of the first planes more often. */
function randomPoint(random: () => number): number {
  const limit = [
    0x180,
    0x800,
    0x3100,
    0x10000,
    0x20000,
    0x110000,
  ][Math.floor(random() * 6)] ?? 1;
  const point = 1 + Math.floor(random() * (limit - 1));
  return point >= 0xd800 && point <= 0xdfff ? 0x4e00 + point % 0x1000 : point;
}
