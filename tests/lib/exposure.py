#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""exposure.py UNIT: compares what `systemd-analyze security' marks in the unit
with the reasons that the unit gives, one by one: a line `# NAME=' and the
reason below it, indented.  A mark without a reason fails, and so does a reason
without a mark."""
import json
import re
import subprocess
import sys


def marks(unit):
    out = subprocess.run(
        ['systemd-analyze', 'security', '--offline=true', '--json=short',
         '--no-pager', unit], stdout=subprocess.PIPE, check=True).stdout
    return {row['name'] for row in json.loads(out)
            if not row['set'] and float(row['exposure'] or 0) > 0}


def reasons(unit):
    with open(unit, encoding='utf-8') as text:
        return set(re.findall(r'^# ([A-Z]\S*=\S*)\n#\t\S', text.read(), re.M))


def main(unit):
    marked, given = marks(unit), reasons(unit)
    for name in sorted(marked - given):
        print(f'{unit}: {name} is marked, and no reason is given')
    for name in sorted(given - marked):
        print(f'{unit}: {name} has a reason, and is not marked')
    return 1 if marked != given or not marked else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
