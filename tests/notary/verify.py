#!/usr/bin/env python3
"""A second verifier of Tenure's evidence, which shares nothing with the first: hashlib and Ed25519 of `cryptography` alone.

    verify.py log DIRECTORY --key FILE [--head FILE]     the records of a log in files against every signed head
    verify.py inclusion PROOF.json PAYLOAD --key FILE    that these bytes are covered by the head in the proof
    verify.py consistency PROOF.json --key FILE          that a head's history goes on in another's
    verify.py bundle DIRECTORY-OR-TAR --key FILE         evidence that tenure audit export made

Written from the formats: RFC 9162 (2.1), C2SP's signed-note and tlog-checkpoint, engine/log/segment_format.h and record.h.
Exit code 0: all holds. 1: it does not; a line for each finding.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import struct
import sys
import tarfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Finding(Exception):
    """What is wrong, in a line."""


# --- RFC 9162, section 2.1

def leaf_hash(payload):
    return hashlib.sha256(b"\x00" + payload).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves):
    """Of leaf hashes, by the definition."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


class Tree:
    """Grows leaf by leaf; keeps the roots of the complete subtrees, largest first."""

    def __init__(self):
        self.size, self.roots = 0, []

    def add(self, leaf):
        self.roots.append(leaf)
        count = self.size
        while count & 1:
            right = self.roots.pop()
            self.roots[-1] = node_hash(self.roots[-1], right)
            count >>= 1
        self.size += 1

    def root(self):
        if not self.roots:
            return tree_root([])
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root


def root_from_inclusion(index, size, leaf, proof):
    """The root that the proof leads to (RFC 9162, 2.1.3.2), or None: it has not the form of one."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = node_hash(each, root)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, each)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old_size, new_size, old_root, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof)
    if old_size & old_size - 1 == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, each)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


# --- signed notes

class Key:
    def __init__(self, line):
        match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", line)
        if not match:
            raise Finding(f"not a key: {line}")
        self.name, key_id, encoded = match.groups()
        key = decoded(encoded)
        self.id = hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]
        if len(key) != 33 or key[0] != 1 or self.id.hex() != key_id:
            raise Finding(f"not an Ed25519 key: {line}")
        self.public = Ed25519PublicKey.from_public_bytes(key[1:])


def read_keys(path):
    lines = [line.strip() for line in pathlib.Path(path).read_text().splitlines()]
    return [Key(line) for line in lines if line and not line.startswith("#")]


def decoded(text):
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Finding(f"not base64: {text}") from None


class Note:
    def __init__(self, note, what):
        self.what = what
        self.text, blank, signatures = note.partition("\n\n")
        self.text += "\n"
        self.signatures = []
        for line in signatures.splitlines():
            match = re.fullmatch(r"— (\S+) (\S+)", line)
            if not match:
                raise Finding(f"{what} is not signed: {line}")
            value = decoded(match[2])
            self.signatures.append((match[1], value[:4], value[4:]))
        if not blank or not self.signatures:
            raise Finding(f"{what} is not signed")

    def __str__(self):
        return self.what

    def check_signature(self, keys, origin):
        """By one of the keys, under the origin's name."""
        for key in keys:
            for name, key_id, signature in self.signatures:
                if name != key.name or key_id != key.id or name != origin:
                    continue
                try:
                    key.public.verify(signature, self.text.encode())
                    return self
                except InvalidSignature:
                    raise Finding(f"{self} was changed: its signature does not hold") from None
        raise Finding(f"{self} is not signed by a key that you trust")


class Head(Note):
    def __init__(self, note):
        super().__init__(note, "the head")
        lines = self.text.split("\n")
        if len(lines) < 4 or not re.fullmatch(r"0|[1-9][0-9]*", lines[1]):
            raise Finding("not a signed head")
        self.origin, self.size, self.root = lines[0], int(lines[1]), decoded(lines[2])
        self.what = f"the head of size {self.size}"
        if len(self.root) != 32:
            raise Finding("not a signed head: its root is not of 32 bytes")

    def check(self, keys, origin=None):
        if origin is not None and self.origin != origin:
            raise Finding(f"{self} is of another log: {self.origin}, not {origin}")
        return self.check_signature(keys, self.origin)


