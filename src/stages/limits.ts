/**
 * Every limit of the stages, with its reason.
 */

/** The protocol of streams between stages. */
export const stageProtocol = "/skep/stage/1";

/** The purpose of the signature of an open (docs/STAGES.md, section 4). */
export const stageOpenPurpose = "stage-open";

/** Entries of a forward or result: sequences that share a step. */
export const frameEntriesMax = 256;

/** Characters of a numeric class's name. */
export const classCharactersMax = 64;

/** Bytes of an open's JSON: 256 stages fit. */
export const openBytesMax = 64 * 1024;

/** Links of one frame: a context of 131,072 positions. */
export const frameLinksMax = 4096;

/** Bytes of a link, of a digest and of a key. */
export const linkBytes = 32;

/** Positions of a link: a page, section 7.2 of the numeric class. */
export const linkPositions = 32;

/** UTF-8 bytes of a refusal's sentence. */
export const sentenceBytesMax = 512;

/** Values of one row of a forward: the widest hidden state that a frame has room for. */
export const rowValuesMax = 1 << 18;

/** Values of one result in all its frames: 256 MiB. */
export const resultValuesMax = 1 << 26;

/** A computing stage tells its requesters that it lives, this often. */
export const beatMs = 500;

/** Without any sign of a step for this long, the requester asks who still lives: three beats. */
export const silenceMs = 1500;

/** Who has not answered within this time is lost: two beats. */
export const probeMs = 1000;

/** A peer that was lost is not asked again for this long. */
export const excludedMs = 5000;

/** A step waits for so long for somebody to take a lost stage's place. */
export const rebuildMsDefault = 30_000;

/** While nobody can, this is how often the router is asked. */
export const routeRetryMs = 250;

/** Bytes of rows that a session may have under way on one edge: four of the longest frames. */
export const windowBytesDefault = 4 * 1024 * 1024;

/** Sessions of one peer. */
export const sessionsPerPeerDefault = 64;

/** Sessions of all peers. */
export const sessionsDefault = 1024;

/** Bytes of rows that wait for the executor, of one peer: more is refused. */
export const queuedBytesPerPeerDefault = 64 * 1024 * 1024;

/** Rows of one step of a stage: more make no step more efficient, and others wait for it. */
export const stepRowsMax = 256;

/** Rows of one frame of a prompt: the next stage begins while this one computes the next rows. */
export const chunkRowsDefault = 64;

/** Frames that a peer may send that cannot be read, before its stream is reset. */
export const malformedFramesMax = 16;

/** How long an open, a truncation or a stream may take to be answered. */
export const answerMs = 5000;
