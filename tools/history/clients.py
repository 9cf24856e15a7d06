"""The company's clients: each has a space of its own on the plan `free`, where two of the support
team work; some fill it to its limits, some pay for more.
"""

# By the week they come.
CLIENTS = {6: "fjord", 11: "acme", 18: "globex", 24: "initech", 33: "umbra", 40: "lumen",
           47: "vireo", 55: "quanta", 63: "nimbus", 71: "orchid", 82: "pelican", 91: "quartz"}
# What a client does about its plan, by week: (client, plan, whether the payment succeeds).
UPGRADES = {20: ("acme", "basic", True), 31: ("globex", "pro", False), 32: ("globex", "pro", True),
            45: ("fjord", "basic", True), 60: ("umbra", "basic", False),
            69: ("lumen", "scale", True), 88: ("nimbus", "basic", True),
            103: ("pelican", "pro", None)}  # None: the answer of the provider is still to come
GREEDY = ("client-fjord", "client-lumen")  # fill their space to the last resource of `free`


class Clients:
    def __init__(self, company):
        self.company = company
        self.random = company.random
        self.spaces = []

    @property
    def org(self):
        return self.company.org

    def send(self, command_type, /, **fields):
        """By one of the administrators."""
        return self.company.send(self.company.admin(), command_type, **fields)

    def week(self, week):
        if week in CLIENTS:
            self.welcome(CLIENTS[week])
        self.look_after()
        if week in UPGRADES:
            self.upgrade(*UPGRADES[week])

    def welcome(self, client):
        """A client's space: two of the support team work in it, a third seat is left."""
        space = f"client-{client}"
        self.company.create_space(space, f"Client {client.capitalize()}", {}, plan="free")
        self.spaces.append(space)
        self.look_after()
        # The whole support team at once is more than `free` seats.
        if len(self.org.groups["support"]) > 3:
            self.send("GrantAccess", space=space, subject="group:support", roles=["Readonly"],
                      refused="limit_exceeded")

    def look_after(self):
        """A client whose last account manager has left gets new ones."""
        for space in self.spaces:
            for user in self.account_managers() if not self.org.users_of(space) else []:
                self.send("GrantAccess", space=space, subject=f"user:{user}", roles=["Admin"],
                          reason="account manager")

    def account_managers(self):
        support = [user for user, team in self.company.staff.items() if team == "support"]
        return self.random.sample(support, min(2, len(support)))

    def upgrade(self, client, plan, paid):
        space = f"client-{client}"
        self.send("UpgradePlan", space=space, plan="platinum", refused="unknown_plan")
        self.send("UpgradePlan", space=space, plan=plan)
        self.send("UpgradePlan", space=space, plan=plan, refused="payment_pending")
        if paid is None:
            return
        answer = "ConfirmPayment" if paid else "FailPayment"
        checkout, = self.org.spaces[space].pending
        self.send(answer, checkout=checkout, refused="forbidden")
        self.company.send_service(answer, checkout=checkout)
        self.company.send_service(answer, checkout=checkout, refused="not_found")
        if not paid:
            return
        self.send("UpgradePlan", space=space, plan=plan, refused="nothing_to_do")
        for user in self.account_managers():
            if f"user:{user}" not in self.org.spaces[space].access:
                self.send("GrantAccess", space=space, subject=f"user:{user}", roles=["ReadWrite"])

    def fill_up(self):
        """The greedy clients go to the limit of their plan, and beyond."""
        for space in [one for one in GREEDY if one in self.spaces]:
            for user in self.company.holders(space, "Admin", "ReadWrite")[:1]:
                self.company.create(user, space)
