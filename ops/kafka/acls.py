#!/usr/bin/env python3
"""What each role needs to be permitted at the brokers, and no more.

    acls.py ROLE --user NAME [--prefix tenure]     the commands of Kafka's own tool that permit it
    acls.py --list [--prefix tenure]               the whole table

| role      | who                                                                            |
| --------- | ------------------------------------------------------------------------------ |
| admin     | `tenure kafka topics`, also with --create                                      |
| engine    | `tenure serve`, with or without reads                                          |
| reads     | `tenure serve --roles reads`: follows, and hands commands on                   |
| publisher | sends commands, reads results                                                  |
| consumer  | follows the log (applying the reader's rule) or the events, or verifies it      |

The keys of personal text are in <prefix>.keys, in clear: nobody but the engine's processes gets a
right to it, as who may read it and the log can read what is sealed.
Read and Write imply Describe. An idempotent producer needs no right of its own since Kafka 3.0.
Groups: the engine's is `<prefix>-engine`; publishers and consumers begin theirs as the table says,
or use none. tests/kafka/security_test.py runs every role with these rights alone.
"""

import argparse
import sys

# role: (resource, name, pattern, operations)
ROLES = {
    "admin": [
        ("topic", "{prefix}.", "prefixed", ["Create", "Describe", "DescribeConfigs"]),
    ],
    "engine": [
        ("topic", "{prefix}.commands", "literal", ["Read", "Write"]),
        ("topic", "{prefix}.log", "literal", ["Read", "Write"]),
        ("topic", "{prefix}.results", "literal", ["Read", "Write"]),
        ("topic", "{prefix}.quarantine", "literal", ["Write"]),
        ("topic", "{prefix}.keys", "literal", ["Read", "Write"]),
        ("topic", "{prefix}.checkpoints", "literal", ["Write"]),
        ("group", "{prefix}-engine", "literal", ["Read"]),
    ],
    "reads": [
        ("topic", "{prefix}.commands", "literal", ["Write"]),
        ("topic", "{prefix}.log", "literal", ["Read"]),
        ("topic", "{prefix}.results", "literal", ["Read"]),
        ("topic", "{prefix}.quarantine", "literal", ["Describe"]),
        ("topic", "{prefix}.keys", "literal", ["Read", "Write"]),
    ],
    "publisher": [
        ("topic", "{prefix}.commands", "literal", ["Write"]),
        ("topic", "{prefix}.results", "literal", ["Read"]),
        ("group", "{prefix}-publisher", "prefixed", ["Read"]),
    ],
    "consumer": [
        ("topic", "{prefix}.log", "literal", ["Read"]),
        ("topic", "{prefix}.events", "literal", ["Read"]),
        ("topic", "{prefix}.checkpoints", "literal", ["Read"]),
        ("group", "{prefix}-consumer", "prefixed", ["Read"]),
    ],
}


def rights(role, prefix):
    return [(resource, name.format(prefix=prefix), pattern, operations)
            for resource, name, pattern, operations in ROLES[role]]


def tool_command(user, resource, name, pattern, operations):
    chosen = " ".join(f"--operation {each}" for each in operations)
    return (f"kafka-acls.sh --bootstrap-server BROKERS --command-config ADMIN.PROPERTIES --add "
            f"--allow-principal User:{user} {chosen} --{resource} {name} --resource-pattern-type {pattern}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", nargs="?", choices=ROLES)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("--prefix", default="tenure")
    options = parser.parse_args()
    if options.list:
        for role in ROLES:
            for resource, name, pattern, operations in rights(role, options.prefix):
                print(f"{role:10} {resource:6} {name:20} {pattern:9} {' '.join(operations)}")
        return 0
    if not options.role or not options.user:
        parser.error("name a role and --user, or --list")
    for each in rights(options.role, options.prefix):
        print(tool_command(options.user, *each))
    return 0


if __name__ == "__main__":
    sys.exit(main())
