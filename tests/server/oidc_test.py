"""People sign in by an OpenID Connect issuer: which tokens are taken, and what they let a person do."""

import functools
import http.server
import json
import os
import threading
import time
import unittest

from server_case import FOUND_ACME, ServerTest
from tenure import command, new_id, wait_until
from tokens import Issuer, SigningKey, base64url, hmac_sha256

ALGORITHMS = ("RS256", "ES256", "EdDSA")


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class OidcTest(ServerTest):
    def issuer(self, *algorithms):
        issuer = Issuer(self.root)
        for algorithm in algorithms or ("EdDSA",):
            issuer.add(f"key-{algorithm}", algorithm)
        return issuer.publish()

    def serve(self, *settings):
        path = os.path.join(self.root, "oidc.json")
        with open(path, "w") as file:
            json.dump(list(settings), file)
        server = self.start("--oidc", path)
        server.submit(*FOUND_ACME)
        return server

    def send(self, server, token, kind, actor=None, org="acme", **fields):
        sent = command(new_id(), kind, org=org, actor=actor, **fields)
        if actor is None:
            del sent["actor"]
        return server.post("/v1/commands", sent, bearer(token))

    def assert_refused(self, server, token, why):
        answer = server.get("/v1/orgs/acme", **bearer(token))
        self.assertIn(why, self.assert_problem(answer, 401, "unauthorized")["detail"])
        self.assert_problem(self.send(server, token, "RenameOrganization", name="X"), 401, "unauthorized")


