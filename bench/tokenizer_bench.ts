/**
 * How many bytes a second does the tokeniser encode, and how many tokens does it turn into text?
 *
 * Expected: most of a megabyte a second for words, and no fall for a text without spaces, where merging pair by pair
 * would be quadratic.
 */
import { embeddedModel, loadTokenizer, openGguf } from "../src/model/mod.ts";
import { checksumOf, measure, small } from "./_measure.ts";

const TEXT_CHARACTERS = small ? 1_000 : 100_000;

const tokenizer = loadTokenizer(await openGguf(embeddedModel()));
const story = "Once upon a time, there was a little girl named Lily. ";
const texts = {
  story: story.repeat(Math.ceil(TEXT_CHARACTERS / story.length)).slice(0, TEXT_CHARACTERS),
  "one word": "abcdefg".repeat(Math.ceil(TEXT_CHARACTERS / 7)).slice(0, TEXT_CHARACTERS),
};

for (const [name, text] of Object.entries(texts)) {
  const bytes = new TextEncoder().encode(text);
  const tokens = tokenizer.encode(text);
  await measure({
    name: `encode ${name} ${TEXT_CHARACTERS}`,
    unit: "byte",
    run: () => {
      const ids = tokenizer.encode(text);
      const checksum = checksumOf(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
      return { count: bytes.length, checksum };
    },
  });
  await measure({
    name: `decode ${name} ${tokens.length}`,
    unit: "token",
    run: () => ({
      count: tokens.length,
      checksum: checksumOf(new TextEncoder().encode(tokenizer.decode(tokens))),
    }),
  });
}
