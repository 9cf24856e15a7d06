"""An OpenID Connect issuer for tests: keys that openssl makes, their JWKS, and tokens signed with them."""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, input=None):
    return subprocess.run(["openssl", *words], input=input, capture_output=True, check=True, timeout=60).stdout


def raw_from_der(signature):
    """An ECDSA signature as JOSE has it: two numbers of 32 bytes, out of SEQUENCE { INTEGER, INTEGER }."""
    numbers, at = b"", 2
    for _ in range(2):
        size = signature[at + 1]
        numbers += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


class SigningKey:
    GENERATE = {"RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "EdDSA": ["ED25519"]}

    def __init__(self, directory, kid, algorithm):
        self.kid, self.algorithm = kid, algorithm
        self.path = pathlib.Path(directory, f"{kid}.pem")
        openssl("genpkey", "-out", str(self.path), "-algorithm", *self.GENERATE[algorithm])

    def public_pem(self):
        return openssl("pkey", "-in", str(self.path), "-pubout")

    def jwk(self):
        der = openssl("pkey", "-in", str(self.path), "-pubout", "-outform", "DER")
        key = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "ES256":
            return key | {"kty": "EC", "crv": "P-256", "x": base64url(der[-64:-32]), "y": base64url(der[-32:])}
        if self.algorithm == "EdDSA":
            return key | {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:])}
        modulus = openssl("rsa", "-in", str(self.path), "-noout", "-modulus").decode().strip().split("=")[1]
        return key | {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, text):
        if self.algorithm == "EdDSA":
            message = self.path.with_suffix(".message")  # pkeyutl takes it from a file alone
            message.write_bytes(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(self.path), "-in", str(message))
        signature = openssl("dgst", "-sha256", "-sign", str(self.path), input=text)
        return raw_from_der(signature) if self.algorithm == "ES256" else signature


class Issuer:
    """Writes its keys to `jwks`, and signs tokens."""

    def __init__(self, directory, name="https://id.example", audience="tenure"):
        self.directory, self.name, self.audience = directory, name, audience
        self.keys = {}
        self.jwks = pathlib.Path(directory, "jwks.json")

    def add(self, kid, algorithm):
        self.keys[kid] = SigningKey(self.directory, kid, algorithm)
        return self

    def publish(self, *kids):
        self.jwks.write_text(json.dumps({"keys": [self.keys[kid].jwk() for kid in kids or self.keys]}))
        return self

    def settings(self, **more):
        return {"issuer": self.name, "audience": self.audience, "jwks": str(self.jwks)} | more

    def claims(self, user, **more):
        now = int(time.time())
        return {"iss": self.name, "aud": self.audience, "sub": user, "iat": now, "exp": now + 600} | more

    def token(self, kid, user, header=None, **claims):
        key = self.keys[kid]
        head = {"alg": key.algorithm, "kid": kid, "typ": "JWT"} | (header or {})
        return self.assemble(head, self.claims(user, **claims), key.sign)

    @staticmethod
    def assemble(header, claims, sign):
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{base64url(sign(text.encode()))}"


def hmac_sha256(secret):
    return lambda text: hmac.new(secret, text, hashlib.sha256).digest()
