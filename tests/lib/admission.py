# SPDX-License-Identifier: ISC
"""Who is let in, and who is not."""

from trust import KeyAuth
from wire import Refused


def home_block(node, *options):
    return 'home "%s" {\n%s\n}\n' % (node, "\n".join(options))


def refused(main, status, node, **kw):
    """The link is refused with this status; the whole refusal."""
    try:
        t = main.link(node, **kw)
    except Refused as e:
        assert e.status == status, e
        return e
    t.abort()
    raise AssertionError("%s was let in" % node)


def works(t, link, name):
    t.links.append(link)
    assert link.register([name])["accepted"], name


class TwoHomes:
    """A Main with alice.home and bob.home by their keys, both linked."""

    def __init__(self, t):
        self.keys = KeyAuth(), KeyAuth()
        nodes = "alice.home", "bob.home"
        self.blocks = [home_block(n, 'key "%s"' % k.text)
                       for n, k in zip(nodes, self.keys)]
        self.main = t.main(extra="authentication required\n" +
                           "".join(self.blocks))
        self.links = [self.main.link(n, auth=k)
                      for n, k in zip(nodes, self.keys)]
        for link, name in zip(self.links, "ab"):
            works(t, link, name)

    def remove_alice(self):
        """Her block goes from the configuration."""
        self.main.extra = "authentication required\n" + self.blocks[1]
        self.main.reload()


def mutual(t, extra):
    ca = t.authority()
    clients = t.authority("Clients CA")
    server = ca.issue("server", ["localhost", "127.0.0.1"])
    main = t.main(certs=[server], tls=ca.client(), extra=(
        'tls client-ca "%s"\nauthentication required\n%s' % (
            clients.file, extra)))
    main.ca = ca
    return main, clients


def by(main, cert, node, **kw):
    main.tls = main.ca.client(cert)
    return main.link(node, **kw)
