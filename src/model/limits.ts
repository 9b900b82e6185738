/**
 * Every limit of this area, with its reason. A file above one is refused before anything of that
 * size is allocated.
 */

/** Bytes that the GGUF reader holds at a time while it walks a header. */
export const HEADER_WINDOW_BYTES = 256 * 1024;

/**
 * Longest header (metadata and tensor list). A 256,000-token vocabulary with scores, types and
 * merges is about 16 MiB; eight times that is room enough, and a JavaScript heap can hold it.
 */
export const HEADER_BYTES_MAX = 128 * 1024 * 1024;

/** Most metadata pairs; files in the wild have 20 to 60. */
export const METADATA_PAIRS_MAX = 4096;

/** Longest key, in bytes (the GGUF specification's own bound is 2^16 - 1). */
export const KEY_BYTES_MAX = 65_535;

/** Longest string value, in bytes; chat templates, the longest in the wild, reach some 30 KiB. */
export const STRING_BYTES_MAX = 4 * 1024 * 1024;

/** Most items of one array; merges of the largest vocabularies are below 2^19. */
export const ARRAY_ITEMS_MAX = 4 * 1024 * 1024;

/** Most tensors; 126 layers of 9 tensors make 1,137, and mixtures of unmerged experts reach 10^4. */
export const TENSORS_MAX = 65_536;

/** Longest tensor name, in bytes (the GGUF specification's own bound). */
export const TENSOR_NAME_BYTES_MAX = 64;

/** Most extents of a tensor (ggml's own bound). */
export const TENSOR_EXTENTS_MAX = 4;

/** Smallest and largest `general.alignment`; the specification's default is 32. */
export const ALIGNMENT_BYTES_MIN = 8;
/** See `ALIGNMENT_BYTES_MIN`: a page of the largest kind in use. */
export const ALIGNMENT_BYTES_MAX = 65_536;

/** Most transformer blocks. The deepest published Llama has 126. */
export const LAYERS_MAX = 1024;

/** Widest hidden state, in elements. The widest published Llama has 16,384. */
export const WIDTH_MAX = 65_536;

/** Widest feed-forward network, in elements. The widest published Llama has 53,248. */
export const FFN_WIDTH_MAX = 262_144;

/** Most heads of one layer. */
export const HEADS_MAX = 1024;

/** Widest head, in elements. */
export const HEAD_WIDTH_MAX = 1024;

/** Largest vocabulary; the largest in use have 262,144 tokens. */
export const VOCABULARY_MAX = 1024 * 1024;

/** Most positions of a context that a file may claim to be trained for (10 M in the wild). */
export const CONTEXT_MAX = 16 * 1024 * 1024;

/** Largest RoPE base frequency; 1e9 is the largest in use. */
export const ROPE_BASE_MAX = 1e12;

/** Largest factor by which rotated positions are stretched or magnified; 64 is large in the wild. */
export const ROPE_FACTOR_MAX = 65_536;

/** Longest token of a vocabulary, in UTF-8 bytes; the longest in use are runs of 128 spaces. */
export const TOKEN_BYTES_MAX = 8192;

/** Longest special token that is looked for in a text, in UTF-16 units; 32 is long in the wild. */
export const SPECIAL_TOKEN_UNITS_MAX = 256;

/** Most special (control or user-defined) tokens of a vocabulary; some 6,500 in the wild. */
export const SPECIAL_TOKENS_MAX = 65_536;

/**
 * Longest text that is tokenised at once, in UTF-16 units. The work is O(n log n); the bound keeps its
 * tables (20 to 60 bytes a unit) below 512 MiB.
 */
export const ENCODE_UNITS_MAX = 8 * 1024 * 1024;

/** Longest key of a normalisation map that is looked for, in UTF-8 bytes; some 40 are in use. */
export const CHARSMAP_KEY_BYTES_MAX = 256;

/** Longest replacement of a normalisation map that is taken, in UTF-8 bytes; 33 are in use. */
export const CHARSMAP_REPLACEMENT_BYTES_MAX = 256;

/** Longest chat template, in UTF-16 units. */
export const TEMPLATE_UNITS_MAX = 256 * 1024;

/** Longest text that a chat template may produce, in UTF-16 units. */
export const RENDERED_UNITS_MAX = 8 * 1024 * 1024;

/** Most messages of one chat. */
export const MESSAGES_MAX = 4096;

/**
 * Work that a chat template may cause: one unit for each evaluated expression, and one for every 32
 * characters or 128 array items that it yields. A chat of 1,000 messages costs some 10^5; the whole
 * budget takes less than a second, in which nobody else is served.
 */
export const TEMPLATE_WORK_MAX = 400_000;

/** Longest array that a chat template may make. */
export const TEMPLATE_ITEMS_MAX = 100_000;
