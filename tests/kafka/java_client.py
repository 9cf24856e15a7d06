"""The Java client, from the broker's jars, in the programs of java/."""

import base64
import pathlib

from cluster import JARS, fetch
from tenure import run

PROGRAMS = pathlib.Path(__file__).resolve().parent / "java"


def java(program, *arguments, input=None):
    fetch()
    return run("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
               "-cp", f"{JARS}/*", str(PROGRAMS / f"{program}.java"), *arguments, input=input)


def follow(log, *more):
    """FollowLog.java -> {position: payload}, and {partition: {"decisions", "claims", "void"}}."""
    decisions, partitions = {}, {}
    for line in java("FollowLog", log.brokers, log.topic("log"), *more).splitlines():
        first, *rest = line.split()
        if ":" in first:
            payload = base64.b64decode(rest[1])
            assert len(payload) == int(rest[0]) and first not in decisions, line
            decisions[first] = payload
        else:
            partitions[int(first)] = dict(zip(rest[::2], map(int, rest[1::2])))
    return decisions, partitions
