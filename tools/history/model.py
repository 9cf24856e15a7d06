"""What Tenure should answer, written a second time: small, slow and without the engine's code.

`Model.answer(command)` takes one command envelope (a dict) and returns None if it is accepted, or
the rejection code. It knows the rulebooks `space` and `anaphora`, the commands that a history uses,
and the hard limits of the plans. Time does not pass in it: nothing expires, no month ends.
"""

import re
from dataclasses import dataclass, field

from rulebooks import COUNTERS, DEFAULT_PLAN, LIMITS, RULEBOOKS, SERVICE_ACTIONS, Rulebook

VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
RESERVED = ("user:", "group:", "service:", "system:", "_")
ID_FIELDS = ("user", "owner", "to", "group", "space", "resource", "checkout")


class Refused(Exception):
    """Carries the rejection code."""

    @property
    def code(self):
        return self.args[0]


def require(condition, code):
    if not condition:
        raise Refused(code)


# State -----------------------------------------------------------------------------------------


@dataclass
class Space:
    name: str
    plan: str
    pending: dict = field(default_factory=dict)  # checkout -> plan, at most one
    access: dict = field(default_factory=dict)  # subject -> space role
    resources: dict = field(default_factory=dict)  # id -> type
    used: int = 0
    usage_seen: set = field(default_factory=set)

    def require_room(self, meter, amount):
        limit = LIMITS[self.plan][meter]
        require(limit is None or amount <= limit, "limit_exceeded")


@dataclass
class Organization:
    rulebook: Rulebook
    version: int = 1
    members: dict = field(default_factory=dict)  # user -> role
    groups: dict = field(default_factory=dict)  # group -> set of users
    spaces: dict = field(default_factory=dict)

    def users_of(self, space_id):
        """The distinct people with direct or group access: what the members meter counts."""
        users = set()
        for subject in self.spaces[space_id].access:
            kind, name = subject.split(":", 1)
            users |= {name} if kind == "user" else self.groups[name]
        return users

    def space_role(self, user, space_id):
        """The highest of the inherited, the direct and the groups' space role, or None."""
        access = self.spaces[space_id].access
        held = {access.get(f"user:{user}"), self.rulebook.roles[self.members[user]].inherits}
        held |= {access.get(f"group:{name}") for name, users in self.groups.items()
                 if user in users}
        return next((role for role in self.rulebook.space_roles if role in held), None)

    def actions(self, user, space_id):
        actions = set(self.rulebook.roles[self.members[user]].actions)
        if space_id in self.spaces:
            role = self.space_role(user, space_id)
            actions |= self.rulebook.space_roles.get(role, set())
        return actions

    def owners(self):
        return [user for user, role in self.members.items() if role == self.rulebook.owner_role]

    def drop_member(self, user):
        del self.members[user]
        for users in self.groups.values():
            users.discard(user)
        for one in self.spaces.values():
            one.access.pop(f"user:{user}", None)


# Commands --------------------------------------------------------------------------------------

# What each command needs; None: said by the command itself.
NEEDS = {
    "AddMember": "member.add", "ChangeRole": "member.change_role", "RemoveMember": "member.remove",
    "LeaveOrganization": None, "TransferOwnership": "organization.transfer",
    "CreateGroup": "group.manage", "DeleteGroup": "group.manage", "AddToGroup": "group.manage",
    "RemoveFromGroup": "group.manage", "CreateSpace": "space.create",
    "RenameSpace": "space.rename", "GrantAccess": "access.manage",
    "ChangeAccess": "access.manage", "RevokeAccess": "access.manage", "CreateResource": None,
    "DeleteResource": None, "RecordUsage": "usage.record", "UpgradePlan": "plan.change",
    "ConfirmPayment": "payment.confirm", "FailPayment": "payment.confirm",
}


