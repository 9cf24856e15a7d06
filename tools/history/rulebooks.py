"""The rulebooks `space` and `anaphora` and the hard limits of the plans, as the model sees them.

Written out by hand from the tables of the documentation, not read from engine/rulebooks: a slip in
one of the two shows as a difference.
"""

from dataclasses import dataclass

ADMINISTRATION = {
    "organization.view", "organization.transfer", "member.view", "member.add",
    "member.change_role", "member.remove", "group.view", "group.manage", "space.view",
    "space.create", "space.rename", "access.view", "access.manage", "plan.change", "usage.view",
}


def resource_actions(verbs, types):
    return {f"resource.{verb}:{kind}" for verb in verbs for kind in types}


@dataclass
class Role:
    actions: set
    assigns: tuple = ()
    acts_on: tuple = ()
    inherits: str = ""  # the space role held in every space


@dataclass
class Rulebook:
    owner_role: str
    single_owner: bool
    may_leave: bool
    types: tuple
    roles: dict
    space_roles: dict  # highest first

    def next_lower(self):
        return list(self.roles)[1]


def anaphora():
    work, tools = ("job", "schedule", "report"), ("delivery_interface", "ai_provider")
    change = ("read", "create", "update", "delete")
    every = ("SYSTEM_ADMIN", "USER")
    return Rulebook(
        owner_role="SYSTEM_ADMIN", single_owner=False, may_leave=True, types=work + tools,
        roles={
            "SYSTEM_ADMIN": Role(ADMINISTRATION, every, every, inherits="Admin"),
            "USER": Role({"organization.view"}),
        },
        space_roles={
            "Admin": {"space.view"} | resource_actions(change, work + tools),
            "ReadWrite": {"space.view"} | resource_actions(change, work)
            | resource_actions(("read",), tools),
            "Readonly": {"space.view"} | resource_actions(("read",), work + tools),
        })


def space():
    types = ("service", "contract", "other")
    read = resource_actions(("read",), types)
    write = resource_actions(("create", "update"), types)
    delete = resource_actions(("delete",), types)
    views = {"organization.view", "member.view", "group.view", "space.view", "access.view",
             "usage.view"}
    manager = views | read | write | {"member.add", "member.change_role", "space.create",
                                      "space.rename", "group.manage"}
    low = ("MANAGER", "EVALUATOR")
    high = ("ADMIN",) + low
    # Roles hold in every space: there is no access to give.
    owner = ADMINISTRATION - {"access.manage"} | read | write | delete
    return Rulebook(
        owner_role="OWNER", single_owner=True, may_leave=False, types=types,
        roles={
            "OWNER": Role(owner, high, ("OWNER",) + high),
            "ADMIN": Role(owner - {"member.remove", "organization.transfer"}, high, high),
            "MANAGER": Role(manager, low, low),
            "EVALUATOR": Role(views | read),
        },
        space_roles={})


RULEBOOKS = {"anaphora": anaphora(), "space": space()}
DEFAULT_PLAN = "unmetered"
SERVICE_ACTIONS = {"service:admin": {"payment.confirm", "usage.record"}}

# Hard limits of the catalog: None is no limit. Only `free` counts API requests to a hard limit.
LIMITS = {
    "unmetered": {"resources": None, "members": None, "api_requests": None},
    "free": {"resources": 100, "members": 3, "api_requests": 1000},
    "basic": {"resources": 1000, "members": 10, "api_requests": None},
    "pro": {"resources": 10000, "members": 50, "api_requests": None},
    "scale": {"resources": 100000, "members": 1000, "api_requests": None},
}
COUNTERS = ("api_requests",)
