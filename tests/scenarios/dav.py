"""The people who keep their contacts on a CardDAV server of their own, Radicale or Xandikos, through plain HTTP. What is on
their cards is read by vobject, which is nobody's here."""

import socket
import subprocess
import sys
import time
from xml.etree import ElementTree

import requests
import vobject

from cards import by_person, filled

USER = "alice"
BEGUN = 60
TIMEOUT = 900
XML = {"Content-Type": "application/xml; charset=utf-8"}
MADE = """<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/>
<CR:addressbook xmlns:CR="urn:ietf:params:xml:ns:carddav"/></resourcetype><displayname>Friends</displayname></prop></set></mkcol>"""
LISTED = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'


class DavServer:
    """A server of one person's, with one address book."""

    def __init__(self, kind, folder):
        self.kind, self.password, self._folder = kind, "first password", folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        start = {"radicale": self._radicale, "xandikos": self._xandikos}[kind]
        arguments, self.book = start(port)
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={"HOME": str(folder), "PATH": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"{kind}.log").open("ab"),
        )
        self._answers()
        if kind == "radicale":
            made = self.call("MKCOL", self.book, MADE, XML)
            assert made.status_code == 201, made.text

    def _radicale(self, port):
        config = self._folder / "radicale.conf"
        self.let_in(self.password)
        config.write_text(
            f"[server]\nhosts = 127.0.0.1:{port}\n"
            f"[auth]\ntype = htpasswd\nhtpasswd_filename = {self._folder}/users\nhtpasswd_encryption = plain\ndelay = 0\n"
            f"[rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {self._folder}/radicale\n"
        )
        return ["radicale", "--config", str(config)], f"/{USER}/friends/"

    def _xandikos(self, port):
        place = ["-d", str(self._folder / "xandikos"), "-l", "127.0.0.1", "-p", str(port)]
        me = ["--current-user-principal", f"/{USER}/"]
        return ["xandikos", "serve", "--defaults", "--no-detect-systemd", *place, *me], f"/{USER}/contacts/addressbook/"

    def _answers(self):
        deadline = time.monotonic() + BEGUN
        while time.monotonic() < deadline:
            try:
                return requests.get(self.base, timeout=TIMEOUT, allow_redirects=False)
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError("the server does not start")

    def stop(self):
        self._process.kill()
        self._process.wait()

    def let_in(self, password):
        """The password is another one from now on. Xandikos lets everybody in."""
        self.password = password
        (self._folder / "users").write_text(f"{USER}:{password}\n")

    @property
    def login(self):
        """What its owner types to connect it."""
        return {"server": self.base, "user": USER, "password": self.password}

    def call(self, method, path, body=None, headers=None):
        body = body.encode() if isinstance(body, str) else body
        auth = (USER, self.password)
        return requests.request(method, self.base + path, data=body, headers=headers, auth=auth, timeout=TIMEOUT)


class DavBook:
    """The address book on a server."""

    def __init__(self, server):
        self.server = server

    # ---- what people do ----

    def add(self, first, last, email=None, lines=""):
        """Adds a contact, with further lines on its card."""
        name = f"{first}-{last}".lower()
        self._put(f"{self.server.book}{name}.vcf", written(first, last, email, lines), {"If-None-Match": "*"})

    def add_cards(self, texts):
        """Puts a whole address book in the place of an empty one, which Radicale takes."""
        self._put(self.server.book, texts, {})

    def enter_many(self, people, lines):
        """Adds them to an empty address book, in the quickest way that the server has."""
        if self.server.kind == "radicale":
            return self.add_cards("".join(written(*person, lines) for person in people))
        for person in people:
            self.add(*person, lines)

    def edit(self, who, old, new):
        """Puts one text in another one's place on a card."""
        self.edit_at(self.find(who)[0], old, new)

    def edit_at(self, path, old, new):
        """The same, of the card at an address."""
        _, etag, text = self.read(path)
        assert text.count(old) == 1, f"{old!r} on the card {text}"
        self._put(path, text.replace(old, new), {"If-Match": etag})

    def delete(self, who):
        self.delete_at(self.find(who)[0])

    def delete_at(self, path):
        _, etag, _ = self.read(path)
        gone = self.server.call("DELETE", path, headers={"If-Match": etag})
        assert gone.ok, gone.text

    def _put(self, path, text, headers):
        put = self.server.call("PUT", path, text, {"Content-Type": "text/vcard; charset=utf-8", **headers})
        assert put.ok, f"{put.status_code}: {put.text}"

    # ---- what they see ----

    def etags(self):
        """The version of each card, by its path."""
        listed = self.server.call("PROPFIND", self.server.book, LISTED, {"Depth": "1", **XML})
        assert listed.status_code == 207, listed.text
        found = {}
        for one in ElementTree.fromstring(listed.content):
            path = one.find("{DAV:}href").text
            if path.endswith(".vcf"):
                found[path] = one.find(".//{DAV:}getetag").text
        return found

    def read(self, path):
        """A card: (path, etag, text)."""
        got = self.server.call("GET", path)
        assert got.ok, got.text
        return path, got.headers["ETag"], got.content.decode()

    def texts(self):
        """Every card."""
        return [self.read(path) for path in self.etags()]

    def find(self, who):
        """The card with this in it, such as an e-mail address."""
        found = [one for one in self.texts() if who in one[2].lower()]
        assert len(found) == 1, f"{len(found)} cards with {who}"
        return found[0]

    def cards(self):
        return by_person("the address book", [card(vobject.readOne(text)) for _, _, text in self.texts()])

    def versions(self):
        return {path: etag for path, etag, _ in self.texts()}


def written(first, last, email, lines):
    """A new card."""
    name = f"{first}-{last}".lower()
    mail = f"EMAIL;TYPE=WORK:{email}\r\n" if email else ""
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:{first} {last}\r\nN:{last};{first};;;\r\n{mail}{lines}END:VCARD\r\n"


def card(found):
    """What is on a card, in the words of `cards`."""

    def first(name, kind=None):
        for one in found.contents.get(name, []):
            kinds = [kind.upper() for kind in one.params.get("TYPE", [])]
            if kind is None or kind.upper() in kinds:
                return one.value
        return None

    name = found.n.value
    return filled(
        first=name.given,
        last=name.family,
        email=(first("email", "work") or first("email") or "").lower(),
        title=first("title"),
        department=next(iter((first("org") or [])[1:]), None),
        phone=first("tel", "work"),
        mobile=first("tel", "cell"),
        born=first("bday"),
        notes=first("note"),
    )
