"""Billing over HTTP and by the command line: whom invoices are made out to, invoices as PDF, what a change of plan will cost."""

import json
import os
import pathlib
import subprocess
import unittest

from server_case import ServerTest
from tenure import TENURE, command

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PDF = {"Accept": "application/pdf"}


def buy(server, org="acme", space="s", plan="basic"):
    """A sandbox with a space on a paid plan since 2026-01-31 or whenever it is made."""
    decisions = server.submit(
        command(f"{org}1", "CreateOrganization", org=org, name="Acme Ltd", rulebook="space", sandbox=True),
        command(f"{org}2", "AddMember", org=org, user="bob", role="ADMIN"),
        command(f"{org}3", "CreateSpace", org=org, space=space, name="S", plan="free"),
        command(f"{org}4", "UpgradePlan", org=org, space=space, plan=plan))
    checkout = decisions[-1]["events"][0]["event"]["checkout"]
    started = server.submit(command(f"{org}5", "ConfirmPayment", "service:admin", org, checkout=checkout))[0]
    return started["events"][0]["event"]


def advance(server, id, to, org="acme"):
    decision = server.submit(command(id, "AdvanceClock", org=org, to=to))[0]
    assert decision["outcome"] == "accepted", decision


def months_after(time, months, days=0):
    """`time` some months of 31 days on, for clocks that only have to be past something."""
    import datetime
    at = datetime.datetime.fromisoformat(time.replace("Z", "+00:00")) + datetime.timedelta(days=31 * months + days)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


DETAILS = {"name": "Halden Verkehrssysteme GmbH", "address": "Große Bleichen 12, 20354 Hamburg", "country": "DE",
           "tax_id": "DE123456789", "email": "invoices@halden.example"}


class Catalogs(ServerTest):
    """Plans that an operator sells beside, or instead of, those of the program."""

    def file(self, change):
        catalog = json.loads((ROOT / "engine/rulebooks/catalog.json").read_text())
        change(catalog)
        path = os.path.join(self.root, "catalog.json")
        with open(path, "w") as file:
            json.dump(catalog, file)
        return path

    def plan(self, catalog, name):
        return next(each for each in catalog["plans"] if each["name"] == name)

    def test_another_plan_is_sold_and_kept_when_it_is_sold_no_more(self):
        def add_gold(catalog):
            catalog["plans"].append(self.plan(catalog, "basic") | {"name": "gold", "price_minor": 12345})
        server = self.start("--catalog", self.file(add_gold))
        begun = buy(server, plan="gold")["period_from"]
        names = [each["plan"] for each in server.get("/v1/orgs/acme/plans").json["plans"]]
        self.assertIn("gold", names)
        self.assertEqual(server.stop(), 0)

        server.arguments = []
        server.start()
        self.assertEqual(server.get("/v1/orgs/acme/spaces/s").json["plan"], "gold")
        refused = server.submit(command("g2", "CreateSpace", org="acme", space="t", name="T", plan="gold"))[0]
        self.assertEqual(refused["rejection"]["code"], "unknown_plan")
        advance(server, "g3", months_after(begun, 1, 1))
        self.assertEqual(server.get("/v1/orgs/acme/invoices").json["invoices"][0]["net_minor"], 12345)

    def test_a_catalog_that_makes_no_sense_is_refused_before_anything_is_opened(self):
        def no_default(catalog):
            catalog["plans"] = [each for each in catalog["plans"] if each["name"] != "free"]

        def negative(catalog):
            self.plan(catalog, "basic")["price_minor"] = -1
        for change, said in ((no_default, '"free" is not a plan of the catalog'), (negative, 'plan "basic": price_minor must not be negative')):
            data = os.path.join(self.root, change.__name__)
            done = subprocess.run([TENURE, "serve", "--data", data, "--port", "0", "--catalog", self.file(change)],
                                  capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr)
            self.assertIn("catalog.json: ", done.stderr)
            self.assertFalse(os.path.exists(os.path.join(data, "log")), "nothing was made")


