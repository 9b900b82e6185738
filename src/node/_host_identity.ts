/** The node's identity, as services get it. */
import { encodeHex } from "../hot/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { headPurpose } from "../journal/mod.ts";
import type { HostIdentity } from "../kernel/mod.ts";

/** Lines and heads of the journal are signed by the journal alone, or any service could make one. */
const reserved: readonly string[] = ["journal", headPurpose];

/** What services may know and have signed. */
export function hostIdentity(identity: Identity): HostIdentity {
  return {
    hid: identity.hid,
    key: encodeHex(identity.publicKey),
    // Not async: what is refused is refused by a rejection all the same.
    sign: (purpose, bytes) =>
      new Promise((resolve) => {
        if (reserved.includes(purpose)) {
          throw new SyntaxError(
            `Cannot sign as 'purpose' must not be the journal's: current value is "${purpose}"`,
          );
        }
        resolve(identity.sign(purpose, bytes));
      }),
  };
}