class Tokens(OidcTest):
    def test_a_token_of_each_algorithm_is_its_person(self):
        issuer = self.issuer(*ALGORITHMS)
        server = self.serve(issuer.settings())
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm):
                token = issuer.token(f"key-{algorithm}", "alice")
                self.assertEqual(server.get("/v1/orgs/acme", **bearer(token)).status, 200)
                answer = self.send(server, token, "RenameOrganization", name=f"Acme {algorithm}")
                self.assertEqual((answer.status, answer.json.get("actor")), (200, "user:alice"), answer.text)

    def test_a_person_acts_and_reads_as_nobody_else(self):
        issuer = self.issuer()
        server = self.serve(issuer.settings())
        bob = issuer.token("key-EdDSA", "bob")
        for actor in ("user:alice", "service:admin", "service:bob"):
            self.assert_problem(self.send(server, bob, "RenameOrganization", actor=actor, name="X"), 403, "forbidden")
        self.assert_problem(self.send(server, bob, "RenameOrganization", actor="user:bob", name="X"), 403, "forbidden")
        self.assertEqual(server.get("/v1/orgs/acme/members?as=user:bob", **bearer(bob)).status, 200)
        for other in ("user:alice", "service:admin", "service:bob"):
            self.assert_problem(server.get(f"/v1/orgs/acme/members?as={other}", **bearer(bob)), 404, "not_found")
        self.assertEqual(server.get("/v1/users/bob/organizations", **bearer(bob)).status, 200)
        self.assert_problem(server.get("/v1/users/alice/organizations", **bearer(bob)), 404, "not_found")
        for path in ("/v1/services", "/v1/status"):
            self.assert_problem(server.get(path, **bearer(bob)), 403, "forbidden")
        self.assert_problem(server.get("/v1/decisions", **bearer(bob)), 404, "not_found")
        stranger = issuer.token("key-EdDSA", "stranger")
        self.assert_problem(server.get("/v1/orgs/acme", **bearer(stranger)), 404, "not_found")

    def test_claims_that_do_not_fit_are_refused(self):
        issuer = self.issuer()
        server = self.serve(issuer.settings())
        now = time.time()
        token = functools.partial(issuer.token, "key-EdDSA")
        for made, why in [(token("alice", exp=now - 61), "expired"), (token("alice", nbf=now + 90), "not valid yet"),
                          (token("alice", nbf="soon"), "not valid yet"), (token("alice", exp="late"), "when it expires"),
                          (token("alice", aud="other"), "another audience"), (token("alice", aud=["a", "b"]), "audience"),
                          (token("alice", aud=None), "audience"), (token("alice", iss="https://evil.example"), "issuer"),
                          (token("alice", iss=None), "issuer"), (token("a b"), "sub"), (token("_x"), "sub"),
                          (token("user:alice"), "sub"), (token(None), "sub")]:
            self.assert_refused(server, made, why)
        without = issuer.claims("alice")
        del without["exp"]
        self.assert_refused(server, Issuer.assemble({"alg": "EdDSA", "kid": "key-EdDSA"}, without,
                                                    issuer.keys["key-EdDSA"].sign), "when it expires")
        for taken in (token("alice", exp=now - 30), token("alice", nbf=now + 30), token("alice", aud=["x", "tenure"])):
            self.assertEqual(server.get("/v1/orgs/acme", **bearer(taken)).status, 200)

    def test_forged_tokens_are_refused(self):
        issuer = self.issuer(*ALGORITHMS)
        server = self.serve(issuer.settings())
        other = SigningKey(self.root, "other", "EdDSA")
        good = issuer.token("key-EdDSA", "bob")
        header, payload, signature = good.split(".")
        alice = base64url(json.dumps(issuer.claims("alice")).encode())
        claims = issuer.claims("alice")
        no_signature = base64url(json.dumps({"alg": "none", "kid": "key-EdDSA"}).encode())
        forged = {
            "another person's payload": f"{header}.{alice}.{signature}",
            "no signature": f"{header}.{alice}.",
            "alg none": f"{no_signature}.{alice}.",
            "alg none, signed": f"{no_signature}.{alice}.{signature}",
            "alg None": Issuer.assemble({"alg": "None", "kid": "key-EdDSA"}, claims, lambda _: b""),
            "no alg": Issuer.assemble({"kid": "key-EdDSA"}, claims, issuer.keys["key-EdDSA"].sign),
            "alg as a list": Issuer.assemble({"alg": ["EdDSA"], "kid": "key-EdDSA"}, claims, issuer.keys["key-EdDSA"].sign),
            "HS256 with the public key": Issuer.assemble({"alg": "HS256", "kid": "key-RS256"}, claims,
                                                         hmac_sha256(issuer.keys["key-RS256"].public_pem())),
            "HS256 said to be RS256": Issuer.assemble({"alg": "RS256", "kid": "key-RS256"}, claims,
                                                      hmac_sha256(issuer.keys["key-RS256"].public_pem())),
            "the key of another algorithm": Issuer.assemble({"alg": "RS256", "kid": "key-EdDSA"}, claims,
                                                            issuer.keys["key-EdDSA"].sign),
            "another key under a known id": Issuer.assemble({"alg": "EdDSA", "kid": "key-EdDSA"}, claims, other.sign),
            "a key that it brings itself": Issuer.assemble({"alg": "EdDSA", "kid": "key-EdDSA", "jwk": other.jwk()}, claims,
                                                           other.sign),
            "a critical extension": Issuer.assemble({"alg": "EdDSA", "kid": "key-EdDSA", "crit": ["x"], "x": 1}, claims,
                                                    issuer.keys["key-EdDSA"].sign),
            "a signature of nothing": f"{header}.{payload}.{base64url(b'0' * 64)}",
            "ES256 of zeros": Issuer.assemble({"alg": "ES256", "kid": "key-ES256"}, claims, lambda _: bytes(64)),
            "ES256 as DER": Issuer.assemble({"alg": "ES256", "kid": "key-ES256"}, claims,
                                            lambda text: bytes(70)),
            "padding": good + "=",
            "four parts": good + ".x",
            "no JSON": f"{base64url(b'x')}.{base64url(b'y')}.{signature}",
            "not base64": "a!.b!.c!",
            "empty": "..",
            "very long": f"{header}.{base64url(json.dumps(claims | {'x': 'x' * 9000}).encode())}.{signature}",
        }
        for name, token in forged.items():
            with self.subTest(name):
                answer = server.get("/v1/orgs/acme", **bearer(token))
                self.assert_problem(answer, 401, "unauthorized")
        flipped = 0
        for at in range(len(good)):
            if good[at] == ".":
                continue
            changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]
            status = server.get("/v1/orgs/acme", **bearer(changed)).status
            self.assertIn(status, (401, 503), changed)
            flipped += 1
        self.assertGreater(flipped, 200)
        self.assertEqual(server.get("/v1/orgs/acme", **bearer(good)).status, 200)

    def test_an_algorithm_that_was_not_allowed_is_refused(self):
        issuer = self.issuer(*ALGORITHMS)
        server = self.serve(issuer.settings(algorithms=["ES256"]))
        self.assertEqual(server.get("/v1/orgs/acme", **bearer(issuer.token("key-ES256", "alice"))).status, 200)
        for other in ("RS256", "EdDSA"):
            self.assert_refused(server, issuer.token(f"key-{other}", "alice"), "algorithm")

    def test_another_claim_may_name_the_person(self):
        issuer = self.issuer()
        server = self.serve(issuer.settings(user_claim="preferred_username"))
        token = issuer.token("key-EdDSA", "0815", preferred_username="alice")
        self.assertEqual(self.send(server, token, "RenameOrganization", name="X").json["actor"], "user:alice")
        self.assert_refused(server, issuer.token("key-EdDSA", "alice"), "preferred_username")

    def test_a_new_key_is_found_once_a_token_names_it_and_what_is_unknown_is_looked_for_once(self):
        issuer = self.issuer()
        issuer.add("next", "ES256")
        server = self.serve(issuer.settings())
        made_up = issuer.token("key-EdDSA", "alice", header={"kid": "made-up"})
        self.assertIn(server.get("/v1/orgs/acme", **bearer(made_up)).status, (401, 503))
        self.assert_problem(wait_until(lambda: (answer := server.get("/v1/orgs/acme", **bearer(made_up))).status != 503
                                       and answer, "still looking"), 401, "unauthorized")
        issuer.publish("key-EdDSA", "next")
        late = server.get("/v1/orgs/acme", **bearer(issuer.token("next", "alice")))
        self.assert_problem(late, 401, "unauthorized")  # within the minute, nothing is read again
        server.stop()
        server.start()
        self.assertEqual(server.get("/v1/orgs/acme", **bearer(issuer.token("next", "alice"))).status, 200)

    def test_keys_are_read_again_because_of_a_token(self):
        issuer = self.issuer()
        issuer.add("next", "ES256")
        server = self.serve(issuer.settings())
        issuer.publish("key-EdDSA", "next")
        token = issuer.token("next", "alice")
        first = server.get("/v1/orgs/acme", **bearer(token))
        self.assertEqual(first.status, 503)
        self.assertTrue(first.headers["Retry-After"])
        wait_until(lambda: server.get("/v1/orgs/acme", **bearer(token)).status == 200, "the new key is not found")

    def test_keys_come_from_a_url_of_this_machine(self):
        issuer = self.issuer()
        handler = functools.partial(QuietFiles, directory=self.root)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
            threading.Thread(target=files.serve_forever, daemon=True).start()
            self.addCleanup(files.shutdown)
            url = f"http://127.0.0.1:{files.server_port}/jwks.json"
            server = self.serve(issuer.settings(jwks=url))
            self.assertEqual(server.get("/v1/orgs/acme", **bearer(issuer.token("key-EdDSA", "alice"))).status, 200)

    def test_settings_that_make_no_sense_keep_it_from_starting(self):
        issuer = self.issuer()
        path = os.path.join(self.root, "oidc.json")
        for settings, why in [({}, "list"), ([], "list"), ([1], "object"), ([{"issuer": "x"}], "audience"),
                              ([issuer.settings(jwks="http://id.example/jwks")], "https"),
                              ([issuer.settings(jwks="/nowhere/jwks.json")], "/nowhere"),
                              ([issuer.settings(algorithms=["HS256"])], "RS256"),
                              ([issuer.settings(algorithms=[])], "RS256"),
                              ([issuer.settings(colour="red")], "colour"),
                              ([issuer.settings(), issuer.settings()], "twice"),
                              ([issuer.settings(jwks=path)], "Key Set")]:
            with self.subTest(why):
                with open(path, "w") as file:
                    json.dump(settings, file)
                code, _, said = self.tenure("serve", "--data", self.data, "--port", "0", "--oidc", path)
                self.assertNotEqual(code, 0)
                self.assertIn(why, said)

    def test_without_issuers_no_token_is_taken(self):
        issuer = self.issuer()
        server = self.start()
        server.submit(*FOUND_ACME)
        self.assert_problem(server.get("/v1/orgs/acme", **bearer(issuer.token("key-EdDSA", "alice"))), 401, "unauthorized")