class Invoices(ServerTest):
    def text(self, pdf):
        path = os.path.join(self.root, "invoice.pdf")
        with open(path, "wb") as file:
            file.write(pdf)
        return subprocess.run(["pdftotext", "-q", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout

    def test_an_invoice_says_for_ever_whom_it_was_made_out_to(self):
        server = self.start()
        begun = buy(server)["period_from"]
        server.submit(command("d1", "SetBillingDetails", "user:bob", **DETAILS))
        advance(server, "t1", months_after(begun, 1, 1))
        server.submit(command("d2", "SetBillingDetails", "user:bob", space="s", name="Other AG", address="Gasse 1",
                              country="AT"))
        advance(server, "t2", months_after(begun, 2, 1))

        first, second = server.get("/v1/orgs/acme/invoices").json["invoices"]
        self.assertEqual(first["billed_to"], DETAILS | {"erased": False})
        self.assertEqual(second["billed_to"]["name"], "Other AG")
        self.assertEqual(server.get("/v1/orgs/acme/billing").json["billing_details"]["name"], DETAILS["name"])
        self.assertEqual(server.get("/v1/orgs/acme/spaces/s/billing").json["billing_details"]["name"], "Other AG")

        path = "/v1/orgs/acme/invoices/INV-000001"
        issued = server.get(path, **PDF)
        self.assertEqual((issued.status, issued.headers["Content-Type"]), (200, "application/pdf"))
        text = self.text(issued.body)
        for said in ("No. 1", "Acme Ltd", *DETAILS["name"].split(), "Große Bleichen 12", "Germany", DETAILS["tax_id"],
                     DETAILS["email"], "20,00"):
            self.assertIn(said, text)
        self.assertNotIn("Other AG", text)

        # Payment changes what became of it, never the document; nor does a restart.
        server.submit(command("p1", "RecordPayment", "service:admin", invoice="INV-000001",
                              amount_minor=first["total_minor"], reference="r1"))
        self.assertEqual(server.get(path).json["status"], "paid")
        self.assertEqual(server.get(path + "?format=pdf").body, issued.body)
        server.stop()
        server = self.start()
        self.assertEqual(server.get(path + "?as=user:bob", **PDF).body, issued.body)
        file = os.path.join(self.root, "by-cli.pdf")
        code, _, error = self.tenure("get", "invoice", "acme", "INV-000001", "--pdf", file, server=server)
        self.assertEqual(code, 0, error)
        with open(file, "rb") as made:
            self.assertEqual(made.read(), issued.body)

        self.assertEqual(server.get(path + "?format=json", **PDF).headers["Content-Type"], "application/json")
        self.assertEqual(server.get(path, Accept="text/html, application/json;q=0.9, application/pdf").json["number"], 1)
        self.assert_problem(server.get(path + "?format=doc"), 400, "malformed")
        self.assert_problem(server.get(path + "?as=user:mallory", **PDF), 404, "not_found")
        self.assert_problem(server.get("/v1/orgs/acme/invoices/INV-000009", **PDF), 404, "not_found")

    def test_what_is_paid_with_its_issue_is_on_the_invoice(self):
        server = self.start()
        buy(server)
        checkout = server.submit(command("u1", "TopUpCredits", space="s", grant="g", amount_minor=12345)
                                 )[0]["events"][0]["event"]["checkout"]
        server.submit(command("u2", "ConfirmPayment", "service:admin", checkout=checkout))
        text = self.text(server.get("/v1/orgs/acme/invoices/INV-000001", **PDF).body)
        self.assertIn("-€123.45", text)
        self.assertNotIn("Payable by", text)

    def test_whoever_was_erased_is_on_no_invoice_any_more(self):
        server = self.start()
        begun = buy(server)["period_from"]
        server.submit(command("d1", "SetBillingDetails", "user:bob", **DETAILS))
        advance(server, "t1", months_after(begun, 1, 1))
        self.assertEqual(server.submit(command("e1", "EraseSubject", "service:admin", user="bob"))[0]["outcome"], "accepted")
        invoice = server.read("/v1/orgs/acme/invoices/INV-000001").json
        self.assertEqual(invoice["billed_to"], {"name": None, "address": None, "country": "DE", "tax_id": None,
                                                "email": None, "erased": True})
        self.assertEqual(invoice["total_minor"], invoice["net_minor"] + invoice["tax_minor"])
        text = self.text(server.get("/v1/orgs/acme/invoices/INV-000001", **PDF).body)
        self.assertIn("(erased)", text)
        self.assertNotIn("Halden", text)


class PlanPreview(ServerTest):
    def test_the_invoice_says_what_the_preview_said(self):
        server = self.start()
        begun = buy(server)["period_from"]
        advance(server, "t1", months_after(begun, 0, 10))
        preview = server.get("/v1/orgs/acme/spaces/s/plan-preview?plan=pro").json
        self.assertEqual([line["description"] for line in preview["lines"]], ["basic", "pro"])
        self.assertEqual({limit["meter"]: limit["limit"] for limit in preview["limits"]},
                         {"resources": 10000, "members": 50, "api_requests": 1000000})
        self.assertEqual(preview["excess"], [])
        code, out, error = self.tenure("get", "plan-preview", "acme", "s", "pro", "--json", server=server)
        self.assertEqual(code, 0, error)
        self.assertIn(f'"total_minor":{preview["total_minor"]}', out)
        refused = server.submit(command("u1", "UpgradePlan", space="s", plan="pro"))[0]["rejection"]
        self.assertIn(f'{preview["total_minor"] // 100}.{preview["total_minor"] % 100:02} EUR', refused["message"])
        server.submit(command("u2", "UpgradePlan", space="s", plan="pro", confirm=True))
        advance(server, "t2", months_after(begun, 1, 1))
        invoice = server.get("/v1/orgs/acme/invoices/INV-000001").json
        self.assertEqual(invoice["total_minor"], preview["total_minor"])
        self.assertEqual([(line["description"], line["amount_minor"]) for line in invoice["lines"]],
                         [(line["description"], line["amount_minor"]) for line in preview["lines"]])

    def test_who_may_ask_and_for_what(self):
        server = self.start()
        buy(server)
        path = "/v1/orgs/acme/spaces/s/plan-preview"
        self.assert_problem(server.get(path + "?plan=gold"), 400, "malformed")
        self.assert_problem(server.get(path), 400, "malformed")
        self.assert_problem(server.get(path + "?plan=pro&as=user:mallory"), 404, "not_found")
        self.assert_problem(server.get("/v1/orgs/acme/spaces/none/plan-preview?plan=pro"), 404, "not_found")
        for n in range(3):
            server.submit(command(f"r{n}", "CreateResource", space="s", type="service", resource=f"r{n}"))
        free = server.get(path + "?plan=free").json
        self.assertEqual(free["excess"], [])
        self.assertEqual(free["effective"], free["period_to"])


if __name__ == "__main__":
    unittest.main()
