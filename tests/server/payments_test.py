"""`tenure payments serve` between a server and Stripe: against stripe-mock, which knows Stripe's API, behind a recorder."""

import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse

from server_case import ServerTest
from tenure import TENURE, command, environment, wait_until

STRIPE_MOCK = pathlib.Path(__file__).resolve().parents[2] / "build" / "stripe-mock"
SECRET = "whsec_test"
PAGE = "https://checkout.stripe.example/c/pay/1"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def listens(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


class Stripe:
    """stripe-mock, and before it a recorder that may do something before a request is passed on or after it is answered."""

    def __init__(self):
        assert STRIPE_MOCK.exists(), "run ops/stripe-mock first: it makes build/stripe-mock"
        port = free_port()
        self.mock = subprocess.Popen([STRIPE_MOCK, "-http-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(port), lambda: "stripe-mock listens")
        self.asked, self.before, self.after, self.status = [], lambda: None, lambda: None, None
        stripe = self

        class Recorder(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command == "POST":
                    stripe.asked.append({"path": self.path, "key": self.headers["Idempotency-Key"],
                                         "form": dict(urllib.parse.parse_qsl(body.decode()))})
                stripe.before()
                kept = {name: value for name, value in self.headers.items() if name not in ("Host", "Connection")}
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as mock:
                    mock.request(self.command, self.path, body, kept)
                    answer = mock.getresponse()
                    status, text = answer.status, answer.read()
                if status == 200 and self.path == "/v1/checkout/sessions":
                    text = json.dumps(json.loads(text) | {"url": PAGE}).encode()
                if status == 200 and self.path.startswith("/v1/setup_intents/"):
                    text = json.dumps(json.loads(text) | {"customer": "cus_7", "payment_method": "pm_8"}).encode()
                if stripe.status:
                    status, text = stripe.status, b'{"error":{"message":"as the test wants it"}}'
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # whoever asked is gone
                stripe.after()

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        return [each for each in self.asked if each["path"] == path]

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        self.mock.kill()
        self.mock.wait()


def signature(body, at=None, secret=SECRET):
    at = int(time.time()) if at is None else at
    return f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()


def event(id, type, /, **fields):
    return json.dumps({"id": id, "object": "event", "type": type, "data": {"object": fields}})


class Payments(ServerTest):
    """One server, one Stripe and one adapter for each test."""

    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.stripe = Stripe()
        self.addCleanup(self.stripe.end)
        grants = ["payment.confirm", "invoice.settle", "billing.manage", "audit.read"]
        made = self.server.submit(
            command("k1", "CreateApiKey", "service:admin", "_tenure", key="p", service="payments"),
            command("k2", "GrantServiceActions", "service:admin", "_tenure", service="payments", actions=grants))
        self.key = made[0]["secret"]
        for name, text in (("sk", "sk_test_123"), ("whsec", SECRET)):
            pathlib.Path(self.root, name).write_text(text + "\n")
        self.adapter = None
        self.addCleanup(lambda: self.adapter and self.kill())
        self.begin()

    def begin(self):
        said = open(os.path.join(self.root, "payments.err"), "ab")
        self.adapter = subprocess.Popen(
            [TENURE, "payments", "serve", "--stripe-url", self.stripe.url, "--secret-key-file", "sk", "--webhook-secret-file",
             "whsec", "--success-url", "https://acme.example/paid", "--cancel-url", "https://acme.example/no", "--port", "0",
             "--poll-ms", "20", "--server", self.server.url],
            cwd=self.root, stdout=subprocess.PIPE, stderr=said, env=environment(TENURE_ADMIN_KEY=self.key))
        said.close()
        came, _, _ = select.select([self.adapter.stdout], [], [], 60)
        line = self.adapter.stdout.readline().decode() if came else ""
        self.assertIn("tenure payments is ready at http://127.0.0.1:", line, self.said())
        self.port = int(line.rsplit(":", 1)[1])

    def said(self):
        return pathlib.Path(self.root, "payments.err").read_text()

    def kill(self):
        if self.adapter.poll() is None:
            self.adapter.send_signal(signal.SIGKILL)
        self.adapter.wait()
        self.adapter.stdout.close()
        self.adapter = None

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def tell(self, body, **options):
        return self.ask("POST", "/webhook", body, {"Stripe-Signature": signature(body, **options)})[0]

    def asked(self, path, count=1):
        wait_until(lambda: len(self.stripe.of(path)) >= count, lambda: f"{count} of {path}\n{self.said()}")
        return self.stripe.of(path)

    def request_plan(self, n=1, org="acme"):
        """-> the checkout of a plan that waits to be paid."""
        decisions = self.server.submit(
            *([command("c1", "CreateOrganization", org=org, name="Acme", rulebook="space")] if n == 1 else []),
            command(f"s{n}", "CreateSpace", org=org, space=f"s{n}", name="S", plan="free"),
            command(f"u{n}", "UpgradePlan", org=org, space=f"s{n}", plan="basic"))
        return decisions[-1]["events"][0]["event"]["checkout"]

    def paid_event(self, checkout, id="evt_1", space="s1"):
        return event(id, "checkout.session.completed", id="cs_1", payment_status="no_payment_required", setup_intent="seti_1",
                     metadata={"org": "acme", "space": space, "checkout": checkout})

    def started(self, space="s1"):
        history = self.server.get(f"/v1/orgs/acme/history?entity=space:{space}").json["decisions"]
        return [each for each in history for made in each.get("events", []) if made["event_type"] == "SubscriptionStarted"]

    def test_from_a_checkout_by_a_webhook_to_a_subscription(self):
        checkout = self.request_plan()
        form = self.asked("/v1/checkout/sessions")[0]["form"]
        self.assertEqual((form["mode"], form["client_reference_id"], form["metadata[org]"]), ("setup", checkout, "acme"))
        page = wait_until(lambda: self.ask("GET", f"/checkouts/acme/{checkout}")[2]["Location"], lambda: self.said())
        self.assertEqual(page, PAGE)
        self.assertEqual(self.ask("GET", "/checkouts/acme/none")[0], 404)
        self.assertEqual(self.server.get("/v1/orgs/acme/spaces/s1/billing").json["status"], "pending_payment")

        body = self.paid_event(checkout)
        for _ in range(3):  # Stripe repeats what it is not sure of
            self.assertEqual(self.tell(body), 200, self.said())
        self.assertEqual(self.tell(self.paid_event(checkout, "evt_2")), 200)
        billing = self.server.get("/v1/orgs/acme/spaces/s1/billing").json
        self.assertEqual((billing["status"], billing["plan"], billing["payment_method"]), ("active", "basic", "card"))
        self.assertEqual(len(self.started()), 1)
        self.assertEqual(len(self.stripe.of("/v1/checkout/sessions")), 1)

    def test_a_webhook_that_is_not_stripes_changes_nothing(self):
        checkout = self.request_plan()
        body, now = self.paid_event(checkout), int(time.time())
        good = signature(body)
        for said in ("", "t=1", good.replace("v1=", "v0="), signature(body, secret="whsec_other"), signature(body, at=now - 400),
                     signature(body, at=now + 400), signature(body + " "), good[:-2] + "zz",
                     f"t={now + 1}," + good.split(",")[1]):
            self.assertEqual(self.ask("POST", "/webhook", body, {"Stripe-Signature": said})[0], 400, said)
        self.assertEqual(self.tell("no json"), 503)
        self.assertEqual(self.tell(event("evt_9", "customer.created", id="cus_1")), 200, "not for us")
        self.assertEqual(self.started(), [])
        rolled = signature(body, secret="whsec_old").split(",")[1]
        self.assertEqual(self.ask("POST", "/webhook", body, {"Stripe-Signature": f"{good},{rolled}"})[0], 200)
        self.assertEqual(len(self.started()), 1)

    def test_a_checkout_that_expires_goes_back_to_the_plan_before(self):
        checkout = self.request_plan()
        told = event("evt_1", "checkout.session.expired", id="cs_1", metadata={"org": "acme", "space": "s1", "checkout": checkout})
        self.assertEqual(self.tell(told), 200)
        self.assertEqual(self.server.get("/v1/orgs/acme/spaces/s1/billing").json["status"], "free")

    def want_payments(self, count):
        """Credits on account make an invoice at once."""
        self.server.submit(
            command("c1", "CreateOrganization", name="Acme", rulebook="space", billing_mode="consolidated"),
            command("m1", "SetPaymentMethod", token="cus_1/pm_2", label="card"),
            command("s1", "CreateSpace", space="s1", name="S"),
            *(command(f"t{n}", "TopUpCredits", space="s1", grant=f"g{n}", amount_minor=500) for n in range(count)))

    def test_invoices_are_collected_and_settled(self):
        self.want_payments(2)
        forms = [each["form"] for each in self.asked("/v1/payment_intents", 2)]
        self.assertEqual([(form["amount"], form["currency"], form["customer"], form["payment_method"], form["metadata[invoice]"])
                          for form in forms],
                         [("500", "eur", "cus_1", "pm_2", f"INV-00000{n}") for n in (1, 2)])
        intent = {"amount": 500, "currency": "eur"}
        paid = event("evt_1", "payment_intent.succeeded", id="pi_1", amount_received=500,
                     metadata={"org": "acme", "invoice": "INV-000001"}, **intent)
        failed = event("evt_2", "payment_intent.payment_failed", id="pi_2", metadata={"org": "acme", "invoice": "INV-000002"}, **intent)
        for told in (paid, paid, failed, paid.replace("evt_1", "evt_3")):
            self.assertEqual(self.tell(told), 200, self.said())
        self.assertEqual([each["status"] for each in self.server.get("/v1/orgs/acme/invoices").json["invoices"]],
                         ["paid", "past_due"])

    def test_what_stripe_refuses_for_good_has_failed_and_what_passes_is_tried_again(self):
        self.stripe.status = 500
        self.want_payments(1)
        self.asked("/v1/payment_intents", 3)
        self.stripe.status = 400
        wait_until(lambda: self.server.get("/v1/orgs/acme/invoices").json["invoices"][0]["status"] == "past_due",
                   lambda: self.said())
        keys = {each["key"] for each in self.stripe.of("/v1/payment_intents")}
        self.assertEqual(len(keys), 1)

    def test_killed_between_any_two_steps_it_asks_and_tells_once(self):
        path, rounds = "/v1/checkout/sessions", 0
        for n, when in enumerate(("before", "after", "after", "after"), 1):
            gone = threading.Event()

            def kill_once():
                if not gone.is_set():
                    self.adapter.send_signal(signal.SIGKILL)
                    self.adapter.wait()
                    gone.set()

            setattr(self.stripe, when, kill_once)
            checkout = self.request_plan(n)
            self.assertTrue(gone.wait(60), self.said())
            setattr(self.stripe, when, lambda: None)
            self.kill()
            self.begin()
            rounds += 1
            # Whether it had stored that it asked or not: there is one request, if need be twice.
            wait_until(lambda: self.ask("GET", f"/checkouts/acme/{checkout}")[0] == 303, lambda: self.said())
            same = [each for each in self.stripe.of(path) if each["form"]["client_reference_id"] == checkout]
            self.assertEqual(len({(each["key"], json.dumps(each["form"])) for each in same}), 1)

            # While the server does not answer; Stripe sends the event again.
            self.server.freeze()
            body = self.paid_event(checkout, f"evt_{n}", f"s{n}")
            telling = threading.Thread(target=self.try_to_tell, args=(body,))
            telling.start()
            time.sleep(0.05 * n)
            self.kill()
            self.server.thaw()
            telling.join()
            self.begin()
            self.assertEqual(self.tell(body), 200, self.said())
            self.assertEqual(len(self.started(f"s{n}")), 1)
        self.assertEqual(rounds, 4)

    def try_to_tell(self, body):
        try:
            self.tell(body)
        except OSError:
            pass

    def test_what_makes_no_sense_is_said_in_one_line(self):
        code, _, error = self.tenure("payments", "serve", "--secret-key-file", "none", "--webhook-secret-file", "whsec",
                                     "--success-url", "u", "--cancel-url", "u", server=self.server)
        self.assertEqual((code, error.splitlines()[-1]), (3, "tenure: cannot read none"))
        code, _, error = self.tenure("payments", "serve", "--secret-key-file", "sk", "--webhook-secret-file", "whsec",
                                     "--stripe-url", "http://example.org", "--success-url", "u", "--cancel-url", "u",
                                     server=self.server)
        self.assertEqual(code, 3)
        self.assertIn("is not https", error)


if __name__ == "__main__":
    unittest.main()