class EnforcedSignIn(OidcTest):
    """An organization whose people must sign in by its issuer."""

    def enforce(self, server, token, issuer="https://id.example", **more):
        return self.send(server, token, "ConfigureSso", issuer=issuer, client_id="c", enforced=True, **more)

    def test_enforcing_takes_a_sign_in_by_that_issuer_and_then_all_must_have_one(self):
        issuer = self.issuer()
        other = Issuer(self.root, name="https://other.example")
        other.jwks = issuer.jwks
        other.keys = issuer.keys
        server = self.serve(issuer.settings(), other.settings())
        alice, bob = issuer.token("key-EdDSA", "alice"), issuer.token("key-EdDSA", "bob")
        elsewhere = other.token("key-EdDSA", "bob")
        configure = command(new_id(), "ConfigureSso", issuer=issuer.name, client_id="c", enforced=True)
        self.assert_problem(server.post("/v1/commands", configure), 403, "sso_required")
        self.assert_problem(self.enforce(server, other.token("key-EdDSA", "alice")), 403, "sso_required")
        self.assertEqual(self.enforce(server, alice).status, 200)

        # Commands and reads of people alike; of services not.
        self.assert_problem(server.post("/v1/commands", command(new_id(), "RenameOrganization", name="X")), 403,
                            "sso_required")
        self.assertEqual(self.send(server, alice, "RenameOrganization", name="X").status, 200)
        self.assert_problem(self.send(server, elsewhere, "LeaveOrganization"), 403, "sso_required")
        for path in ("/v1/orgs/acme", "/v1/orgs/acme/members", "/v1/orgs/acme/spaces/web/resources",
                     "/v1/orgs/acme/members/bob"):
            self.assertEqual(server.get(path, **bearer(bob)).status, 200, path)
            self.assert_problem(server.get(path, **bearer(elsewhere)), 403, "sso_required")
            self.assert_problem(server.get(f"{path}?as=user:bob"), 403, "sso_required")
            self.assertEqual(server.get(path).status, 200, "service:admin is exempt")
        check = {"org": "acme", "user": "bob", "action": "member.add"}
        self.assertTrue(server.post("/v1/check", check, bearer(bob)).json["allowed"])
        self.assert_problem(server.post("/v1/check", check, bearer(elsewhere)), 403, "sso_required")
        self.assertTrue(server.post("/v1/check", check).json["allowed"])
        spaces = server.get("/v1/users/bob/spaces", **bearer(elsewhere)).json["spaces"]
        self.assertEqual(spaces, [])
        self.assertEqual(len(server.get("/v1/users/bob/spaces", **bearer(bob)).json["spaces"]), 1)
        organizations = server.get("/v1/users/bob/organizations", **bearer(elsewhere)).json["organizations"]
        self.assertEqual([each["org"] for each in organizations], ["acme"])
        stranger = other.token("key-EdDSA", "stranger")
        self.assert_problem(server.get("/v1/orgs/acme", **bearer(stranger)), 404, "not_found")

        remove = command(new_id(), "RemoveSso", actor="service:admin")
        self.assertEqual(server.post("/v1/commands", remove).status, 200)
        self.assertEqual(server.get("/v1/orgs/acme", **bearer(elsewhere)).status, 200)


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