def read_heads(text):
    """Notes, one after the other."""
    return [Head(note) for note in re.findall(r"[^\n—][^\n]*\n(?:[^\n]+\n)+\n(?:— [^\n]+\n)+", text)]


# --- the log in files

RECORD = struct.Struct("<IBBHQQQQIIQ8x")
MAGIC, DECISION, CLAIM = 0x31524E54, 1, 2


def records(directory):
    """(kind, stamp, number, payload, offset) of each record of a segment log, in order, without looking at checksums."""
    offset = 0
    for path in sorted(pathlib.Path(directory).glob("segment-*.log")):
        data, at = path.read_bytes(), 64
        while at + 40 <= len(data):
            magic, count, length, _, first_offset, _, _, _ = struct.unpack_from("<IIIIQQII", data, at)
            if magic != 0x42524E54 or first_offset != offset or at + 40 + length > len(data):
                break
            at += 40
            end = at + length
            for _ in range(count):
                magic, _, kind, _, stamp, number, _, _, size, _, _ = RECORD.unpack_from(data, at)
                payload = data[at + 64:at + 64 + size]
                yield (kind if magic == MAGIC else 0), stamp, number, payload, offset
                at += 64 + size + 7 & ~7
                offset += 1
            at = end


def log_id(directory):
    """As the header of every segment has it; a log that was restored is another one than its first claim says."""
    first = min(pathlib.Path(directory).glob("segment-*.log"), default=None)
    return first.read_bytes()[8:24].hex() if first else ""


def decisions(directory):
    """The payloads of valid decisions: the reader's rule."""
    current, next_number = 0, 0
    for kind, stamp, number, payload, offset in records(directory):
        if kind == CLAIM:
            current = offset + 1
        elif kind == DECISION and stamp == current and number == next_number:
            next_number += 1
            yield payload


def verify_log(data, keys, held):
    """-> findings, how many decisions, how many heads agree."""
    data = pathlib.Path(data)
    heads_file = data / "notary" / "partition-0" / "heads"
    heads = read_heads(heads_file.read_text()) if heads_file.exists() else []
    heads += [Head(pathlib.Path(path).read_text()) for path in held]
    findings, trusted = [], {}
    walk = decisions(data / "log")
    origin = f"tenure/{log_id(data / 'log')}/0"
    for head in heads:
        try:
            head.check(keys, origin)
            if trusted.setdefault(head.size, head).root != head.root:
                findings.append(f"the log was forked: two heads of size {head.size} differ")
        except Finding as finding:
            findings.append(str(finding))
    tree, met, differs = Tree(), 0, False
    for payload in walk:
        tree.add(leaf_hash(payload))
        head = trusted.get(tree.size)
        if head is None:
            continue
        if head.root == tree.root():
            met += 1
        elif not differs:
            differs = True
            findings.append(f"the log is not what was signed: {head} does not fit")
    if trusted and max(trusted) > tree.size:
        findings.append(f"the log ends at {tree.size} decisions, below {trusted[max(trusted)]}")
    if not trusted:
        findings.append("nothing is signed")
    return findings, tree.size, met


# --- proofs, as the API gives them

def hashes(values):
    return [decoded(value) for value in values]


def verify_inclusion(proof, payload, keys):
    head = Head(proof["checkpoint"]).check(keys)
    if head.size != proof["size"]:
        raise Finding("the head is of another size")
    index = int(proof["position"].split(":")[1])
    if root_from_inclusion(index, head.size, leaf_hash(payload), hashes(proof["proof"])) != head.root:
        raise Finding(f"{proof['position']} is not covered by {head}")


def verify_consistency(proof, keys):
    old, new = (Head(proof[name]).check(keys) for name in ("checkpoint_from", "checkpoint_to"))
    if old.origin != new.origin:
        raise Finding("the heads are of two logs")
    if not is_consistent(old.size, new.size, old.root, new.root, hashes(proof["proof"])):
        raise Finding(f"the history of {old} does not go on in {new}")