class Model:
    def __init__(self):
        self.organizations = {}
        self.answers = {}  # (org, actor, id) -> (envelope, code): no id is decided twice

    def answer(self, envelope):
        try:
            check_values(envelope)
            key = (envelope["org"], envelope["actor"], envelope["id"])
            if key in self.answers:
                first, code = self.answers[key]
                return code if first == envelope else "idempotency_mismatch"
            code = None
            try:
                self.decide(envelope)
            except Refused as refused:
                code = refused.code
            self.answers[key] = (envelope, code)
            return code
        except Refused as refused:
            return refused.code

    def decide(self, envelope):
        org = self.organizations.get(envelope["org"])
        kind, command, actor = envelope["command_type"], envelope["command"], envelope["actor"]
        if kind == "CreateOrganization":
            require(org is None, "already_exists")
            self.organizations[envelope["org"]] = create_organization(actor, command)
            return
        if org and "expected_version" in envelope:
            require(envelope["expected_version"] == org.version, "version_conflict")
        require(org is not None, "not_a_member")
        who, user = actor.split(":", 1)
        if who == "user":
            require(user in org.members, "not_a_member")
            held = org.actions(user, command.get("space"))
            if "space" in command and kind not in ("CreateSpace", "AddMember"):
                require("space.view" in held, "forbidden")
        else:
            held = SERVICE_ACTIONS.get(actor, set())
        require(NEEDS[kind] is None or NEEDS[kind] in held, "forbidden")
        HANDLERS[kind](org, command, user=user, held=held, id=envelope["id"])
        org.version += 1


def check_values(envelope):
    command = envelope["command"]
    ids = [envelope["org"]] + [command[name] for name in ID_FIELDS if name in command]
    if "subject" in command:
        ids.append(command["subject"].split(":", 1)[-1])
    for entry in command.get("entries", []):
        ids += [entry["source"], entry["id"]]
    for one in ids:
        require(VALID_ID.match(one) and not one.startswith(RESERVED), "invalid_id")
    if "name" in command and envelope["command_type"] != "AddMember":
        require(1 <= len(command["name"]) <= 200 and command["name"].isprintable(),
                "invalid_value")


def create_organization(actor, command):
    rulebook = RULEBOOKS[command["rulebook"].split("@")[0]]
    owner = command.get("owner", actor.split(":", 1)[1])
    return Organization(rulebook, members={owner: rulebook.owner_role})


def find(table, key):
    require(key in table, "not_found")
    return table[key]


def add_member(org, c, user, **_):
    role = org.rulebook.roles[org.members[user]]
    require(c["role"] in org.rulebook.roles, "unknown_role")
    if "space" in c:
        find(org.spaces, c["space"])
    require(c["role"] in role.assigns, "role_not_assignable")
    require(c["user"] not in org.members, "already_member")
    if "space" in c:
        target = org.spaces[c["space"]]
        target.require_room("members", len(org.users_of(c["space"])) + 1)
        target.access[f"user:{c['user']}"] = c["space_roles"][0]
    org.members[c["user"]] = c["role"]


def change_role(org, c, user, **_):
    role = org.rulebook.roles[org.members[user]]
    require(c["role"] in org.rulebook.roles, "unknown_role")
    held = find(org.members, c["user"])
    require(held in role.acts_on, "target_outranks_actor")
    require(c["role"] in role.assigns, "role_not_assignable")
    if held == org.rulebook.owner_role and c["role"] != held:
        require(len(org.owners()) > 1, "last_owner")
    require(held != c["role"], "nothing_to_do")
    org.members[c["user"]] = c["role"]


def remove_member(org, c, user, **_):
    held = find(org.members, c["user"])
    require(held in org.rulebook.roles[org.members[user]].acts_on, "target_outranks_actor")
    require(org.owners() != [c["user"]], "last_owner")
    org.drop_member(c["user"])


def leave_organization(org, c, user, **_):
    require(org.owners() != [user], "last_owner")
    require(org.rulebook.may_leave, "forbidden")
    org.drop_member(user)


def transfer_ownership(org, c, user, **_):
    find(org.members, c["to"])
    require(c["to"] != user, "nothing_to_do")
    org.members[c["to"]] = org.rulebook.owner_role
    org.members[user] = org.rulebook.next_lower()


def create_group(org, c, **_):
    require(c["group"] not in org.groups, "already_exists")
    org.groups[c["group"]] = set()


def delete_group(org, c, **_):
    find(org.groups, c["group"])
    del org.groups[c["group"]]
    for one in org.spaces.values():
        one.access.pop(f"group:{c['group']}", None)


def add_to_group(org, c, **_):
    users = find(org.groups, c["group"])
    find(org.members, c["user"])
    require(c["user"] not in users, "already_member")
    for name, one in org.spaces.items():
        if f"group:{c['group']}" in one.access:
            one.require_room("members", len(org.users_of(name) | {c["user"]}))
    users.add(c["user"])


