/** Goal: a ticket survives being copied; one that was cut or mistyped is refused by a sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MembershipError } from "../../src/mesh/mod.ts";
import { encodeTicket, parseTicket, ticketAddressesMax } from "../../src/mesh/ticket.ts";
import { keyOf, runs } from "./_mutations.ts";

const tickets = fc.record({
  issuer: fc.constantFrom(keyOf(1), keyOf(2)),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  addresses: fc.array(fc.string({ maxLength: 60 }), { maxLength: ticketAddressesMax }),
});

function codeOf(text: string): string {
  try {
    parseTicket(text);
  } catch (thrown) {
    assert(thrown instanceof MembershipError, String(thrown));
    assert.match(thrown.message, /^Cannot use the ticket as /);
    return thrown.code;
  }
  return "taken";
}

test("parseTicket() reads what encodeTicket() wrote, also wrapped and in capitals", () => {
  fc.assert(
    fc.property(tickets, fc.integer({ min: 1, max: 80 }), (ticket, width) => {
      const text = encodeTicket(ticket);
      assert.match(text, /^[a-z0-9]+$/, "a double click takes it whole");
      const wrapped = text.replace(new RegExp(`.{${width}}`, "g"), "$&\n  ").toUpperCase();
      for (const form of [text, wrapped]) {
        const read = parseTicket(form);
        assert.equal(read.issuer, ticket.issuer);
        assert.deepEqual([...read.secret], [...ticket.secret]);
        const plain = ticket.addresses.map((address) => address.replace(/\/p2p\/[^/]+$/, ""));
        const utf8 = plain.map((one) => new TextDecoder().decode(new TextEncoder().encode(one)));
        assert.deepEqual(read.addresses, utf8);
      }
    }),
    runs(200),
  );
});

test("parseTicket() says of every cut ticket that it is cut, at every length", () => {
  const addresses = ["/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW", "/dns/attic/tcp/9"];
  const text = encodeTicket({ issuer: keyOf(1), secret: new Uint8Array(32).fill(3), addresses });
  assert.deepEqual(parseTicket(text).addresses, ["/ip4/192.0.2.1/tcp/4001", "/dns/attic/tcp/9"]);
  for (let length = 5; length < text.length; length++) {
    assert.equal(codeOf(text.slice(0, length)), "ticket-cut", String(length));
  }
  assert.throws(() => parseTicket(text.slice(0, 50)), /it has 50 of \d+ characters/);
});

test("parseTicket() refuses every ticket with one character that is another", () => {
  const secret = new Uint8Array(32).fill(3);
  const text = encodeTicket({ issuer: keyOf(1), secret, addresses: ["/ip4/192.0.2.1/tcp/4001"] });
  for (let i = 0; i < text.length; i++) {
    for (const digit of "a7") {
      if (text[i] === digit) continue;
      const typo = text.slice(0, i) + digit + text.slice(i + 1);
      assert.match(codeOf(typo), /^ticket-(cut|malformed)$/, `at ${i}`);
    }
  }
  for (
    const other of [
      "",
      "skep",
      "https://example.org",
      `${text}a`,
      `${text}${text}`,
      "x".repeat(5000),
    ]
  ) {
    assert.match(codeOf(other), /^ticket-(cut|malformed)$/);
  }
});
