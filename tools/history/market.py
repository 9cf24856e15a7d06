"""Halden Market: the product organization beside the company, under the rulebook `space`.

Some of the company's people run it: services are what it offers, contracts what it has sold. Roles
hold in every space. Ownership changes hands once; whoever leaves the company is removed here too.
"""

ORG = "halden-market"
FIRST_WEEK = 5
HANDOVER = 70
REGIONS = {5: "emea", 22: "amer", 58: "apac"}  # by week of opening
TRIALS = "trials"  # on the plan `free`: its hundredth contract is the last
TRIALS_OPEN, TRIALS_UPGRADE = 12, 95
SIZE = 45
OFFERS = ("Reporting", "Archive", "Alerts", "Forecast", "Export", "Insights", "Single sign-on")
COMPANIES = ("Brise", "Kolben", "Tessera", "Ostwind", "Marek", "Pinta", "Solano", "Harbour")


class Market:
    def __init__(self, history, company):
        self.history = history
        self.company = company
        self.random = history.random
        self.owner = company.head_of_market = "e1002"
        self.former_owner = None
        self.made = {}  # space -> [(type, resource)] not deleted
        self.count = 0
        self.mishaps = [
            self.manager_adds_an_admin, self.manager_lowers_an_admin, self.manager_raises_herself,
            self.admin_removes, self.evaluator_writes, self.manager_deletes, self.nobody_leaves,
            self.owner_leaves, self.admin_takes_over, self.access_is_not_granted,
            self.owner_made_by_role, self.transfer_to_a_stranger, self.manager_upgrades,
        ]

    @property
    def org(self):
        return self.history.model.organizations[ORG]

    def send(self, user, command_type, /, **fields):
        return self.history.send(ORG, f"user:{user}", command_type, **fields)

    def some(self, *roles):
        """A member in one of the roles, or None."""
        held = [user for user, role in self.org.members.items() if role in roles]
        return self.random.choice(held) if held else None

    def week(self, week):
        if week < FIRST_WEEK:
            return
        if week == FIRST_WEEK:
            self.found()
        self.say_goodbye()
        if week in REGIONS:
            self.open(REGIONS[week])
        if week == TRIALS_OPEN:
            self.open(TRIALS, plan="free")
        if week == TRIALS_UPGRADE:
            self.upgrade_trials()
        if week == HANDOVER:
            self.hand_over()
        if len(self.org.members) < SIZE:
            self.add()
        tasks = [self.sell] * (3 + week // 20) + [self.try_out] * (week > TRIALS_OPEN) * 2
        tasks += [self.promote] * (week % 4 == 0) + [self.mishap] * 2
        self.random.shuffle(tasks)
        for task in tasks:
            task()

    # What goes well ----------------------------------------------------------------------------

    def found(self):
        self.send(self.owner, "CreateOrganization", name="Halden Market", rulebook="space@1")
        others = [user for user in self.company.staff if user != self.owner][:6]
        for user, role in zip(others, ("ADMIN", "ADMIN", "MANAGER", "MANAGER", "EVALUATOR",
                                       "EVALUATOR")):
            self.send(self.owner, "AddMember", user=user, role=role)

    def open(self, space, **fields):
        self.send(self.some("OWNER", "ADMIN"), "CreateSpace", space=space,
                  name=f"{space.capitalize()} market", **fields)
        self.made[space] = []

    def add(self):
        outside = [user for user in self.company.staff if user not in self.org.members]
        user, actor = self.random.choice(outside), self.some("OWNER", "ADMIN", "MANAGER")
        self.send(actor, "AddMember", user=user,
                  role=self.random.choice(["EVALUATOR", "EVALUATOR", "MANAGER"]))

    def say_goodbye(self):
        """Who left the company is removed; an ADMIN who tries first may not."""
        for user in self.company.left_this_week:
            if user not in self.org.members:
                continue
            admin = self.some("ADMIN")
            if admin and admin != user:
                self.send(admin, "RemoveMember", user=user, refused="forbidden")
            self.send(self.owner, "RemoveMember", user=user, reason="left the company")
            self.send(user, "CreateResource", space="emea", type="other", resource="notes",
                      refused="not_a_member")

    def promote(self):
        """Roles rise and fall: who sold well, who only looks on from now."""
        for held, role, actors, chance in (
                ("EVALUATOR", "MANAGER", ("OWNER", "ADMIN", "MANAGER"), 0.8),
                ("MANAGER", "EVALUATOR", ("OWNER", "ADMIN"), 0.4),
                ("MANAGER", "ADMIN", ("OWNER",), 0.15)):
            user = self.some(held)
            if user and self.random.random() < chance:
                self.send(self.some(*actors), "ChangeRole", user=user, role=role)

    def sell(self):
        """A contract, now and then a service; an ADMIN clears up what is over."""
        space = self.random.choice([one for one in self.made if one != TRIALS])
        services = [one for kind, one in self.made[space] if kind == "service"]
        contracts = [one for one in self.made[space] if one[0] == "contract"]
        seller = self.some("OWNER", "ADMIN", "MANAGER")
        if len(services) < 3 or self.random.random() < 0.1:
            self.make(seller, space, "service", f"{self.random.choice(OFFERS)} API")
        elif len(contracts) > 5 and self.random.random() < 0.2:
            over = self.random.choice(contracts)
            self.send(self.some("OWNER", "ADMIN"), "DeleteResource", space=space,
                      resource=over[1])
            self.made[space].remove(over)
        else:
            self.make(seller, space, "contract", self.random.choice(COMPANIES),
                      links=[self.random.choice(services)])

    def make(self, user, space, kind, name, refused=None, **fields):
        self.count += 1
        resource = f"{kind}-{self.count:04}"
        self.send(user, "CreateResource", space=space, type=kind, resource=resource, name=name,
                  refused=refused, **fields)
        if not refused:
            self.made[space].append((kind, resource))

    def try_out(self):
        """Trial contracts, until the plan's hundred are there; then one has to go first."""
        seller, name = self.some("ADMIN", "MANAGER"), self.random.choice(COMPANIES)
        full = self.org.spaces[TRIALS].plan == "free" and len(self.made[TRIALS]) >= 100
        if full:
            self.make(seller, TRIALS, "contract", name, refused="limit_exceeded")
            oldest = self.made[TRIALS].pop(0)
            self.send(self.owner, "DeleteResource", space=TRIALS, resource=oldest[1])
        self.make(seller, TRIALS, "contract", name)

    def upgrade_trials(self):
        self.send(self.owner, "UpgradePlan", space=TRIALS, plan="basic")
        checkout, = self.org.spaces[TRIALS].pending
        self.history.send(ORG, "service:admin", "ConfirmPayment", checkout=checkout)

    def hand_over(self):
        heir = self.some("ADMIN")
        self.send(self.owner, "TransferOwnership", to=self.owner, refused="nothing_to_do")
        self.send(self.owner, "TransferOwnership", to=heir, reason="a new head of product")
        self.send(self.owner, "TransferOwnership", to=heir, refused="forbidden")
        self.former_owner, self.owner = self.owner, heir
        self.company.head_of_market = heir

    # What does not -----------------------------------------------------------------------------

    def mishap(self):
        self.random.choice(self.mishaps)()

    def refused(self, code, user, command_type, /, **fields):
        if user:
            self.send(user, command_type, refused=code, **fields)

    def manager_adds_an_admin(self):
        self.refused("role_not_assignable", self.some("MANAGER"), "AddMember", user="e1001",
                     role="ADMIN")

    def manager_lowers_an_admin(self):
        admin = self.some("ADMIN")
        if admin:
            self.refused("target_outranks_actor", self.some("MANAGER"), "ChangeRole", user=admin,
                         role="EVALUATOR")

    def manager_raises_herself(self):
        manager = self.some("MANAGER")
        self.refused("role_not_assignable", manager, "ChangeRole", user=manager, role="ADMIN")

    def admin_removes(self):
        evaluator = self.some("EVALUATOR")
        if evaluator:
            self.refused("forbidden", self.some("ADMIN"), "RemoveMember", user=evaluator)

    def evaluator_writes(self):
        self.refused("forbidden", self.some("EVALUATOR"), "CreateResource", space="emea",
                     type="contract", resource="my-contract")

    def manager_deletes(self):
        for _, resource in self.made["emea"][:1]:
            self.refused("forbidden", self.some("MANAGER"), "DeleteResource", space="emea",
                         resource=resource)

    def nobody_leaves(self):
        self.refused("forbidden", self.some("ADMIN", "MANAGER", "EVALUATOR"), "LeaveOrganization")

    def owner_leaves(self):
        self.refused("last_owner", self.owner, "LeaveOrganization")
        self.refused("last_owner", self.owner, "ChangeRole", user=self.owner, role="ADMIN")

    def admin_takes_over(self):
        admin = self.former_owner or self.some("ADMIN")
        if admin in self.org.members:
            self.refused("forbidden", admin, "TransferOwnership", to=admin)

    def access_is_not_granted(self):
        self.refused("forbidden", self.some("ADMIN"), "GrantAccess", space="emea",
                     subject=f"user:{self.owner}", roles=["Admin"])

    def owner_made_by_role(self):
        member = self.some("MANAGER")
        if member:
            self.refused("role_not_assignable", self.some("ADMIN"), "ChangeRole", user=member,
                         role="OWNER")

    def transfer_to_a_stranger(self):
        self.refused("not_found", self.owner, "TransferOwnership", to="x9001")

    def manager_upgrades(self):
        self.refused("forbidden", self.some("MANAGER"), "UpgradePlan", space="emea", plan="pro")