def remove_from_group(org, c, **_):
    users = find(org.groups, c["group"])
    require(c["user"] in users, "not_found")
    users.remove(c["user"])


def create_space(org, c, **_):
    plan = c.get("plan", DEFAULT_PLAN)
    require(plan in LIMITS, "unknown_plan")
    require(c["space"] not in org.spaces, "already_exists")
    org.spaces[c["space"]] = Space(c["name"], plan)


def rename_space(org, c, **_):
    one = find(org.spaces, c["space"])
    require(one.name != c["name"], "nothing_to_do")
    one.name = c["name"]


def access_target(org, c):
    one = find(org.spaces, c["space"])
    kind, name = c["subject"].split(":", 1)
    find(org.members if kind == "user" else org.groups, name)
    return one


def require_level(org, c):
    require(c["roles"][0] in org.rulebook.space_roles, "unknown_role")


def grant_access(org, c, **_):
    require_level(org, c)
    one = access_target(org, c)
    require(c["subject"] not in one.access, "already_exists")
    kind, name = c["subject"].split(":", 1)
    users = {name} if kind == "user" else org.groups[name]
    one.require_room("members", len(org.users_of(c["space"]) | users))
    one.access[c["subject"]] = c["roles"][0]


def change_access(org, c, **_):
    require_level(org, c)
    one = access_target(org, c)
    held = find(one.access, c["subject"])
    require(held != c["roles"][0], "nothing_to_do")
    one.access[c["subject"]] = c["roles"][0]


def revoke_access(org, c, **_):
    one = access_target(org, c)
    find(one.access, c["subject"])
    del one.access[c["subject"]]


def create_resource(org, c, held, **_):
    require(c["type"] in org.rulebook.types, "unknown_type")
    require(f"resource.create:{c['type']}" in held, "forbidden")
    one = find(org.spaces, c["space"])
    require(c["resource"] not in one.resources, "already_exists")
    for link in c.get("links", []):
        find(one.resources, link)
    one.require_room("resources", len(one.resources) + 1)
    one.resources[c["resource"]] = c["type"]


def delete_resource(org, c, held, **_):
    require(any(action.startswith("resource.delete:") for action in held), "forbidden")
    one = find(org.spaces, c["space"])
    kind = find(one.resources, c["resource"])
    require(f"resource.delete:{kind}" in held, "forbidden")
    del one.resources[c["resource"]]


def record_usage(org, c, **_):
    one = find(org.spaces, c["space"])
    require(all(entry["meter"] in COUNTERS for entry in c["entries"]), "unknown_meter")
    new = {(entry["source"], entry["id"]): entry["quantity"] for entry in c["entries"]
           if (entry["source"], entry["id"]) not in one.usage_seen}
    require(new, "nothing_to_do")
    one.require_room("api_requests", one.used + sum(new.values()))
    one.used += sum(new.values())
    one.usage_seen |= set(new)


def upgrade_plan(org, c, id, **_):
    require(c["plan"] in LIMITS, "unknown_plan")
    one = find(org.spaces, c["space"])
    require(not one.pending, "payment_pending")
    require(one.plan != c["plan"], "nothing_to_do")
    one.pending = {f"{org.version + 1}-{id}": c["plan"]}  # a checkout: <version>-<command id>


def pending_space(org, checkout):
    waiting = [one for one in org.spaces.values() if checkout in one.pending]
    require(waiting, "not_found")
    return waiting[0]


def confirm_payment(org, c, **_):
    one = pending_space(org, c["checkout"])
    one.plan = one.pending.pop(c["checkout"])


def fail_payment(org, c, **_):
    pending_space(org, c["checkout"]).pending.clear()


HANDLERS = {
    "AddMember": add_member, "ChangeRole": change_role, "RemoveMember": remove_member,
    "LeaveOrganization": leave_organization, "TransferOwnership": transfer_ownership,
    "CreateGroup": create_group, "DeleteGroup": delete_group, "AddToGroup": add_to_group,
    "RemoveFromGroup": remove_from_group, "CreateSpace": create_space,
    "RenameSpace": rename_space, "GrantAccess": grant_access, "ChangeAccess": change_access,
    "RevokeAccess": revoke_access, "CreateResource": create_resource,
    "DeleteResource": delete_resource, "RecordUsage": record_usage, "UpgradePlan": upgrade_plan,
    "ConfirmPayment": confirm_payment, "FailPayment": fail_payment,
}
