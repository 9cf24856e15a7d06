"""What goes wrong in a company's everyday life: each mishap sends commands that are refused.

A mishap returns False, having sent nothing, if the company has nobody to whom it could happen.
"""

STRANGER = "x9001"


class Mishaps:
    def __init__(self, company):
        self.company = company
        self.random = company.random
        self.send = company.send
        self.kinds = [
            self.user_adds_a_colleague, self.hired_twice, self.role_that_does_not_exist,
            self.address_instead_of_an_id, self.gone_but_tries_again, self.reader_writes,
            self.writer_sets_up_delivery, self.outsider_looks_in, self.lead_gives_access,
            self.granted_twice, self.revoked_twice, self.promoted_twice, self.same_resource_twice,
            self.unknown_kind_of_resource, self.deleted_twice, self.decided_on_old_facts,
            self.script_reuses_an_id, self.answer_lost, self.meter_sends_again,
            self.meter_counts_something_else, self.user_reports_usage, self.link_to_nothing,
            self.team_made_twice, self.team_that_does_not_exist, self.stranger_in_a_team,
            self.renamed_to_the_same, self.wrong_organization, self.level_that_does_not_exist,
            self.name_too_long, self.lead_manages_the_team, self.load_test_on_a_free_plan,
            self.fourth_seat_on_a_free_plan, self.joins_a_team_twice, self.leaves_a_team_twice,
            self.user_pays,
        ]

    def happen(self):
        while not self.random.choice(self.kinds)():
            pass

    # Who and where -----------------------------------------------------------------------------

    @property
    def org(self):
        return self.company.org

    def pick(self, options):
        return self.random.choice(options) if options else None

    def someone(self):
        """A member of the staff who is no administrator."""
        return self.pick([user for user in self.company.staff if self.org.members[user] == "USER"])

    def space(self):
        return self.pick(list(self.org.spaces))

    def holder(self, *levels):
        """(user, space): a user who holds one of the levels in a space."""
        space = self.space()
        return self.pick(self.company.holders(space, *levels)), space

    def refused(self, code, user, command_type, /, **fields):
        self.send(user, command_type, refused=code, **fields)
        return True

    # People ------------------------------------------------------------------------------------

    def user_adds_a_colleague(self):
        user = self.someone()
        return user and self.refused("forbidden", user, "AddMember", user=STRANGER, role="USER",
                                     reason="we need her today")

    def hired_twice(self):
        return self.refused("already_member", self.company.admin(), "AddMember",
                            user=self.pick(list(self.company.staff)), role="USER")

    def role_that_does_not_exist(self):
        return self.refused("unknown_role", self.company.admin(), "AddMember", user=STRANGER,
                            role=self.pick(["DEVELOPER", "user", "ADMIN"]))

    def address_instead_of_an_id(self):
        return self.refused("invalid_id", self.company.admin(), "AddMember",
                            user="someone@halden.example", role="USER")

    def gone_but_tries_again(self):
        user = self.pick(self.company.gone)
        if not user:
            return False
        self.refused("not_a_member", user, "LeaveOrganization")
        return self.refused("not_a_member", user, "CreateResource", space=self.space(),
                            type="report", resource="my-old-report")

    def promoted_twice(self):
        user = self.someone()
        return user and self.refused("nothing_to_do", self.company.admin(), "ChangeRole",
                                     user=user, role="USER")

    def decided_on_old_facts(self):
        user = self.someone()
        old = self.org.version - self.random.randrange(1, 9)
        return user and self.refused("version_conflict", self.company.admin(), "RemoveMember",
                                     user=user, version=old)

    def wrong_organization(self):
        user = self.someone()
        if user:
            self.company.history.send("haldem", f"user:{user}", "LeaveOrganization",
                                      refused="not_a_member")
        return user

    # Teams -------------------------------------------------------------------------------------

    def team_made_twice(self):
        return self.refused("already_exists", self.company.admin(), "CreateGroup",
                            group=self.pick(sorted(self.org.groups)), name="Our team")

    def team_that_does_not_exist(self):
        user = self.someone()
        return user and self.refused("not_found", self.company.admin(), "AddToGroup",
                                     group="tiger-team", user=user)

    def stranger_in_a_team(self):
        return self.refused("not_found", self.company.admin(), "AddToGroup",
                            group="staff", user=self.pick(self.company.gone) or STRANGER)

    def joins_a_team_twice(self):
        group = self.pick([one for one, users in sorted(self.org.groups.items()) if users])
        return self.refused("already_member", self.company.admin(), "AddToGroup", group=group,
                            user=self.pick(sorted(self.org.groups[group])))

    def leaves_a_team_twice(self):
        user = self.someone()
        group = self.pick([one for one, users in sorted(self.org.groups.items())
                           if user not in users])
        return user and group and self.refused("not_found", self.company.admin(),
                                               "RemoveFromGroup", group=group, user=user)

    def lead_manages_the_team(self):
        team = self.pick(list(self.company.leads))
        lead = self.company.leads.get(team)
        if not lead or self.org.members[lead] != "USER":
            return False
        return self.refused("forbidden", lead, "AddToGroup", group=team, user=self.someone())

    # Access ------------------------------------------------------------------------------------

    def lead_gives_access(self):
        user, space = self.holder("Admin")
        if not user or self.org.members[user] != "USER":
            return False
        return self.refused("forbidden", user, "GrantAccess", space=space, roles=["Readonly"],
                            subject=f"user:{self.someone()}")

    def granted(self):
        """(space, subject) of a direct grant."""
        space = self.space()
        return space, self.pick(list(self.org.spaces[space].access))

    def granted_twice(self):
        space, subject = self.granted()
        return subject and self.refused("already_exists", self.company.admin(), "GrantAccess",
                                        space=space, subject=subject, roles=["Readonly"])

    def revoked_twice(self):
        user, space = self.someone(), self.space()
        if not user or f"user:{user}" in self.org.spaces[space].access:
            return False
        return self.refused("not_found", self.company.admin(), "RevokeAccess", space=space,
                            subject=f"user:{user}")

    def level_that_does_not_exist(self):
        space, subject = self.granted()
        return subject and self.refused("unknown_role", self.company.admin(), "ChangeAccess",
                                        space=space, subject=subject, roles=["Editor"])

    def outsider_looks_in(self):
        """The answer is the same for a space that one may not see and one that is not there."""
        user, space = self.someone(), self.space()
        if not user or self.org.space_role(user, space):
            return False
        self.refused("forbidden", user, "CreateResource", space=space, type="report",
                     resource="peek")
        return self.refused("forbidden", user, "CreateResource", space="secret-project",
                            type="report", resource="peek")

    # Work --------------------------------------------------------------------------------------

    def reader_writes(self):
        user, space = self.holder("Readonly")
        return user and self.refused("forbidden", user, "CreateResource", space=space, type="job",
                                     resource="quick-fix")

    def writer_sets_up_delivery(self):
        user, space = self.holder("ReadWrite")
        return user and self.refused("forbidden", user, "CreateResource", space=space,
                                     type="delivery_interface", resource="my-mailbox")

    def same_resource_twice(self):
        user, space = self.holder("Admin", "ReadWrite")
        made = self.pick([one for one in self.company.made[space]
                          if one[0] in ("job", "schedule", "report")])
        return user and made and self.refused("already_exists", user, "CreateResource",
                                              space=space, type=made[0], resource=made[1])

    def unknown_kind_of_resource(self):
        user, space = self.holder("Admin", "ReadWrite")
        return user and self.refused("unknown_type", user, "CreateResource", space=space,
                                     type="dashboard", resource="overview")

    def deleted_twice(self):
        space, _, resource = self.pick(self.company.deleted) or (None, None, None)
        return space and self.refused("not_found", self.company.admin(), "DeleteResource",
                                      space=space, resource=resource)

    def link_to_nothing(self):
        user, space = self.holder("Admin", "ReadWrite")
        return user and self.refused("not_found", user, "CreateResource", space=space,
                                     type="schedule", resource="nightly", links=["job-of-mine"])

    def renamed_to_the_same(self):
        space = self.space()
        return self.refused("nothing_to_do", self.company.admin(), "RenameSpace", space=space,
                            name=self.org.spaces[space].name)

    def name_too_long(self):
        space = self.space()
        return self.refused("invalid_value", self.company.admin(), "RenameSpace", space=space,
                            name="The best space " * 14)

    # Clients that send again -------------------------------------------------------------------

    def answer_lost(self):
        """The network ate the answer: the same command again gets the same answer."""
        history = self.company.history
        line = self.random.randrange(max(0, len(history.commands) - 200), len(history.commands))
        history.repeat(history.commands[line], history.codes[line])
        return True

    def script_reuses_an_id(self):
        history = self.company.history
        recent = [one for one in history.commands[-200:] if one["command_type"] == "CreateResource"]
        if not recent:
            return False
        first = self.pick(recent)
        other = first | {"command": first["command"] | {"name": "Copy of it"}}
        history.repeat(other, "idempotency_mismatch")
        return True

    # Usage and plans ---------------------------------------------------------------------------

    def meter_sends_again(self):
        """A new command with entries that were counted: they count for nothing."""
        sent = self.pick(self.company.metered)
        if not sent:
            return False
        self.company.send_service("RecordUsage", refused="nothing_to_do", **sent["command"])
        return True

    def meter_counts_something_else(self):
        entry = self.company.entry("cpu", 100, meter="cpu_seconds")
        self.company.send_service("RecordUsage", refused="unknown_meter", space=self.space(),
                                  entries=[entry])
        return True

    def user_reports_usage(self):
        user, space = self.holder("Admin", "ReadWrite", "Readonly")
        return user and self.refused("forbidden", user, "RecordUsage", space=space,
                                     entries=[self.company.entry("by-hand", 1)])

    def free_space(self):
        return self.pick([name for name, one in self.org.spaces.items()
                          if one.plan == "free" and not one.pending])

    def load_test_on_a_free_plan(self):
        space = self.free_space()
        if space:
            entry = self.company.entry(f"load-test:{space}", self.random.randrange(2_000, 50_000))
            self.company.send_service("RecordUsage", refused="limit_exceeded", space=space,
                                      entries=[entry])
        return space

    def fourth_seat_on_a_free_plan(self):
        """One more may come in; then the seats are taken."""
        space = self.free_space()
        if not space or len(self.org.users_of(space)) < 2:
            return False
        users = self.org.users_of(space)
        while len(self.org.users_of(space)) < 3:
            self.send(self.company.admin(), "GrantAccess", space=space, roles=["Readonly"],
                      subject=f"user:{self.newcomer(users)}")
        users = self.org.users_of(space)
        return self.refused("limit_exceeded", self.company.admin(), "GrantAccess", space=space,
                            roles=["Readonly"], subject=f"user:{self.newcomer(users)}")

    def newcomer(self, users):
        return self.pick([user for user in self.company.staff if user not in users])

    def user_pays(self):
        user, space = self.holder("Admin")
        if not user or self.org.members[user] != "USER":
            return False
        return self.refused("forbidden", user, "UpgradePlan", space=space, plan="pro")
