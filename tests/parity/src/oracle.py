"""Answers requests with dnf's own API.

One JSON object a line on stdin: {"install": [...], "weak": bool, "best": bool}; one a line on stdout: {"packages": [...]}
or {"problem": "..."}. Arguments: a directory of its own; the module platform, or `-` if module streams are not filtered; then
ID=DIRECTORY[,priority=N][,cost=N][,exclude=PATTERN] for each repository.
"""

import json
import sys

import dnf


def sack(home, platform, repos):
    base = dnf.Base()
    conf = base.conf
    conf.installroot = home + "/root"
    conf.cachedir = home + "/cache"
    conf.persistdir = home + "/persist"
    conf.logdir = home
    conf.gpgcheck = False
    conf.substitutions["arch"] = "x86_64"
    conf.substitutions["basearch"] = "x86_64"
    conf.substitutions["releasever"] = "9"
    if platform != "-":
        conf.module_platform_id = platform
    for text in repos:
        name, rest = text.split("=", 1)
        directory, *parts = rest.split(",")
        options = {"baseurl": ["file://" + directory], "module_hotfixes": platform == "-"}
        excludes = []
        for part in parts:
            key, value = part.split("=", 1)
            if key == "exclude":
                excludes.append(value)
            else:
                options[key] = int(value)
        # Given to add_new_repo, only the first one of a list would count.
        base.repos.add_new_repo(name, conf, **options).excludepkgs = excludes
    base.fill_sack(load_system_repo=True)
    return base


def answer(base, request):
    base.reset(goal=True)
    base.conf.install_weak_deps = request["weak"]
    base.conf.best = request["best"]
    try:
        for text in request["install"]:
            base.install(text)
        base.resolve()
    except (dnf.exceptions.DepsolveError, dnf.exceptions.MarkingError) as problem:
        return {"problem": str(problem)}
    chosen = (
        (p.name, "" if p.epoch == 0 else "%d:" % p.epoch, p.version, p.release, p.arch)
        for p in base.transaction.install_set
    )
    return {"packages": sorted("%s-%s%s-%s.%s" % parts for parts in chosen)}


def main():
    base = sack(sys.argv[1], sys.argv[2], sys.argv[3:])
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(base, json.loads(line))), flush=True)


main()
