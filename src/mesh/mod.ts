/**
 * The mesh: who is in it, what its nodes say of themselves, how they find out who is there, and the
 * transports that link them.
 *
 * @module
 */
export {
  capabilitiesBytesMax,
  capabilitiesPatchSchema,
  capabilitiesSchema,
  joinCapabilities,
  logHeadSchema,
  noCapabilities,
  sharedModelsMax,
} from "./capabilities.ts";
export type { Capabilities, CapabilitiesPatch, ModelParts, ModelShare } from "./capabilities.ts";
export { createLibp2pMesh } from "./libp2p/libp2p_mesh.ts";
export type { Libp2pMeshOptions } from "./libp2p/libp2p_mesh.ts";

// --- membership, for the network service ---
export { MembershipError, refusalCodes } from "./membership_error.ts";
export type { RefusalCode } from "./membership_error.ts";
export {
  changeRoster,
  foundRoster,
  membersMax,
  newerRoster,
  openRoster,
  rosterBytesMax,
  signRoster,
} from "./roster.ts";
export type { Roster, RosterChange, SignedRoster, Trust } from "./roster.ts";
export { encodeTicket, parseTicket, secretBytes, ticketAddressesMax } from "./ticket.ts";
export type { Ticket } from "./ticket.ts";
export {
  addInvitation,
  hasLateInvitation,
  invitationsSchema,
  openInvitationCount,
  redeemInvitation,
} from "./invitations.ts";
export type { Invitation } from "./invitations.ts";
export {
  joinAcceptedFrame,
  joinProtocol,
  joinRefusedFrame,
  joinRequestFrame,
  parseJoinAnswer,
  parseJoinRequest,
} from "./join.ts";
export {
  clockSkewMsMax,
  commonVersion,
  conversationVersions,
  greetingFrame,
  helloFrame,
  helloProtocol,
  openHello,
  parseHelloFrame,
  verdictFrame,
} from "./hello.ts";
export type { Hello, HelloExpectation, HelloFrame } from "./hello.ts";
export { cardAddressesMax, isNewerCard } from "./card.ts";
export type { Card } from "./card.ts";
export {
  cardsPerFrameMax,
  encodeRegistryFrame,
  parseCard,
  parseRegistryFrame,
} from "./registry_frames.ts";
export type { RegistryFrame, View, ViewState } from "./registry_frames.ts";
export { bytesOfKey } from "./key_table.ts";
export { FailureDetector } from "./failure_detector.ts";
export type { Consequence, DetectorOptions } from "./failure_detector.ts";
export { formatPeersFile, parsePeersFile, peersFileBytesMax, putPeerRow } from "./peers_file.ts";
export type { PeerRow, PeersFile } from "./peers_file.ts";

// --- the journals of others ---
export {
  logAnswerFrame,
  logHeadsTopic,
  logProtocol,
  logRequestFrame,
  parseHeadMessage,
  parseLogAnswer,
  parseLogRequest,
} from "./log_protocol.ts";
export type { LogAnswer } from "./log_protocol.ts";
export { judgeAnswer, judgeHead, LogHeads, logHeadsSchema } from "./log_heads.ts";
export type { HeadState, LogEvidence, LogFinding, PeerLog } from "./log_heads.ts";
