/** The adapter's limits and times, each with its reason. */

/** Between two probes of a link: the fourth that finds silence ends it, so within 600 to 800 ms. */
export const PROBE_INTERVAL_MS = 200;

/** Probes of a link between two looks at whether gossip still has a stream to each peer. */
export const REPAIR_TICKS = 5;

/** Such looks between two attempts, at most: a peer may not allow gossip for as long as it likes. */
export const REPAIR_TURNS_MAX = 32;

/**
 * Silence after which a link is dead, so that a stopped peer is noticed within a second. What this
 * side slept through does not count (see `Prober`).
 */
export const SILENCE_MS_MIN = 700;

/** Silence that a slow link may have: so many round trips. */
export const SILENCE_ROUND_TRIPS = 8;

/** No link may be silent for longer, however slow. */
export const SILENCE_MS_MAX = 3000;

/** A peer that is back so soon after it was silent was slow and not gone: it gets twice the time. */
export const RETURN_MS = 10_000;

/** So many times the least silence, at most: below `SILENCE_MS_MAX`. */
export const PATIENCE_MAX = 4;

/** How long a slow peer gets more time: 5 min. */
export const PATIENCE_MS = 300_000;

/** Probes that a peer may send within one interval; more is a peer that floods. */
export const PROBES_PER_INTERVAL_MAX = 40;

/** Links that one peer may have: TCP and iroh, each dialled by both at once. */
export const LINKS_PER_PEER_MAX = 4;

/** Links in all. */
export const LINKS_MAX = 1024;

/** Connections of one address in a second, before the handshake: many nodes may share an address. */
export const INBOUND_PER_SECOND_MAX = 256;

/** Handshakes under way at once. */
export const HANDSHAKES_MAX = 256;

/** One attempt at one address, from the first packet to the first answered probe. */
export const DIAL_TIMEOUT_MS = 5000;

/** How long TCP is waited for before iroh is dialled too: the first link carries the first streams. */
export const TCP_HEAD_START_MS = 1000;

/** How long closing waits for iroh's farewells; they go on in the background. */
export const IROH_CLOSE_MS = 300;

/** Addresses of one peer that are tried. */
export const DIAL_ADDRESSES_MAX = 16;

/** How long a peer may take to accept a stream. */
export const OPEN_TIMEOUT_MS = 5000;

/** How long a stream that was refused may stay open for the other side to read that. */
export const REFUSAL_MS = 1000;

/** Streams of one protocol that a peer may have open, where its handler says nothing. */
export const STREAMS_PER_PEER_MAX = 32;

/** Streams in one direction of one link, of all protocols together. */
export const STREAMS_PER_LINK_MAX = 1000;

/** Bytes that a peer may have on the way in one stream: below what libp2p buffers of a paused one. */
export const STREAM_WINDOW_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes that libp2p may hold of one stream; it resets a stream that exceeds them. */
export const STREAM_BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/** Gossip that waits for a subscriber. */
export const GOSSIP_QUEUE_MAX = 256;

/** Events that wait for whoever follows them. */
export const EVENT_QUEUE_MAX = 4096;

/** Nodes up to which each answers the hash table's queries; beyond, the eight lowest keys do. */
export const FIND_SERVERS_MAX = 8;

/** Holders that `find` returns. */
export const FOUND_MAX = 64;

/** How long one search may take. */
export const FIND_TIMEOUT_MS = 5000;

/** How often a provided key is told again: records are kept for a day. */
export const PROVIDE_INTERVAL_MS = 60 * 60 * 1000;
