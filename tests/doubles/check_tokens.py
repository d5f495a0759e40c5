#!/usr/bin/env python3
"""Checks the signed tokens that push servers were sent, with PyJWT.

    check_tokens.py TOKENS [--least COUNT]

TOKENS has one JSON object a line, as the doubles write them (`RINGBACK_TOKEN_RECORD`): `kind` (`apns`, `oauth` or
`vapid`), `token`, `key` (the sender's public key, PEM), `at` (when it was taken, in seconds, by the clock of who took it)
and `expected`, what the token must say. The interpreter that runs this must have PyJWT with cryptography.
"""

import argparse
import collections
import json
import pathlib
import sys

import jwt

# Two machines' clocks are never quite the same.
SKEW_S = 5
DAY_S = 24 * 3600
HOUR_S = 3600
ALGORITHMS = {"apns": "ES256", "oauth": "RS256", "vapid": "ES256"}
HEADERS = {"apns": {"alg", "kid", "typ"}, "oauth": {"alg", "kid", "typ"}, "vapid": {"alg", "typ"}}
CLAIMS = {
    "apns": {"iss", "iat"},
    "oauth": {"iss", "scope", "aud", "iat", "exp"},
    "vapid": {"aud", "exp", "sub"},
}
# By RFC 8292 a VAPID token may say when it was made; the other two have exactly the claims above.
ALSO = {"apns": set(), "oauth": {"sub"}, "vapid": {"iat", "nbf"}}


def errors(entry):
    """Yields a sentence for everything that is wrong with a token."""
    kind, expected, at = entry["kind"], entry["expected"], entry["at"]
    try:
        header = jwt.get_unverified_header(entry["token"])
        claims = jwt.decode(
            entry["token"],
            entry["key"],
            algorithms=[ALGORITHMS[kind]],
            audience=expected.get("aud"),
            issuer=expected.get("iss"),
            # The instant that counts has passed: the times are looked at below.
            options={"require": sorted(CLAIMS[kind]), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidTokenError as error:
        yield f"{type(error).__name__}: {error}"
        return
    if header.get("typ", "JWT") != "JWT":
        yield f"typ is {header['typ']}"
    if "kid" in expected and header.get("kid") != expected["kid"]:
        yield "kid is another"
    for name in sorted(set(header) - HEADERS[kind]):
        yield f"the header has {name}"
    for name in sorted(set(claims) - CLAIMS[kind] - ALSO[kind]):
        yield f"the claims have {name}"
    if "scope" in expected and claims["scope"] != expected["scope"]:
        yield "scope is another"
    yield from time_errors(kind, claims, at)
    if kind == "vapid" and not str(claims["sub"]).startswith(("mailto:", "https:")):
        yield "sub is no way to reach anybody"


def time_errors(kind, claims, at):
    times = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
    for name, time in times.items():
        if not isinstance(time, int) or isinstance(time, bool):
            yield f"{name} is no integer"
            return
    if times.get("iat", at) > at + SKEW_S:
        yield "iat is in the future"
    if kind == "apns" and at - times["iat"] > HOUR_S:
        yield "older than an hour"
    if kind == "oauth" and not 0 < times["exp"] - times["iat"] <= HOUR_S:
        yield "exp is more than an hour after iat"
    if "exp" in times and not at < times["exp"] <= at + DAY_S:
        yield "exp is past, or more than a day ahead"


def check_itself():
    """A check that finds nothing wrong with these would find nothing wrong with anything."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key, stranger = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    at = 1_800_000_000

    def entry(claims, headers=None, signer=key, kind="apns", expected=None):
        return {
            "kind": kind,
            "token": jwt.encode(claims, signer, algorithm="ES256", headers={"kid": "k"} if headers is None else headers),
            "key": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "at": at,
            "expected": expected or {"kid": "k", "iss": "i"},
        }

    good = {"iss": "i", "iat": at}
    vapid = {"aud": "https://a", "exp": at + 60, "sub": "mailto:a@example.com"}

    def of_vapid(**changes):
        return entry({**vapid, **changes}, {}, kind="vapid", expected={"aud": "https://a"})

    padded = entry(good)
    padded["token"] += "="
    assert not list(errors(entry(good))), "a proper provider token is refused"
    assert not list(errors(of_vapid())), "a proper VAPID token is refused"
    for wrong in [
        entry(good, signer=stranger),
        entry(good, headers={"kid": "other"}),
        entry({"iss": "other", "iat": at}),
        entry({"iss": "i"}),
        entry({"iss": "i", "iat": at + 60}),
        entry({"iss": "i", "iat": at - 3700}),
        entry({**good, "exp": at + 60}),
        padded,
        of_vapid(aud="https://b"),
        of_vapid(exp=at),
        of_vapid(exp=at + DAY_S + 1),
        of_vapid(sub="a@example.com"),
    ]:
        assert list(errors(wrong)), f"{wrong} is let through"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=pathlib.Path, help="one JSON object a line")
    parser.add_argument("--least", type=int, default=1, help="fail if there are fewer of a kind")
    arguments = parser.parse_args()

    check_itself()
    kinds = collections.Counter({kind: 0 for kind in ALGORITHMS})
    wrong = 0
    for number, line in enumerate(arguments.tokens.read_text(encoding="utf-8").splitlines(), start=1):
        entry = json.loads(line)
        kinds[entry["kind"]] += 1
        for error in errors(entry):
            wrong += 1
            print(f"{arguments.tokens}:{number}: {entry['kind']}: {error}", file=sys.stderr)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{counts} tokens by PyJWT {jwt.__version__}: {wrong} errors")
    missing = [kind for kind, count in kinds.items() if count < arguments.least]
    if missing:
        sys.exit(f"fewer than {arguments.least} of {', '.join(missing)}: the tests that send them did not run")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
