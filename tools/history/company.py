"""Halden Software: two years of people, teams, products and clients, under the rulebook `anaphora`.

Each week: people are hired and leave, teams change, spaces fill with jobs and reports, usage is
metered, clients upgrade their plans, and some things are refused (mishaps.py).
"""

from clients import GREEDY, Clients
from mishaps import Mishaps

ORG = "halden"
ADMIN = "service:admin"  # meters usage and hears from the payment provider

FOUNDER = "e1001"
DEPARTMENTS = ("it", "sre", "data", "support", "sales", "marketing", "finance", "people")
DEPARTMENT_SPACES = ("support", "sales", "marketing", "finance")
PRODUCTS = {0: "atlas", 9: "beacon", 27: "comet", 51: "delta", 74: "ember"}  # by week of launch
CLOSED = {66: "comet"}
WAVES = (range(3, 9), range(26, 33), range(52, 60), range(78, 85))
LAYOFF = 67

SUBJECTS = ("Latency", "Revenue", "Uptime", "Churn", "Error budget", "Sign-ups", "Capacity",
            "Incidents", "Backups", "Adoption", "Spending", "Tickets")
RHYTHMS = ("hourly", "daily", "weekly", "monthly", "quarterly")


class Company:
    def __init__(self, history):
        self.history = history
        self.random = history.random
        self.staff = {}  # user -> team, those who are there now
        self.leads = {}  # team -> user
        self.gone = []
        self.left_this_week = []
        self.products = []
        self.clients = Clients(self)
        self.made = {}  # space -> [(type, resource)] not deleted
        self.linked = set()  # (space, resource) that another resource names
        self.deleted = []  # (space, type, resource)
        self.metered = []  # the last usage commands
        self.people_count = 1000
        self.resource_count = 0
        self.head_of_market = None  # stays as long as they own the product organization
        self.mishaps = Mishaps(self)

    @property
    def org(self):
        return self.history.model.organizations[ORG]

    def send(self, user, command_type, /, **fields):
        return self.history.send(ORG, f"user:{user}", command_type, **fields)

    def send_service(self, command_type, /, **fields):
        return self.history.send(ORG, ADMIN, command_type, **fields)

    def admin(self):
        return self.random.choice(self.org.owners())

    # One week ----------------------------------------------------------------------------------

    def week(self, week):
        self.left_this_week = []
        if week == 0:
            self.found()
        if week in PRODUCTS:
            self.launch(PRODUCTS[week])
        if week in CLOSED:
            self.close(CLOSED[week])
        self.clients.week(week)
        tasks = [self.hire] * self.hires(week) + [self.part] * self.partings(week)
        tasks += [self.change_team] * (week > 5) + [self.move_ahead] * (week % 3 == 0)
        tasks += [self.work] * min(12 + len(self.staff) // 9, 36) + [self.clients.fill_up] * 3
        tasks += [self.mishaps.happen] * (2 + len(self.staff) // 50)
        self.random.shuffle(tasks)
        for task in tasks:
            task()
        self.meter()

    def hires(self, week):
        return 8 if any(week in wave for wave in WAVES) else self.random.randrange(1, 4)

    def partings(self, week):
        if week == LAYOFF:
            return 18
        return self.random.randrange(0, 3) if week > 12 else 0

    # Beginnings --------------------------------------------------------------------------------

    def found(self):
        self.people_count += 1
        self.send(FOUNDER, "CreateOrganization", name="Halden Software", rulebook="anaphora",
                  reason="the company is founded")
        self.staff[FOUNDER] = "it"
        self.send(FOUNDER, "LeaveOrganization", refused="last_owner")
        self.send(FOUNDER, "CreateGroup", group="staff", name="Everyone")
        self.create_space("company", "Company news", {"group:staff": "Readonly"})
        for team in DEPARTMENTS:
            self.send(FOUNDER, "CreateGroup", group=team, name=team.capitalize())
        for team in DEPARTMENT_SPACES:
            self.create_space(team, f"{team.capitalize()} reports", {f"group:{team}": "ReadWrite"})
        for team in ("it", "it", "sre", "support", "sales", "finance"):
            self.hire(team)
        for user in ("e1002", "e1003"):
            self.send(FOUNDER, "ChangeRole", user=user, role="SYSTEM_ADMIN",
                      reason="runs the company's systems")

    def create_space(self, space, name, access, **fields):
        self.send(self.admin(), "CreateSpace", space=space, name=name, **fields)
        self.made[space] = []
        for subject, level in access.items():
            self.send(self.admin(), "GrantAccess", space=space, subject=subject, roles=[level])

    def launch(self, product):
        team = f"{product}-engineers"
        self.send(self.admin(), "CreateGroup", group=team, name=f"{product.capitalize()} engineers")
        everyone = {f"group:{team}": "ReadWrite", "group:sre": "Admin"}
        title = product.capitalize()
        self.create_space(f"{product}-dev", f"{title} development", everyone)
        self.create_space(f"{product}-staging", f"{title} staging", everyone)
        self.create_space(f"{product}-prod", f"{title} production",
                          {f"group:{team}": "Readonly", "group:sre": "Admin",
                           "group:support": "Readonly", "group:data": "Readonly"})
        self.products.append(product)
        for _ in range(4):
            self.hire(team)
        self.appoint(team)

    def close(self, product):
        """The product is given up: its team goes to the others, its spaces stay to be read."""
        self.products.remove(product)
        team = f"{product}-engineers"
        for user in [one for one, held in self.staff.items() if held == team]:
            self.move(user, self.random.choice(self.products) + "-engineers")
        self.leads.pop(team, None)
        self.send(self.admin(), "DeleteGroup", group=team, reason=f"{product} is given up")
        for stage in ("dev", "staging", "prod"):
            self.send(self.admin(), "RenameSpace", space=f"{product}-{stage}",
                      name=f"{product.capitalize()} {stage} (closed)")

    # People ------------------------------------------------------------------------------------

    def hire(self, team=None):
        """Joins the organization, the team and `staff`; one in twelve is a contractor instead."""
        self.people_count += 1
        user = f"e{self.people_count}"
        fields = {"user": user, "role": "USER", "reason": "hired"}
        fields |= self.history.person(self.people_count)
        if team is None and self.random.random() < 1 / 12:
            space = f"{self.random.choice(self.products)}-dev"
            self.send(self.admin(), "AddMember", **fields, space=space, space_roles=["ReadWrite"])
            self.staff[user] = "contractors"
            return
        team = team or self.random.choice(self.teams_hiring())
        joined = self.send(self.admin(), "AddMember", **fields)
        if self.random.random() < 0.03:  # the answer was lost, the form sent again
            self.history.repeat(joined)
        self.send(self.admin(), "AddToGroup", group=team, user=user)
        self.send(self.admin(), "AddToGroup", group="staff", user=user)
        self.staff[user] = team

    def teams_hiring(self):
        return list(DEPARTMENTS) + [f"{product}-engineers" for product in self.products] * 3

    def part(self):
        """Somebody leaves, by themselves or not; all that they had goes with them."""
        owners = self.org.owners()
        leaving = [user for user in self.staff if user not in owners + [self.head_of_market]]
        user = self.random.choice(leaving)
        if self.random.random() < 0.2:
            self.send(user, "LeaveOrganization", reason="a new job elsewhere")
        else:
            self.send(self.admin(), "RemoveMember", user=user, reason="last day")
        team = self.staff.pop(user)
        self.gone.append(user)
        self.left_this_week.append(user)
        if self.leads.get(team) == user:
            self.appoint(team)

    def appoint(self, team):
        """A lead has Admin in what their team builds."""
        self.leads.pop(team, None)
        able = [user for user, held in self.staff.items() if held == team]
        if not able:
            return
        lead = self.leads[team] = self.random.choice(able)
        product = team.removesuffix("-engineers")
        for stage in ("dev", "staging"):
            space = f"{product}-{stage}"
            held = f"user:{lead}" in self.org.spaces[space].access
            self.send(self.admin(), "ChangeAccess" if held else "GrantAccess", space=space,
                      subject=f"user:{lead}", roles=["Admin"], reason="leads the team")

    def step_down(self, team):
        lead = self.leads.pop(team)
        product = team.removesuffix("-engineers")
        for space, one in self.org.spaces.items():
            if one.access.get(f"user:{lead}") == "Admin" and space.startswith(product):
                self.send(self.admin(), "RevokeAccess", space=space, subject=f"user:{lead}")

    def change_team(self):
        movable = [user for user, team in self.staff.items()
                   if team != "contractors" and user != FOUNDER]
        user = self.random.choice(movable)
        team = self.random.choice(self.teams_hiring())
        if team != self.staff[user]:
            self.move(user, team)

    def move(self, user, team):
        old = self.staff[user]
        if self.leads.get(old) == user:
            self.step_down(old)
            self.staff[user] = team
            self.appoint(old)
        self.send(self.admin(), "AddToGroup", group=team, user=user, reason="changes the team")
        self.send(self.admin(), "RemoveFromGroup", group=old, user=user)
        self.staff[user] = team

    def move_ahead(self):
        """Promotions: to the company's administrators and back, or to more in one space."""
        owners = self.org.owners()
        luck = self.random.random()
        if luck < 0.2 and len(owners) < 6:
            able = [user for user, team in self.staff.items()
                    if team in ("it", "sre") and user not in owners]
            if able:
                self.send(self.admin(), "ChangeRole", user=self.random.choice(able),
                          role="SYSTEM_ADMIN", version=self.org.version)
        elif luck < 0.35 and len(owners) > 4:
            self.send(owners[0], "ChangeRole", user=owners[-1], role="USER")
        elif luck < 0.4 and len(owners) > 4:
            heir = next(user for user in self.staff if user not in owners)
            self.send(owners[-1], "TransferOwnership", to=heir)
        else:
            self.lend_a_hand()

    def lend_a_hand(self):
        """Somebody helps out in another product: Readonly at first, later more, then nothing."""
        space = f"{self.random.choice(self.products)}-staging"
        access = self.org.spaces[space].access
        helpers = [one for one, level in access.items()
                   if one.startswith("user:") and level == "Readonly"]
        workers = [one for one, level in access.items()
                   if one.startswith("user:") and level == "ReadWrite"]
        if workers:
            self.send(self.admin(), "RevokeAccess", space=space, subject=workers[0])
        if helpers:
            self.send(self.admin(), "ChangeAccess", space=space, subject=helpers[0],
                      roles=["ReadWrite"])
        able = [user for user in self.staff if f"user:{user}" not in access]
        self.send(self.admin(), "GrantAccess", space=space, roles=["Readonly"],
                  subject=f"user:{self.random.choice(able)}")

    # Work --------------------------------------------------------------------------------------

    def holders(self, space, *levels):
        """Who holds one of `levels` in the space, by grants and groups."""
        return [user for user in sorted(self.org.users_of(space))
                if self.org.space_role(user, space) in levels]

    def work(self):
        """A resource is made, or now and then deleted, by somebody who may."""
        space = self.random.choice([one for one in self.made if one not in GREEDY])
        able = self.holders(space, "Admin", "ReadWrite")
        if not able:
            return
        user = self.random.choice(able)
        luck = self.random.random()
        if luck < 0.15:
            self.delete(user, space)
        elif luck < 0.2 and not self.is_full(space):
            self.bring_back(user, space)
        else:
            self.create(user, space)

    def is_full(self, space):
        return self.org.spaces[space].plan == "free" and len(self.made[space]) >= 100

    def create(self, user, space):
        made = self.made[space]
        jobs = [one for kind, one in made if kind == "job"]
        tools = [one for kind, one in made if kind == "delivery_interface"]
        kinds = ["job", "job"] + ["schedule", "report", "report"] * bool(jobs)
        if self.org.space_role(user, space) == "Admin":
            kinds += ["delivery_interface", "ai_provider"] * (len(tools) < 4)
        kind = self.random.choice(kinds)
        links = {"schedule": jobs, "report": jobs, "job": tools}.get(kind, [])
        fields = {"links": [self.random.choice(links)]} if links else {}
        resource = self.new_resource(kind)
        name = f"{self.random.choice(SUBJECTS)}, {self.random.choice(RHYTHMS)}"
        refused = "limit_exceeded" if self.is_full(space) else None
        self.send(user, "CreateResource", space=space, type=kind, resource=resource, name=name,
                  **fields, refused=refused)
        if not refused:
            made.append((kind, resource))
            self.linked |= {(space, link) for link in fields.get("links", [])}

    def new_resource(self, kind):
        self.resource_count += 1
        return f"{kind}-{self.resource_count:05}"

    def delete(self, user, space):
        """Only what nothing links to, and what ReadWrite may delete."""
        free = [(kind, one) for kind, one in self.made[space]
                if (space, one) not in self.linked and kind in ("job", "schedule", "report")]
        if free:
            kind, resource = self.random.choice(free)
            self.send(user, "DeleteResource", space=space, resource=resource)
            self.made[space].remove((kind, resource))
            self.deleted.append((space, kind, resource))

    def bring_back(self, user, space):
        """Deleted by mistake, made again under the same id."""
        for one in [one for one in self.deleted if one[0] == space][-1:]:
            self.deleted.remove(one)
            self.send(user, "CreateResource", space=space, type=one[1], resource=one[2],
                      name="Restored")
            self.made[space].append(one[1:])

    def meter(self):
        """The gateway's weekly report: usage of what runs in production, and of the clients."""
        spaces = [f"{product}-prod" for product in self.products]
        spaces += self.clients.spaces
        week = self.history.now.strftime("%G-W%V")
        for space in spaces:
            one = self.org.spaces[space]
            if one.plan == "free":
                quantity = self.random.randrange(5, 40)
                if one.used + quantity > 900:
                    continue
                entries = [self.entry(f"{week}:{space}", quantity)]
            else:
                entries = [self.entry(f"{week}:{space}:{gate}", self.random.randrange(500, 90_000))
                           for gate in ("eu", "us")]
            self.metered.append(self.send_service("RecordUsage", space=space, entries=entries))
        del self.metered[:-20]

    @staticmethod
    def entry(name, quantity, meter="api_requests"):
        return {"source": "gateway", "id": name, "meter": meter, "quantity": quantity}
