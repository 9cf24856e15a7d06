#!/usr/bin/env python3
"""Maps the public history of a GitHub organization to Tenure commands.

    map_history.py DIR ORG > commands.ndjson         the commands, one a line
    map_history.py DIR ORG --states > states.json    what must hold, and after which command

DIR holds ORG.changes.ndjson and ORG.states.json. A person becomes a member (admin: SYSTEM_ADMIN,
member: USER) of an organization with the rulebook `anaphora`, a team becomes a group, a repository
a space made before its first grant. `root`, the owner, sends everything. With --personal each
command gives as its reason who made the change. Ids are UUIDv7 of when it was made, as
`tenure apply --times-from-ids` reads them, and the same each time.
"""

import argparse
import json
import pathlib
import re
import uuid

OWNER = "root"
ROLES = {"member": "USER", "admin": "SYSTEM_ADMIN"}
LEVELS = {"read": "Readonly", "triage": "ReadWrite", "write": "ReadWrite", "maintain": "Admin",
          "admin": "Admin"}
NAMESPACE = uuid.UUID("6f9a2f0e-6c1d-5c55-9a7e-3d1f1d7c1b10")


def as_id(name):
    return re.sub(r"[^A-Za-z0-9._:-]", "-", name)


def id_at(seconds, name):
    digest = uuid.uuid5(NAMESPACE, name).int
    return str(uuid.UUID(int=seconds * 1000 << 80 | 0x7 << 76 | (digest >> 64 & 0xfff) << 64
                         | 0b10 << 62 | digest & (1 << 62) - 1))


class Mapper:
    """Turns changes into commands, leaving out what Tenure would call nothing to do."""

    def __init__(self, org, personal, begun):
        self.org = org
        self.time = begun
        self.personal = personal
        self.commands = []
        self.spaces = set()
        self.groups = {}  # group -> its users
        self.levels = {}  # (group, space) -> the level held
        self.send("CreateOrganization", name=org, rulebook="anaphora", owner=OWNER)

    def send(self, command_type, by=None, **command):
        name = f"{self.org}/{len(self.commands)}"
        envelope = {"id": id_at(self.time, name), "org": self.org,
                    "actor": f"user:{OWNER}", "command_type": command_type, "command": command}
        if self.personal and by:
            envelope["reason"] = by
        self.commands.append(envelope)

    def change(self, change):
        self.time = change["time"]
        getattr(self, change["change"])(change, change["by"])

    def member_added(self, change, by):
        self.send("AddMember", by, user=as_id(change["user"]), role=ROLES[change["role"]])

    def role_changed(self, change, by):
        self.send("ChangeRole", by, user=as_id(change["user"]), role=ROLES[change["role"]])

    def member_removed(self, change, by):
        user = as_id(change["user"])
        self.send("RemoveMember", by, user=user)
        for users in self.groups.values():
            users.discard(user)

    def team_created(self, change, by):
        group = as_id(change["team"])
        self.send("CreateGroup", by, group=group, name=change["team"])
        self.groups[group] = set()

    def team_joined(self, change, by):
        group, user = as_id(change["team"]), as_id(change["user"])
        self.send("AddToGroup", by, group=group, user=user)
        self.groups[group].add(user)

    def team_left(self, change, by):
        group, user = as_id(change["team"]), as_id(change["user"])
        if user in self.groups[group]:  # else their removal took them out already
            self.send("RemoveFromGroup", by, group=group, user=user)
            self.groups[group].remove(user)

    def team_deleted(self, change, by):
        group = as_id(change["team"])
        self.send("DeleteGroup", by, group=group)
        del self.groups[group]
        self.levels = {key: level for key, level in self.levels.items() if key[0] != group}

    def access_granted(self, change, by):
        group, space = as_id(change["team"]), as_id(change["repo"])
        level, held = LEVELS[change["level"]], self.levels.get((group, space))
        if space not in self.spaces:
            self.send("CreateSpace", by, space=space, name=change["repo"])
            self.spaces.add(space)
        if level != held:
            self.send("ChangeAccess" if held else "GrantAccess", by, space=space,
                      subject=f"group:{group}", roles=[level])
            self.levels[group, space] = level

    def access_revoked(self, change, by):
        group, space = as_id(change["team"]), as_id(change["repo"])
        self.send("RevokeAccess", by, space=space, subject=f"group:{group}")
        del self.levels[group, space]


def map_state(state, commands):
    """A declared state in Tenure's terms; it holds after the first `commands` commands."""
    members = {as_id(user): ROLES[role] for user, role in state["members"].items()}
    groups, access = {}, {}
    for team, declared in state["teams"].items():
        groups[as_id(team)] = sorted(map(as_id, declared["users"]))
        for repo, level in declared["repos"].items():
            access.setdefault(as_id(repo), {})[f"group:{as_id(team)}"] = [LEVELS[level]]
    return {"commands": commands, "members": {OWNER: "SYSTEM_ADMIN"} | members, "groups": groups,
            "access": access}


def map_history(directory, org, personal=False):
    """-> (commands, states), the states in the order in which they must hold."""
    directory = pathlib.Path(directory)
    declared = {state["after"]: state
                for state in json.loads((directory / f"{org}.states.json").read_text())}
    lines = (directory / f"{org}.changes.ndjson").read_text().splitlines()
    changes = [json.loads(line) for line in lines]
    mapper, states = Mapper(org, personal, changes[0]["time"]), []
    for change in changes:
        mapper.change(change)
        if change["n"] in declared:
            states.append(map_state(declared.pop(change["n"]), len(mapper.commands)))
    if declared:
        raise ValueError(f"{org}: states after changes {sorted(declared)} that do not exist")
    return mapper.commands, states


def organizations(directory):
    suffix = ".changes.ndjson"
    return sorted(path.name.removesuffix(suffix)
                  for path in pathlib.Path(directory).glob(f"*{suffix}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("org")
    parser.add_argument("--states", action="store_true", help="print the states instead")
    parser.add_argument("--personal", action="store_true", help="give reasons")
    arguments = parser.parse_args()
    commands, states = map_history(arguments.directory, arguments.org, arguments.personal)
    if arguments.states:
        print(json.dumps(states, indent=1))
        return
    for command in commands:
        print(json.dumps(command, separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    main()