# --- evidence

def read_bundle(path):
    path = pathlib.Path(path)
    if path.is_dir():
        return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}
    with tarfile.open(path) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar if each.isfile()}


def verify_bundle(files, keys):
    """-> findings, how many records hold."""
    findings, held = [], 0

    def check(name, what, *arguments):
        try:
            return what(*arguments)
        except Finding as finding:
            findings.append(f"{name}: {finding}")

    for name in ("manifest.json", "manifest.sig", "checkpoint", "records.ndjson", "decisions.ndjson"):
        if name not in files:
            return [f"{name} is missing"], 0
    try:
        manifest = json.loads(files["manifest.json"])
    except ValueError:
        return ["manifest.json is no JSON"], 0
    signature = check("manifest.sig", Note, files["manifest.sig"].decode(errors="replace"), "manifest.sig")
    if signature:
        check("manifest.sig", signature.check_signature, keys, manifest.get("origin"))
        if signature.text != f"tenure-evidence-1\n{hashlib.sha256(files['manifest.json']).hexdigest()}\n":
            findings.append("manifest.json was changed: it is not what manifest.sig signs")
    listed = {each["name"]: each["sha256"] for each in manifest.get("files", [])}
    for name in sorted(listed.keys() | files.keys() - {"manifest.json", "manifest.sig"}):
        if name not in files:
            findings.append(f"{name} is missing")
        elif name not in listed:
            findings.append(f"{name} is not listed in the manifest")
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]:
            findings.append(f"{name} was changed: its SHA-256 is not the manifest's")
    head = check("checkpoint", lambda: Head(files["checkpoint"].decode(errors="replace")).check(keys, manifest.get("origin")))
    if head is None or findings:
        return findings, 0
    begin = manifest.get("from", "")
    version = 0 if not begin else max(int(begin) - 1, 0) if begin.isdigit() else None
    decisions = files["decisions.ndjson"].decode().splitlines()
    records = files["records.ndjson"].decode().splitlines()
    if len(decisions) != len(records):
        findings.append("decisions.ndjson and records.ndjson are of two lengths")
    for line, shown in zip(map(json.loads, records), map(json.loads, decisions)):
        position, payload = line["position"], decoded(line["payload"])
        index = int(position.split(":")[1])
        if root_from_inclusion(index, head.size, leaf_hash(payload), hashes(line["proof"])) != head.root:
            findings.append(f"record {position} is not covered by the head")
        elif shown["position"] != position or shown["org"] != manifest["org"] or shown["command_id"].encode() not in payload:
            findings.append(f"decisions.ndjson does not say of {position} what the record says")
        else:
            held += 1
        if shown["outcome"] == "accepted":
            if version is not None and shown["version"] != version + 1:
                findings.append(f"before record {position} an accepted decision is missing")
            version = shown["version"]
    return findings, held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    log = kinds.add_parser("log")
    log.add_argument("data")
    log.add_argument("--head", action="append", default=[])
    inclusion = kinds.add_parser("inclusion")
    inclusion.add_argument("proof")
    inclusion.add_argument("payload")
    consistency = kinds.add_parser("consistency")
    consistency.add_argument("proof")
    bundle = kinds.add_parser("bundle")
    bundle.add_argument("bundle")
    for each in (log, inclusion, consistency, bundle):
        each.add_argument("--key", required=True)
    asked = parser.parse_args()
    try:
        keys = read_keys(asked.key)
        if asked.kind == "log":
            findings, size, met = verify_log(asked.data, keys, asked.head)
            print(f"{size} decisions, {met} heads agree")
        elif asked.kind == "bundle":
            findings, held = verify_bundle(read_bundle(asked.bundle), keys)
            print(f"{held} decisions hold")
        else:
            proof, findings = json.loads(pathlib.Path(asked.proof).read_text()), []
            if asked.kind == "inclusion":
                verify_inclusion(proof, pathlib.Path(asked.payload).read_bytes(), keys)
            else:
                verify_consistency(proof, keys)
    except Finding as finding:
        findings = [str(finding)]
    for finding in findings:
        print(f"BAD {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
